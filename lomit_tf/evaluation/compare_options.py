"""What to compare. Nothing here imports TensorFlow, so that the command can refuse bad flags at once."""

from __future__ import annotations

import dataclasses

from lomit_tf.config import NEEDED, ConfigError, option
from lomit_tf.evaluation.options import Options


@dataclasses.dataclass(frozen=True)
class CompareOptions:
    """Which runs to compare, and on what; the fields are the command's flags."""

    runs: tuple[str, ...] = option(NEEDED, "comma-separated workdirs of lomit_tf.train, checkpoints or shipped weights")
    out: str = option(NEEDED, "folder for the page, the tables and the pictures", form="DIR")
    dataset: str = option("", "as of lomit_tf.evaluate (default: the runs' own)", form="NAME")
    data_dir: str = option("", "folder of the data set (default: the runs' own)", form="DIR")
    split: str = option(
        "auto", "part of the data set; auto: test, or validation where there are no test images",
        ("auto", "train", "validation", "test"),
    )  # fmt: skip
    pairs: int = option(1000, "how many pairs", least=2)
    seed: int = option(0, "of the choice of pairs and of the resamples", least=0)
    batch_size: int = option(32, "pairs translated at once", least=1)
    classifier: str = option(
        "", "folder of lomit_tf.train_classifier, celeba_classifier or drawn_faces_classifier (default: none, and "
        "attributes are not measured)", form="DIR",
    )  # fmt: skip
    embedder: str = option(
        "",
        "inception_v3, or a .tflite or .keras image embedder, for realism (default: the --classifier's features)",
        form="FILE",
    )
    embedder_range: str = option(
        "", "what black and white are for the embedder (default: as its file says)", form="LOW,HIGH"
    )
    resamples: int = option(1000, "of the images, for the intervals of realism", least=2)
    grid_pairs: int = option(8, "pairs in the figure", least=1)
    pictures: int = option(64, "pairs whose pictures are written for a user study (0: none)", least=0)
    failed: tuple[str, ...] = option(
        (), "a method whose training failed, and why, for the table", form="NAME=WHY", repeated=True
    )
    overwrite: bool = option(False, "also when the folder has a report already")

    def evaluation(self) -> Options:
        """The same as options of an evaluation, of the first run."""
        shared = {field.name for field in dataclasses.fields(Options)}
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name in shared}
        return Options(checkpoint=self.runs[0], copy_exemplar_colour=False, **values)

    def failures(self) -> dict[str, str]:
        """Name -> why. Raises ConfigError for what is not NAME=WHY."""
        found = {}
        for text in self.failed:
            name, equals, why = text.partition("=")
            if not equals or not name.strip() or not why.strip():
                raise ConfigError(f"--failed must be NAME=WHY; received {text!r}")
            found[name.strip()] = why.strip()
        return found
