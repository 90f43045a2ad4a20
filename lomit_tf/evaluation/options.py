"""What to evaluate. Nothing here imports TensorFlow, so that the command can refuse bad flags at once."""

from __future__ import annotations

import dataclasses

from lomit_tf.config import DATASETS, NEEDED, ConfigError, option

MASK_SETS = ("celebamask", "horses")  # --dataset: with true masks, for evaluation alone
RESULTS = "results.json"  # what says that a folder has a report


@dataclasses.dataclass(frozen=True)
class Options:
    """What to evaluate; the fields are the command's flags."""

    checkpoint: str = option(
        NEEDED, "a workdir of lomit_tf.train, one of its checkpoints, or shipped weights by name", form="M"
    )
    out: str = option(NEEDED, "folder for the report", form="DIR")
    dataset: str = option(
        "", f"{', '.join(DATASETS)}, celebamask (CelebAMask-HQ's classes) or horses (default: the model's own)",
        form="NAME",
    )  # fmt: skip
    data_dir: str = option("", "folder of the data set (default: the model's own)", form="DIR")
    split: str = option(
        "auto", "part of the data set; auto: test, or validation where there are no test images",
        ("auto", "train", "validation", "test"),
    )  # fmt: skip
    pairs: int = option(1000, "how many pairs", least=2)
    seed: int = option(0, "of the choice of pairs", least=0)
    batch_size: int = option(32, "pairs translated at once", least=1)
    classifier: str = option(
        "", "folder of lomit_tf.train_classifier, celeba_classifier or drawn_faces_classifier (default: none, and "
        "attributes are not measured)", form="DIR",
    )  # fmt: skip
    embedder: str = option(
        "", "inception_v3, or a .tflite or .keras image embedder, for realism (default: none)", form="FILE"
    )
    embedder_range: str = option(
        "", "what black and white are for the embedder (default: as its file says)", form="LOW,HIGH"
    )
    segmenter: str = option(
        "", "a supervised .tflite segmenter, whose masks are measured beside (default: none)", form="FILE"
    )
    identity: bool = option(True, "measure the untouched input too")
    copy_exemplar_colour: bool = option(True, "measure recolouring by the true masks too")
    photograph_size: int = option(
        0, "also measure translations of photographs of this side, a multiple of 64, through the Translator; needs a "
        "data set with true masks (0: do not)", least=0,
    )  # fmt: skip
    grid_pairs: int = option(8, "pairs in the pictures", least=1)
    overwrite: bool = option(False, "also when the folder has a report already")

    def embedder_bounds(self) -> tuple[float, float] | None:
        """`embedder_range` as two numbers, None where it is empty. Raises ConfigError for anything else."""
        if not self.embedder_range:
            return None
        try:
            low, high = (float(x) for x in self.embedder_range.split(","))
        except ValueError:
            raise ConfigError(f"--embedder_range must be LOW,HIGH; received {self.embedder_range}") from None
        return low, high
