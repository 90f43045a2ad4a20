"""Losses that several methods share; pure functions in float32. docs/compared_systems.md has the formulas."""

from __future__ import annotations

from typing import Any

from keras import ops


def weighted_mean(values: Any, weights: Any | None = None) -> Any:
    """mean_b w_b v_b of values (B,); the divisor stays B. Without weights the mean."""
    return ops.mean(values if weights is None else values * weights)


def sigmoid_cross_entropy(logits: Any, real: float, weights: Any | None = None) -> Any:
    """mean_b w_b [log(1 + exp(z_b)) - t z_b]: the cross-entropy of sigmoid(z) with t.

    Args:
        logits: z, (B,) or (B, ...), averaged over all but the batch.
        real: t, 1 for what is to be taken for real and 0 for what is not.
        weights: optional (B,).
    """
    logits = ops.cast(logits, "float32")
    each = ops.softplus(logits) - real * logits
    return weighted_mean(ops.mean(ops.reshape(each, (ops.shape(each)[0], -1)), axis=1), weights)


def mean_square(value: Any, target: Any, weights: Any | None = None) -> Any:
    """mean_b w_b mean (value_b - target_b)^2, for tensors (B, ...) of one shape."""
    squared = ops.square(ops.cast(value, "float32") - ops.cast(target, "float32"))
    return weighted_mean(ops.mean(ops.reshape(squared, (ops.shape(squared)[0], -1)), axis=1), weights)
