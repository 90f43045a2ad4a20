"""The drawn faces as a TFDS data set; importing this module registers it as "drawn_faces".

    import tensorflow_datasets as tfds
    import lomit_tf.data.drawn_faces_tfds  # noqa: F401, registers the data set

    train = tfds.load("drawn_faces/64", split="train")

Nothing is downloaded: the pictures are drawn while the data set is prepared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from lomit_tf.data.drawn_faces import ATTRIBUTES, REGIONS, SPLITS, generate, split_indices

EXAMPLES: Mapping[str, int] = {"train": 10_000, "validation": 1_000, "test": 1_000}

_DESCRIPTION = f"""
Procedurally drawn faces with seven attributes ({", ".join(ATTRIBUTES)}) and true region masks
({", ".join(REGIONS)}).

Each face has exactly one hair colour; the attributes are independent of each other and of pose, light,
skin, clothes and background, and each shows only inside its own region.  The three channels of `masks` are
the visible coverage (0..255) of the regions in the order given.  `index` is the face's number:
`draw([index], seed=..., size=...)` draws the same face again.
"""


@dataclasses.dataclass(eq=False)
class DrawnFacesConfig(tfds.core.BuilderConfig):
    """Which faces to draw: picture size (64..256), seed, and the number of examples in each split."""

    size: int = 64
    seed: int = 0
    examples: Mapping[str, int] = dataclasses.field(default_factory=lambda: dict(EXAMPLES))


class DrawnFaces(tfds.core.GeneratorBasedBuilder):
    """Drawn faces of 64, 128 or 256 pixels; `config=DrawnFacesConfig(...)` gives other sizes or counts."""

    # TFDS 4.9 would look this up with importlib_resources, which neither it nor newer etils install.
    code_path = tfds.core.Path(__file__)
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "First version."}
    BUILDER_CONFIGS: ClassVar[list[DrawnFacesConfig]] = [
        DrawnFacesConfig(name=str(size), description=f"Faces of {size} x {size} pixels.", size=size)
        for size in (64, 128, 256)
    ]

    def _info(self) -> tfds.core.DatasetInfo:
        size = self.builder_config.size
        picture = tfds.features.Image(shape=(size, size, 3), dtype=np.uint8, encoding_format="png")
        masks = tfds.features.Image(
            shape=(size, size, 3),
            dtype=np.uint8,
            encoding_format="png",
            doc=f"channels: {', '.join(REGIONS)}",
        )
        features = {
            "image": picture,
            "attributes": {name: np.bool_ for name in ATTRIBUTES},
            "masks": masks,
            "index": np.int64,
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=None,
            homepage=None,
            citation=None,
            disable_shuffling=True,  # the faces are independent of their index as it is
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator[Any]]:
        del dl_manager
        examples = self.builder_config.examples
        return {split: self._generate_examples(split, count) for split, count in examples.items()}

    def _generate_examples(self, split: str, count: int) -> Iterator[tuple[int, dict[str, Any]]]:
        config = self.builder_config
        count = len(split_indices(split, count))  # refuses a count that reaches into the next split
        start = SPLITS[split].start
        for face in generate(count, seed=config.seed, size=config.size, start=start):
            example = {
                "image": face.image,
                "attributes": dict(zip(ATTRIBUTES, face.label.tolist(), strict=True)),
                "masks": face.mask,
                "index": face.index,
            }
            yield face.index, example
