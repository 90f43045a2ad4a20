"""What the losses of the methods of two domains share; pure functions in float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

WEIGHT_DECAY = 1e-4


def weight_decay(variables: Sequence[Any]) -> Any:
    """1e-4 / 2 * sum of w^2, whose gradient is what Adam with a decay of 1e-4 adds in MUNIT's and DRIT's code."""
    return WEIGHT_DECAY / 2 * sum(ops.sum(ops.square(ops.cast(v, "float32"))) for v in variables)
