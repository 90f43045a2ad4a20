"""AGGAN's losses; pure functions in float32. docs/compared_systems.md has the whole."""

from __future__ import annotations

from typing import Any

from keras import ops

from lomit_tf.networks.blocks import above

CYCLE = 10.0
THRESHOLD = 0.1


def critic_loss(real: Any, fake: Any) -> Any:
    """(mean (D(x) - 1)^2 + mean D(fake)^2) / 2, of scores (B, s, s, 1) each."""
    return (ops.mean(ops.square(real - 1)) + ops.mean(ops.square(fake))) / 2


def generator_loss(fake: Any) -> Any:
    """mean (D(fake) - 1)^2, of scores (B, s, s, 1)."""
    return ops.mean(ops.square(fake - 1))


def seen(image: Any, attention: Any, phase: Any) -> Any:
    """What a critic sees: x in phase 1, and x * [a > 0.1] in phase 2, with no gradient to a.

    Args:
        image: (B, S, S, 3).
        attention: (B, S, S, 1) in 0..1.
        phase: a scalar, 0 in phase 1 and 1 in phase 2.
    """
    return image * (1 - phase + phase * above(attention, THRESHOLD))
