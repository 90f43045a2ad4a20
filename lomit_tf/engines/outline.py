"""What photographs need to know of a model's networks, and what they get from them. Imports no TensorFlow.

Two engines compute the networks: `inference.Inference` on TensorFlow, `light.LightInference` on LiteRT.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from lomit_tf.config import COLOUR_MOMENTS, STYLE_DIM, LomitConfig
from lomit_tf.settings.close_ups import Box
from lomit_tf.settings.methods import need_whole

COLOURS_ONLY = 0.5  # the flag of a style that is known by its colour moments alone, such as a swatch's


@dataclasses.dataclass(frozen=True)
class Painting:
    """A translation and its parts. Photographs are composed at their own size, of masks, raw and curves alone."""

    masks: Any  # (B, S, S, R), as used
    raw: Any = None  # (B, S, S, 3): what G painted, without the composite; None in models without free groups
    curves: Any = None  # (B, S/8, S/8, C * 4 * BINS) of the C colour groups; None in models without any
    image: Any = None  # (B, S, S, 3): the translation, within [-1, 1] but where curves overshoot
    reconstruction: Any = None  # (B, S, S, 3): G with the own styles, where it was asked for
    displacement: Any = None  # (B, S, S, 2), in pixels: how far away its pixels come from; None in models without it
    moved: Any = None  # of photographs, (S, S, C): what the colour groups' masks gained where their regions moved


@dataclasses.dataclass(frozen=True)
class Outline:
    """Names and sizes of a model.

    Attributes:
      size: S, the side of its images.
      groups: names of its G attribute groups, in the order of its mask channels.
      coloured: indices of those that are painted by colour curves.
      dataset, crop: what it was trained on, and which centred square of those images (0: the largest).
      code_size: length of a style's code.
      connected: indices of the groups whose mask is one connected region in photographs: `imaging.connected` makes it
        so of what the networks give.
      boxes: index of each group that is painted from near -> left, top and side of the square that its networks see.
      competing: indices of the groups whose masks compete with other regions in photographs: `imaging.competing`.
      small: indices of the groups whose regions are small, as lips are (`unfiltered_groups`): they lie within the crop.
    """

    size: int
    groups: tuple[str, ...]
    coloured: tuple[int, ...]
    dataset: str
    crop: int
    code_size: int = STYLE_DIM
    connected: tuple[int, ...] = ()
    boxes: Mapping[int, Box] = dataclasses.field(default_factory=dict)
    competing: tuple[int, ...] = ()
    small: tuple[int, ...] = ()

    @classmethod
    def of(cls, config: LomitConfig) -> Outline:
        """The outline of the model that a configuration makes. Raises ConfigError for one of parts of pictures."""
        need_whole(config.data, "translating photographs")
        data = config.data
        return cls(
            data.image_size, tuple(data.group_labels), config.colour_indices, data.dataset, data.crop,
            code_size=STYLE_DIM * (1 + len(config.boxes)), connected=config.connected_indices,
            competing=config.competing_indices, boxes=config.boxes, small=config.unfiltered_indices,
        )  # fmt: skip

    @property
    def overlapping(self) -> tuple[int, ...]:
        """Indices of the groups that are painted from near, whose masks lie on those of others."""
        return tuple(self.boxes)

    @property
    def free(self) -> tuple[int, ...]:
        """Indices of the groups that are painted pixel by pixel."""
        return tuple(g for g in range(len(self.groups)) if g not in self.coloured)

    @property
    def style_size(self) -> int:
        """Length of a style: the code and, in models with colour groups, the moments and a flag."""
        return self.code_size + (COLOUR_MOMENTS + 1 if self.coloured else 0)


class Networks(Protocol):
    """A model's averaged networks, ready to be called often and from several threads.

    Below, S is the model's image size, G its groups, R = G + 1 the regions with the background last, and D the length
    of a style. Images are (B, S, S, 3) float32 in -1..1, masks (B, S, S, R) float32 summing to 1, styles (B, G, D).
    """

    outline: Outline

    def masks(self, images: np.ndarray) -> np.ndarray:
        """m: images -> masks."""

    def styles(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """The groups' styles of exemplars, 0 for empty regions: images, masks -> styles."""

    def paint(self, images: np.ndarray, masks: np.ndarray, styles: np.ndarray, transfer: np.ndarray) -> list[Painting]:
        """Translate within given masks: images, masks, the exemplar's styles, and transfer (B, G), 1 for each group to
        take from the exemplar. For each image its masks as used, raw and curves, as arrays without the axis B; curves
        are 0 for groups that are not transferred."""

    def translate(self, images: np.ndarray, styles: np.ndarray, transfer: np.ndarray) -> list[Painting]:
        """`paint` with the images' own masks, in one pass."""
