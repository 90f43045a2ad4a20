"""AGGAN's networks: CycleGAN's generator and critic, and the attention."""

from __future__ import annotations

import functools
from typing import Any

import keras
from keras import layers, ops

from lomit_tf.baselines.aggan.facts import Sizes
from lomit_tf.baselines.blocks import UpConvBlock
from lomit_tf.networks.blocks import ConvBlock, DType, ResidualBlock, instance_norm
from lomit_tf.networks.upsampling import UpsampledConvBlock

leaky_relu = functools.partial(keras.activations.leaky_relu, negative_slope=0.2)


class Generator(layers.Layer):
    """G: (B, S, S, 3) in [-1, 1] -> the same of the other domain, every pixel painted anew; float32."""

    def __init__(self, sizes: Sizes, image_size: int, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        c = sizes.channels
        self.blocks = [ConvBlock(c, sizes.edge_kernel, norm="plain", dtype=dtype)]
        self.blocks += [ConvBlock(width, 3, 2, norm="plain", dtype=dtype) for width in (2 * c, 4 * c)]
        self.blocks += [ResidualBlock(4 * c, norm="plain", dtype=dtype) for _ in range(sizes.blocks(image_size))]
        self.blocks += [UpConvBlock(width, 3, norm="plain", dtype=dtype) for width in (2 * c, c)]
        self.last = ConvBlock(
            3, sizes.edge_kernel, norm=None, activation=None, initializer="glorot_uniform", dtype=dtype
        )
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, image: Any) -> Any:
        """Shapes as in the class."""
        x = image
        for block in self.blocks:
            x = block(x)
        return ops.tanh(ops.cast(self.last(x), "float32"))


class Attention(layers.Layer):
    """a: (B, S, S, 3) -> where to change the picture, (B, S, S, 1) in 0..1, float32."""

    def __init__(self, sizes: Sizes, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        c, edge = sizes.attention_channels, sizes.edge_kernel
        self.blocks: list[layers.Layer] = [
            ConvBlock(c, edge, 2, norm="plain", dtype=dtype), ConvBlock(2 * c, 3, 2, norm="plain", dtype=dtype),
            ResidualBlock(2 * c, norm="plain", dtype=dtype),
            UpsampledConvBlock(2 * c, 3, norm="plain", dtype=dtype),
            UpsampledConvBlock(c, 3, norm="plain", dtype=dtype),
            ConvBlock(1, edge, norm=None, activation=None, initializer="glorot_uniform", dtype=dtype),
        ]  # fmt: skip
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, image: Any) -> Any:
        """Shapes as in the class."""
        x = image
        for block in self.blocks:
            x = block(x)
        return ops.sigmoid(ops.cast(x, "float32"))


class Translator(layers.Layer):
    """G and the attention of the pictures of one domain: F(x) = a(x) G(x) + (1 - a(x)) x."""

    def __init__(self, sizes: Sizes, image_size: int, dtype: DType = None) -> None:
        super().__init__(dtype="float32")  # the picture outside of the attention keeps its bits
        self.generator = Generator(sizes, image_size, dtype=dtype)
        self.attention = Attention(sizes, dtype=dtype)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, image: Any) -> tuple[Any, Any]:
        """(B, S, S, 3) -> F(x), the same, and a(x), (B, S, S, 1)."""
        attention = self.attention(image)
        return attention * self.generator(image) + (1 - attention) * image, attention


class Critic(layers.Layer):
    """D: (B, S, S, 3) -> scores of patches (B, s, s, 1); float32."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(dtype="float32")
        c, depth = sizes.critic_channels, sizes.critic_layers
        strides = [2] * depth + [1]
        self.convolutions = [
            ConvBlock(c * min(2**i, 8), 4, stride, norm=None, activation=None, dtype="float32")
            for i, stride in enumerate(strides)
        ]
        self.normalise = instance_norm(affine=False, dtype="float32")
        self.head = ConvBlock(1, 4, norm=None, activation=None, initializer="glorot_uniform", dtype="float32")
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, image: Any, normalised: Any) -> Any:
        """Shapes as in the class; `normalised`, a scalar, is 1 with instance normalisation (in the first layer there is
        none), and 0 without."""
        x = image
        for i, convolution in enumerate(self.convolutions):
            x = convolution(x)
            if i:
                x = x + normalised * (self.normalise(x) - x)
            x = leaky_relu(x)
        return self.head(x)
