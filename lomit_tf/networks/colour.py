"""Colours of regions: luminance and two colour differences, and the eight moments that a style carries of them."""

from __future__ import annotations

from typing import Any

from keras import ops

from lomit_tf.config import COLOUR_MOMENTS

# Red, green, blue -> luminance Y and the colour differences Cb and Cr (ITU-R BT.601), and back. Linear, so that values
# in [-1, 1] give Y, Cb and Cr in [-1, 1].
TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
TO_RGB = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))

MOMENTS = COLOUR_MOMENTS
FIRST = 6  # of the moments, means and deviations: what the networks see, and what the colour loss compares
FLAT = 1e-3  # a variance of luminance that is small beside this has no slopes
EMPTY_MASK = 0.02  # a region is empty where its mask is nowhere above this
LEAST_DEVIATION = 1e-3


def luminance(images: Any) -> Any:
    """RGB (B, H, W, 3) -> (B, H, W, 1), in the same range."""
    red, green, blue = ops.split(images, 3, axis=-1)
    return TO_YCC[0][0] * red + TO_YCC[0][1] * green + TO_YCC[0][2] * blue


def to_ycc(images: Any) -> Any:
    """RGB in [-1, 1] (..., 3) -> Y, Cb, Cr (..., 3)."""
    return ops.matmul(images, ops.transpose(ops.convert_to_tensor(TO_YCC, dtype="float32")))


def region_moments(images: Any, masks: Any) -> Any:
    """Mean and deviation of Y, Cb and Cr in every region, and how Cb and Cr change with Y: docs/method.md, eq. (7.1).

    mean_r = sum_p w_r x / sum_p w_r
    deviation_r = sqrt(sum_p w_r (x - mean_r)^2 / sum_p w_r)
    slope_r = sum_p w_r (Y - mean_r) (C - mean_r) / (sum_p w_r (Y - mean_r)^2 + FLAT sum_p w_r), of C = Cb and Cr

    with w_r = m_r^3, since where a mask is unsure there is often something else. In float32, deviations at least
    LEAST_DEVIATION. An empty region has mean 0; `coverage` says which are.

    Args:
        images: (B, H, W, 3) in [-1, 1].
        masks: (B, H, W, R) in 0..1.

    Returns:
        (B, R, 8): the three means, the three deviations, the two slopes.
    """
    height, width, regions = masks.shape[1:]
    pixels = ops.reshape(to_ycc(ops.cast(images, "float32")), (-1, height * width, 3))
    masks = ops.cast(masks, "float32")
    weights = ops.transpose(ops.reshape(masks * masks * masks, (-1, height * width, regions)), (0, 2, 1))
    weights = weights / ops.maximum(ops.sum(weights, axis=-1, keepdims=True), 1e-5)
    mean = ops.matmul(weights, pixels)
    # E[x^2] - mean^2 of values in [-1, 1] loses at most 1e-7, far below LEAST_DEVIATION^2.
    variance = ops.matmul(weights, ops.square(pixels)) - ops.square(mean)
    deviation = ops.sqrt(ops.maximum(variance, LEAST_DEVIATION**2))
    covariance = ops.matmul(weights, pixels[..., :1] * pixels[..., 1:]) - mean[..., :1] * mean[..., 1:]
    slope = covariance / (ops.maximum(variance[..., :1], 0.0) + FLAT)
    return ops.concatenate([mean, deviation, slope], axis=-1)


def coverage(masks: Any) -> Any:
    """How much of each region lies above EMPTY_MASK: (B, H, W, R) -> (B, R), 0 for empty regions."""
    return ops.mean(ops.relu(ops.cast(masks, "float32") - EMPTY_MASK), axis=(1, 2))
