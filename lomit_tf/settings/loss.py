"""The settings of the losses."""

from __future__ import annotations

import dataclasses
from typing import Any

from lomit_tf.settings.options import ConfigSection, option
from lomit_tf.settings.schedule import Schedule

SCHEDULES = ("mask_similarity", "mask_sparsity", "mask_losses")


@dataclasses.dataclass(frozen=True)
class LossConfig(ConfigSection):
    """Weights of the losses (docs/method.md, 5 and 6); the defaults are those of the paper and its authors' code.

    A schedule may be given as a `Schedule`, as its text or as a number.
    """

    adversarial_weight: float = option(1.0, "weight of the WGAN terms")
    critic_classification_weight: float = option(1.0, "weight of the attribute classification term of real images, from which D_cls learns")
    reconstruction_weight: float = option(10.0, "weight of L1(x11, x1), within the domain")
    reconstruction_outside: float = option(1.0, "what a pixel outside the painted region counts in L1(x11, x1), from 0 to 1; a composite does not show it")
    cycle_weight: float = option(10.0, "weight of L1(x121, x1)")
    change_weight: float = option(0.0, "weight of L1(x12, x1), the size of the change, with --displacement beyond what only moves: it weighs against exaggeration by groups that are painted pixel by pixel (docs/method.md, eq. (5.12))")
    roughness_weight: float = option(10.0, "weight of the mean squared difference between the displacements of neighbouring pixels, with --displacement (docs/method.md, eq. (5.13))")
    colour_weight: float = option(10.0, "weight of L1 between the painted region's colour moments and the exemplar's (colour groups only)")
    mask_similarity: Schedule = option(Schedule(0.1, 0.1), "weight of R1, mask similarity: like pixels have like mask values; a strong one from the start makes masks flat")
    mask_similarity_features: str = option("content", "what R1 compares pixels by", ("content", "colour"))
    mask_sparsity: Schedule = option(Schedule(1e-4, 1e-4), "weight of R2, mask sparsity")
    mask_sparsity_change: float = option(0.0, "recipe: how much more R2 counts where painting changes less than it does on average within the mask, and less where it changes more (0: alike everywhere; 1: from 0 to 2 times)")
    edge_weight: float = option(0.0, "weight of the edge term: mask edges cost less where the image has edges (R1 at full resolution among near pixels; not in the paper; docs/method.md, eq. (6.8))")
    mask_cycle_weight: float = option(0.0, "recipe: weight of m * |x121 - x|: the mask leaves places that translating there and back does not restore (docs/method.md, eq. (6.5))")
    mask_gate: str = option("none", "recipe; success: R2, the critic's and the cycle's part of a group's mask count by how surely D_cls finds the exemplar's labels in that group's composite, so that a mask cannot vanish before it works (docs/method.md, eq. (6.6))", ("none", "success"))
    mask_losses: Schedule = option(Schedule(1.0, 1.0), "recipe: factor of all losses of the masks, R1 and R2 among them, so that they grow once there are translations to judge")

    def check(self) -> None:
        """Cross-field rules of the losses."""
        self.at_most_one("mask_sparsity_change", "reconstruction_outside")

    def __post_init__(self) -> None:
        for name in SCHEDULES:
            object.__setattr__(self, name, Schedule.of(getattr(self, name), name))
        super().__post_init__()


def loss_defaults() -> dict[str, Any]:
    """Every setting of the losses at its default: what runs have that train with losses of their own."""
    return {field.name: field.default for field in dataclasses.fields(LossConfig)}
