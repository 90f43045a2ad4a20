"""L1 reconstruction of images, content and styles (docs/method.md, eqs. (5.6) to (5.8))."""

from __future__ import annotations

from typing import Any

from keras import ops


def l1(value: Any, target: Any) -> Any:
    """mean |value - target| over all elements of tensors of one shape, float32.

    docs/method.md, eq. (5.6) of images, and (5.7) of content and style codes.
    """
    return ops.mean(ops.abs(ops.cast(value, "float32") - ops.cast(target, "float32")))


def masked_l1(value: Any, target: Any, mask: Any) -> Any:
    """mean of mask * |value - target|, over all elements: (B, H, W, C) twice and (B, H, W, 1) in 0..1.

    docs/method.md, eqs. (5.8) and (9.3).
    """
    return ops.mean(ops.abs(ops.cast(value, "float32") - ops.cast(target, "float32")) * mask)
