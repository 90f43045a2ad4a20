"""The losses of a student that learns from a trained model (docs/method.md, 9; not in the paper). keras.ops only."""

from __future__ import annotations

from typing import Any

from keras import ops

PROBABILITY_EPSILON = 1e-6
LEAST_REGION = 1e-3  # of the image; a smaller region counts in proportion to its size


def cross_entropy(masks: Any, target: Any) -> Any:
    """mean over images and pixels of -sum_r target_r log(masks_r): smallest where the masks are the target.

    docs/method.md, eq. (9.2). Its gradient reaches a mask that is sure and wrong, where that of an L1 of softmax
    outputs has died.

    Args:
        masks, target: (B, H, W, R) in 0..1, summing to 1.
    """
    logarithm = ops.log(ops.maximum(ops.cast(masks, "float32"), PROBABILITY_EPSILON))
    return -ops.mean(ops.sum(ops.cast(target, "float32") * logarithm, axis=-1))


def enlarged(maps: Any, size: int) -> Any:
    """(B, h, w, C) -> (B, size, size, C), bilinear."""
    if maps.shape[1] == size:
        return maps
    return ops.image.resize(maps, (size, size), interpolation="bilinear", data_format="channels_last")


def with_change(image: Any, small: Any, painted: Any) -> Any:
    """What a teacher that sees `small` paints, at the size of `image`: the change enlarged, the detail kept: eq. (9.1).

    Args:
        image: (B, H, W, 3) in [-1, 1].
        small, painted: what the teacher saw of it and what it painted, (B, h, w, 3) in [-1, 1].

    Returns:
        image + enlarged(painted - small), cut to [-1, 1]: (B, H, W, 3).
    """
    return ops.clip(image + enlarged(painted - small, image.shape[1]), -1.0, 1.0)


def regional_l1(value: Any, target: Any, masks: Any) -> Any:
    """L1 within each region, small and large ones alike: a mouth is a sixtieth of a face, and nothing in `masked_l1`.

    docs/method.md, eq. (9.4): mean over images and regions g of
    sum_p m_g |value - target| / max(sum_p m_g, LEAST_REGION H W), where |.| is the mean over channels.

    Args:
        value, target: (B, H, W, C).
        masks: (B, H, W, G) in 0..1.
    """
    error = ops.mean(ops.abs(ops.cast(value, "float32") - ops.cast(target, "float32")), axis=-1, keepdims=True)
    masks = ops.cast(masks, "float32")
    share = ops.maximum(ops.mean(masks, axis=(1, 2)), LEAST_REGION)
    return ops.mean(ops.mean(masks * error, axis=(1, 2)) / share)
