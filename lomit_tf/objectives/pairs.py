"""Pairs of images in both directions, and the first half of a training step: what is translated."""

from __future__ import annotations

import dataclasses
from typing import Any

from keras import ops

from lomit_tf import core
from lomit_tf.config import LomitConfig
from lomit_tf.core import Translation
from lomit_tf.losses import classification
from lomit_tf.networks.critic import Critic
from lomit_tf.networks.generator import Generator


def swap(x: Any) -> Any:
    """Exchange the two halves of a batch: for each image of [x1; x2], its partner."""
    first, second = ops.split(x, 2, axis=0)
    return ops.concatenate([second, first], axis=0)


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Pairs in both directions, and what the translations of them must look like."""

    images: Any  # (B, H, W, 3) in [-1, 1]
    labels: Any  # (B, K)
    transfer: Any  # (B, G), 1 for the groups taken from the exemplar
    target: Any  # (B, K), labels that the translation must have
    colours_only: Any = None  # (B, 1), 1 where colour groups take the exemplar's colour moments and not its code

    @classmethod
    def of(cls, x1: Any, y1: Any, x2: Any, y2: Any, transfer: Any, membership: Any, colours_only: Any = None) -> Pairs:
        """From B / 2 pairs, the groups transferred in each (B / 2, G), the membership (G, K) of labels in groups, and
        which of them exchange colours only (B / 2, 1)."""
        images, labels = ops.concatenate([x1, x2], axis=0), ops.concatenate([y1, y2], axis=0)
        transfer = ops.concatenate([transfer, transfer], axis=0)
        target = classification.target_labels(labels, swap(labels), transfer, membership)
        colours_only = None if colours_only is None else ops.concatenate([colours_only, colours_only], axis=0)
        return cls(images, labels, transfer, target, colours_only)

    def offered(self, styles: Any, generator: Generator) -> Any:
        """Exemplars' styles (B, R, S) as the pairs may take them: some of the colour groups' say their colours only."""
        if self.colours_only is None or not generator.colour_groups:
            return styles
        groups = generator.num_groups
        of_colour = [[[1.0 if g in generator.colour_groups else 0.0] for g in range(groups + 1)]]  # (1, R, 1)
        only = ops.expand_dims(self.colours_only, -1) * ops.convert_to_tensor(of_colour, dtype="float32")
        flag = styles[..., -1:] * (1 - (1 - core.COLOURS_ONLY) * only)
        return ops.concatenate([styles[..., :-1], flag], axis=-1)


def translate(
    generator: Generator, config: LomitConfig, pairs: Pairs, *, images: Any = None, reconstruct: bool = False,
    contrast: Any = None,
) -> Translation:  # fmt: skip
    """x12 and x21 of pairs (eqs. (4.1), (4.2)); the reconstruction shares the decoder's pass with the translation.

    Args:
        images: others to translate than the pairs' own, (B, H, W, 3): with x12 and x21 the result is x121 and x212.
        reconstruct: as of `core.paint`.
        contrast: of the masks, where it is not the model's own.
    """
    return core.exchange(
        generator, pairs.images if images is None else images, lambda own: pairs.offered(swap(own), generator),
        pairs.transfer, reconstruct=reconstruct, decoupled=config.model.recipe, contrast=contrast,
    )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Step:
    """What the terms of the generator's update are computed from."""

    generator: Generator
    critic: Critic
    config: LomitConfig
    membership: Any  # (G, K), 1 for the labels of each group
    pairs: Pairs
    first: Translation  # of these pairs, with the reconstruction
    contrast: Any = None  # of the masks, where it is not the model's own

    @property
    def masks(self) -> Any:
        """The groups' masks of the images (B, H, W, G), without the background's."""
        return self.first.encoding.masks[..., :-1]

    @property
    def masks_learn(self) -> bool:
        """Whether the masks learn from terms of their own."""
        return not self.config.training.freeze_masks
