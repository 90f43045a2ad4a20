"""The colour painter's loss: the painted region has the exemplar's colour moments (docs/method.md, eq. (7.10))."""

from __future__ import annotations

from typing import Any

from keras import ops

from lomit_tf.networks.colour import FIRST, region_moments


def moments_l1(images: Any, masks: Any, target: Any, asked: Any) -> Any:
    """mean over the asked groups of mean |moments_g(image) - target_g|, over mean and deviation of Y, Cb and Cr.

    docs/method.md, eq. (7.10).

    Args:
        images: translations (B, H, W, 3) in [-1, 1].
        masks: of C groups, (B, H, W, C); no gradient should pass here, or masks seek what is easy to paint.
        target: moments (B, C, 8), whose slopes are not compared.
        asked: (B, C), 1 for the groups that count. Where none does, the loss is 0.
    """
    error = ops.mean(ops.abs(region_moments(images, masks) - target)[..., :FIRST], axis=-1)
    return ops.sum(error * asked) / ops.maximum(ops.sum(asked), 1.0)
