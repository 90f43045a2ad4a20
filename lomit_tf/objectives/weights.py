"""What each term of the generator side weighs at a step, and the schedules behind it (docs/method.md, eq. (6.9))."""

from __future__ import annotations

from typing import Any

from lomit_tf.config import LomitConfig, Schedule
from lomit_tf.losses.schedules import scheduled

# Weights that are the same in every configuration, by the terms' names.
WEIGHTS = {
    "classification": 1.0, "content": 1.0, "style_foreground": 1.0, "style_background": 1.0,
    "mask_classification": 1.0, "mask_critic": 0.2,
}  # fmt: skip
PENALTY_WEIGHT = 10.0  # of the critic's gradient penalty


def generator_weights(config: LomitConfig, step: Any) -> dict[str, Any]:
    """Weight of every term of `generator_terms` and `mask_decoder_terms` at a generator step (an int or a scalar)."""
    loss = config.loss
    own = at_step(config, loss.mask_losses, step)
    return WEIGHTS | {
        "adversarial": loss.adversarial_weight,
        "reconstruction": loss.reconstruction_weight,
        "colour": loss.colour_weight,
        "change": loss.change_weight,
        "roughness": loss.roughness_weight,
        "cycle": loss.cycle_weight,
        "mask_classification": own * WEIGHTS["mask_classification"],
        "mask_cycle": own * loss.mask_cycle_weight,
        "mask_critic": own * WEIGHTS["mask_critic"],
        "mask_similarity": own * at_step(config, loss.mask_similarity, step),
        "edge": own * loss.edge_weight,
        "mask_sparsity": own * at_step(config, loss.mask_sparsity, step),
    }


def at_step(config: LomitConfig, schedule: Schedule, step: Any) -> Any:
    """A schedule's value at a generator step, a float32 scalar: docs/method.md, eq. (6.9)."""
    start, end = schedule.steps(config.training.schedule_steps)
    return scheduled(step, schedule.initial, schedule.final, start, end)


def mask_contrast(config: LomitConfig, step: Any) -> Any:
    """How far masks are sharpened at a generator step: ramped in with the masks' own terms, so that none is lost.

    docs/method.md, eq. (3.9).
    """
    if config.training.freeze_masks or not config.model.mask_contrast:
        return None
    return config.model.mask_contrast * at_step(config, config.loss.mask_losses, step)
