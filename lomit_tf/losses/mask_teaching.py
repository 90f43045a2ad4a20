"""Losses that train a mask from maps with three values: inside, outside, unknown.

docs/method.md, 9.2; not in the paper. keras.ops only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

PROBABILITY_EPSILON = 1e-5


def three_way_cross_entropy(mask: Any, target: Any, asked: Any) -> Any:
    """Eq. (9.11): mean over images of sum_p a_p (-t_p log m_p - (1 - t_p) log(1 - m_p)) / max(sum_p a_p, 1).

    Pixels with a = 0 do not count and pass no gradient; an image in which a is 0 everywhere counts as 0.

    Args:
        mask: m (B, H, W) in 0..1.
        target: t (B, H, W) in {0, 1}; ignored where a is 0.
        asked: a (B, H, W) in {0, 1}, 1 where the value is known.
    """
    mask, target, asked = (ops.cast(x, "float32") for x in (mask, target, asked))
    inside = ops.log(ops.maximum(mask, PROBABILITY_EPSILON))
    outside = ops.log(ops.maximum(1 - mask, PROBABILITY_EPSILON))
    cost = asked * -(target * inside + (1 - target) * outside)
    return ops.mean(ops.sum(cost, axis=(1, 2)) / ops.maximum(ops.sum(asked, axis=(1, 2)), 1.0))


def others_kept(masks: Any, before: Any, groups: Sequence[int]) -> Any:
    """Eq. (9.12): mean over images and pixels of -sum over r not in T of q_r log(m_r / (1 - sum over g in T of m_g)).

    The other regions share what the groups T leave as they did before, whatever these take.

    Args:
        masks, before: m and q (B, H, W, R) in 0..1, summing to 1; q passes no gradient.
        groups: T, the channels that learn.
    """
    masks, before = ops.cast(masks, "float32"), ops.stop_gradient(ops.cast(before, "float32"))
    others = [r for r in range(masks.shape[-1]) if r not in groups]
    rest = sum((masks[..., r : r + 1] for r in others[1:]), masks[..., others[0] : others[0] + 1])
    rest, cost = ops.maximum(rest, PROBABILITY_EPSILON), 0.0
    for r in others:
        logarithm = ops.log(ops.maximum(masks[..., r] / rest[..., 0], PROBABILITY_EPSILON))
        cost = cost - ops.mean(before[..., r] * logarithm)
    return cost


def three_way_iou(mask: Any, target: Any, asked: Any, threshold: float = 0.5) -> Any:
    """Eq. (9.13): |A and B| / |A or B| of mask > threshold and target over the pixels with a = 1: (B,). Both empty: 1.

    Args: as of `three_way_cross_entropy`.
    """
    target, asked = (ops.cast(x, "float32") for x in (target, asked))
    found = ops.cast(mask > threshold, "float32")
    both = ops.sum(asked * found * target, axis=(1, 2))
    either = ops.sum(asked * ops.maximum(found, target), axis=(1, 2))
    return ops.where(either > 0, both / ops.maximum(either, 1.0), 1.0)
