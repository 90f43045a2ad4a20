"""Pixels that move: an image sampled elsewhere than at its own places, docs/method.md, eqs. (3.15) and (3.16).

A smile is above all a movement. What moves stays as sharp as it was, at any resolution.
"""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from lomit_tf.networks.blocks import ConvBlock, DType


class DisplacementHead(layers.Layer):
    """From G's features at half of the size to a displacement of each pixel, at first 0 everywhere.

    Args:
        reach: pixels that a coordinate moves at most.
        kernel: of its convolution.
    """

    def __init__(self, reach: float, kernel: int, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        self.reach = float(reach)
        self.field = ConvBlock(2, kernel, norm=None, activation=None, initializer="zeros", dtype=dtype)
        self.enlarge = layers.UpSampling2D(2, interpolation="bilinear", dtype="float32")
        self.built = True

    def call(self, features: Any) -> Any:
        """(B, H/2, W/2, C) -> (B, H, W, 2) in pixels, to the right and downwards, within +-reach; float32."""
        return self.reach * self.enlarge(ops.tanh(ops.cast(self.field(features), "float32")))


def displaced(images: Any, displacement: Any) -> Any:
    """What lies a displacement away from each pixel: x(p + d(p)), bilinear; beyond the edges their own pixels.

    Where d is 0 the pixel stays as it is, to the bit.

    Args:
        images: (B, H, W, C).
        displacement: (B, H, W, 2) in pixels, to the right and downwards.

    Returns:
        (B, H, W, C).
    """
    height, width, channels = images.shape[1:]
    count = ops.shape(images)[0]
    right = ops.reshape(ops.arange(width, dtype="float32"), (1, 1, width)) + displacement[..., 0]
    down = ops.reshape(ops.arange(height, dtype="float32"), (1, height, 1)) + displacement[..., 1]
    left, across = _cell(right, width)
    top, along = _cell(down, height)
    first = ops.reshape(ops.arange(count, dtype="int32") * (height * width), (-1, 1, 1))
    at = first + ops.cast(top, "int32") * width + ops.cast(left, "int32")
    flat = ops.reshape(images, (-1, channels))

    def corner(offset: int) -> Any:
        return ops.take(flat, at + offset, axis=0)

    upper = (1 - across) * corner(0) + across * corner(1)
    lower = (1 - across) * corner(width) + across * corner(width + 1)
    return (1 - along) * upper + along * lower


def _cell(place: Any, size: int) -> tuple[Any, Any]:
    """The pixel before a place, at most the last but one, and how far the place is from it, (B, H, W, 1) in 0..1."""
    place = ops.clip(place, 0.0, size - 1.0)
    before = ops.minimum(ops.stop_gradient(ops.floor(place)), size - 2.0)
    return before, ops.expand_dims(place - before, -1)


def roughness(displacement: Any) -> Any:
    """Mean squared difference between a pixel's displacement and those to its right and below: eq. (5.13)."""
    across = displacement[:, :, 1:] - displacement[:, :, :-1]
    along = displacement[:, 1:] - displacement[:, :-1]
    return ops.mean(ops.sum(ops.square(across), axis=-1)) + ops.mean(ops.sum(ops.square(along), axis=-1))
