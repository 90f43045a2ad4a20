"""Weights that change in the course of a run (docs/method.md, 6)."""

from __future__ import annotations

from typing import Any

from keras import ops


def scheduled(step: Any, initial: float, final: float, start: int, end: int) -> Any:
    """`initial` until step `start`, `final` from step `end` on, and linear between: docs/method.md, eq. (6.9).

    Where start and end are equal, `final` from there on.

    Args:
        step: a scalar, the generator steps done.

    Returns:
        A float32 scalar.
    """
    step = ops.cast(step, "float32")
    if end <= start:
        passed = ops.cast(step >= start, "float32")
    else:
        passed = ops.clip((step - start) / (end - start), 0.0, 1.0)
    return initial + (final - initial) * passed
