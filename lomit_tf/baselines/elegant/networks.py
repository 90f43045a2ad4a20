"""ELEGANT's networks: encoder, residual decoder with skips, discriminators at two sizes that know the labels."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers, ops

from lomit_tf.baselines.blocks import with_planes
from lomit_tf.baselines.elegant.facts import Sizes
from lomit_tf.networks.blocks import DType, area_pool

SLOPE, RANGE = 0.2, 2.0  # of LeakyReLU; the residual lies within [-2, 2]
Code = list[Any]  # the maps of the encoder's convolutions; the last one is the code


class PixelNorm(layers.Layer):
    """a * x / ||x||_2 + b, the norm taken over the channels of each pixel; one learned a and one learned b.

    (B, H, W, C) -> the same shape. a starts at sqrt(C), so that values start at order 1.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Two numbers."""
        start = keras.initializers.Constant(math.sqrt(input_shape[-1] or 1))
        self.scale = self.add_weight(shape=(), initializer=start, name="scale", autocast=False)
        self.offset = self.add_weight(shape=(), initializer="zeros", name="offset", autocast=False)

    def call(self, x: Any) -> Any:
        """Shapes as in the class; computed in float32."""
        x = ops.cast(x, "float32")
        x = x * ops.rsqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + 1e-8)
        return ops.cast(x * self.scale + self.offset, self.compute_dtype)


class Stage(layers.Layer):
    """A 3x3 convolution of stride 2, plain or transposed, PixelNorm and LeakyReLU; the last stage has neither."""

    def __init__(self, filters: int, *, up: bool = False, bare: bool = False, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        kind = layers.Conv2DTranspose if up else layers.Conv2D
        self.conv = kind(
            filters, 3, 2, padding="same", kernel_initializer="he_normal", data_format="channels_last", dtype=dtype
        )
        self.norm = None if bare else PixelNorm(dtype=dtype)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, x: Any) -> Any:
        """(B, H, W, C) -> half or twice the side, `filters` channels."""
        x = self.conv(x)
        return x if self.norm is None else keras.activations.leaky_relu(self.norm(x), negative_slope=SLOPE)


class Generator(layers.Layer):
    """Encoder and decoder. `encode` gives an image's maps, `residual` what is added to the image for a new code."""

    def __init__(self, sizes: Sizes, num_labels: int, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        widths = sizes.channels
        if widths[-1] < num_labels:
            raise ValueError(f"a code of {widths[-1]} channels cannot be cut into {num_labels} parts")
        self.num_labels, self.code_size = num_labels, widths[-1]
        self.encoder = [Stage(width, dtype=dtype) for width in widths]
        self.decoder = [Stage(width, up=True, dtype=dtype) for width in reversed(widths[:-1])]
        self.last = Stage(3, up=True, bare=True, dtype=dtype)
        self.built = True  # no weights of its own: the parts are built by their first call

    def encode(self, image: Any) -> Code:
        """Image (B, S, S, 3) -> maps of sides S/2 .. S/32; the last one, the code, consists of K parts."""
        maps = []
        x = image
        for stage in self.encoder:
            x = stage(x)
            maps.append(x)
        return maps

    def part_of(self) -> list[int]:
        """To which label's part each channel of the code belongs: K parts, as equal as can be."""
        return [channel * self.num_labels // self.code_size for channel in range(self.code_size)]

    def exchange(self, own: Code, other: Code, chosen: Any) -> Any:
        """The own code with the other's parts in the place of the chosen labels (B, K) in {0, 1}; (B, H, W, C)."""
        each = ops.one_hot(ops.convert_to_tensor(self.part_of()), self.num_labels)  # (C, K)
        taken = ops.cast(ops.matmul(chosen, ops.transpose(each)), own[-1].dtype)[:, None, None, :]
        return taken * other[-1] + (1 - taken) * own[-1]

    def residual(self, code: Any, own: Code) -> Any:
        """2 tanh(decoder), (B, S, S, 3) float32: from a code, the image's own one beside it, and the image's maps."""
        x = ops.concatenate([code, own[-1]], axis=-1)
        for stage, skip in zip(self.decoder, reversed(own[:-1]), strict=True):
            x = stage(x) + skip
        return RANGE * ops.tanh(ops.cast(self.last(x), "float32"))

    def call(self, image: Any, exemplar: Any, chosen: Any) -> Any:
        """clip(x + R): the image with the exemplar's parts of the chosen labels, (B, S, S, 3) in [-1, 1]."""
        own = self.encode(image)
        return added(image, self.residual(self.exchange(own, self.encode(exemplar), chosen), own))


def added(image: Any, residual: Any) -> Any:
    """clip(x + R, -1, 1)."""
    return ops.clip(ops.cast(image, "float32") + residual, -1.0, 1.0)


class Discriminator(layers.Layer):
    """Image (B, S, S, 3) and labels (B, K) as planes -> a logit (B,): convolutions of stride 2 and a dense layer."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__(dtype="float32")
        self.trunk = [Stage(width, bare=True, dtype="float32") for width in widths]
        self.dense = layers.Dense(1, dtype="float32")
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, image: Any, labels: Any) -> Any:
        """Shapes as in the class."""
        x = with_planes(image, labels)
        for stage in self.trunk:
            x = keras.activations.leaky_relu(stage(x), negative_slope=SLOPE)
        return self.dense(ops.reshape(x, (-1, math.prod(x.shape[1:]))))[:, 0]


class Discriminators(layers.Layer):
    """Two of them: one sees the image, the other one the image at half its size."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(dtype="float32")
        self.full, self.half = Discriminator(sizes.critic_channels), Discriminator(sizes.critic_channels)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, image: Any, labels: Any) -> tuple[Any, Any]:
        """(B, S, S, 3) and (B, K) -> two logits (B,)."""
        return self.full(image, labels), self.half(area_pool(image, image.shape[1] // 2), labels)
