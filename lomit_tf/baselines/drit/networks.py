"""DRIT's networks: content and attributes of a picture, a picture of both, and the critic of contents."""

from __future__ import annotations

import functools
from typing import Any

import keras
from keras import layers, ops

from lomit_tf.baselines.blocks import Chain, UpConvBlock, with_planes
from lomit_tf.baselines.drit.facts import Sizes
from lomit_tf.networks.blocks import ConvBlock, DType, ResidualBlock, area_pool
from lomit_tf.networks.style_encoder import leaky_relu

LAST_KERNEL = 4  # of the content critic's convolution over what is left of the map
steep_leaky_relu = functools.partial(keras.activations.leaky_relu, negative_slope=0.2)


class ContentEncoder(Chain):
    """One domain's part of E_c: (B, S, S, 3) -> (B, S/4, S/4, 4 * channels)."""

    def __init__(self, sizes: Sizes, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        c = sizes.channels
        self.blocks = [ConvBlock(c, sizes.edge_kernel, norm=None, activation=leaky_relu, dtype=dtype)]
        self.blocks += [ConvBlock(width, 3, 2, norm="plain", dtype=dtype) for width in (2 * c, 4 * c)]
        self.blocks += [ResidualBlock(4 * c, norm="plain", dtype=dtype) for _ in range(sizes.residual_blocks)]
        self.built = True  # no weights of its own: the parts are built by their first call


class PooledBlock(layers.Layer):
    """pool(conv(f(conv(f(x))))) + conv1x1(pool(x)), f = LeakyReLU: (B, h, w, C) -> (B, h/2, w/2, filters)."""

    def __init__(self, filters: int, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        self.filters = filters

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """The convolutions; the first keeps the channels."""
        common: dict[str, Any] = {"norm": None, "activation": None, "dtype": self.dtype_policy}
        self.first = ConvBlock(int(input_shape[-1] or 0), 3, **common)
        self.second = ConvBlock(self.filters, 3, **common)
        self.shortcut = ConvBlock(self.filters, 1, **common)

    def call(self, x: Any) -> Any:
        """Shapes as in the class."""
        size = x.shape[1] // 2
        y = self.second(steep_leaky_relu(self.first(steep_leaky_relu(x))))
        return area_pool(y, size) + self.shortcut(area_pool(x, size))


class AttributeEncoder(layers.Layer):
    """E_a: (B, S, S, 3) -> mean and log-variance (B, attribute_dim) each, float32. No normalisation."""

    def __init__(self, sizes: Sizes, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        c = sizes.channels
        self.first = ConvBlock(c, 4, 2, norm=None, activation=None, dtype=dtype)
        self.blocks = [PooledBlock(c * min(4, i + 2), dtype=dtype) for i in range(sizes.attribute_blocks)]
        self.mean = layers.Dense(sizes.attribute_dim, dtype=dtype)
        self.log_variance = layers.Dense(sizes.attribute_dim, dtype=dtype)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, image: Any) -> tuple[Any, Any]:
        """Shapes as in the class."""
        x = self.first(image)
        for block in self.blocks:
            x = block(x)
        x = ops.mean(steep_leaky_relu(x), axis=(1, 2))
        return ops.cast(self.mean(x), "float32"), ops.cast(self.log_variance(x), "float32")


class Decoder(layers.Layer):
    """One domain's part of G: features (B, S/4, S/4, 4 * channels) and attributes (B, n) -> (B, S, S, 3) in [-1, 1].

    The attributes are planes behind the input of every stage. Float32.
    """

    def __init__(self, sizes: Sizes, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        width, n = 4 * sizes.channels + sizes.attribute_dim, sizes.attribute_dim
        self.residual = [ResidualBlock(width, norm="plain", dtype=dtype) for _ in range(sizes.residual_blocks)]
        half = (width + n) // 2
        self.up = [UpConvBlock(w, 3, norm="layer", dtype=dtype) for w in (half, (half + n) // 2)]
        self.last = layers.Conv2D(3, 1, data_format="channels_last", dtype=dtype)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, features: Any, attributes: Any) -> Any:
        """Shapes as in the class."""
        x = with_planes(features, attributes)
        for block in self.residual:
            x = block(x)
        for block in self.up:
            x = block(with_planes(x, attributes))
        return ops.tanh(ops.cast(self.last(with_planes(x, attributes)), "float32"))


class Networks(layers.Layer):
    """E_c, E_a and G of both domains. The content encoders end, and the decoders begin, with a block that is shared."""

    def __init__(self, sizes: Sizes, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        width = 4 * sizes.channels
        self.content_a, self.content_b = (ContentEncoder(sizes, dtype=dtype) for _ in range(2))
        self.content_shared = ResidualBlock(width, norm="plain", dtype=dtype)
        self.attributes_a, self.attributes_b = (AttributeEncoder(sizes, dtype=dtype) for _ in range(2))
        self.decode_shared = ResidualBlock(width, norm="plain", dtype=dtype)
        self.decode_a, self.decode_b = (Decoder(sizes, dtype=dtype) for _ in range(2))
        self.built = True  # no weights of its own: the parts are built by their first call

    def content(self, of_a: Any, of_b: Any, noise: Any = None) -> tuple[Any, Any]:
        """E_c of pictures of A and of B, (B, S, S, 3) each: two maps (B, S/4, S/4, 4 * channels).

        `noise` (2B, S/4, S/4, 4 * channels), for both, is added in training.
        """
        both = self.shared_content(ops.concatenate([self.content_a(of_a), self.content_b(of_b)]), noise)
        a, b = ops.split(both, 2)
        return a, b

    def shared_content(self, features: Any, noise: Any = None) -> Any:
        """The shared end of E_c, of what either domain's part has made: (B, S/4, S/4, 4 * channels) twice."""
        x = ops.cast(self.content_shared(features), "float32")
        return x if noise is None else x + noise

    def paint_a(self, content: Any, attributes: Any) -> Any:
        """G_A: content and attributes (B, n) -> a picture of A."""
        return self.decode_a(self.decode_shared(content), attributes)

    def paint_b(self, content: Any, attributes: Any) -> Any:
        """G_B: content and attributes (B, n) -> a picture of B."""
        return self.decode_b(self.decode_shared(content), attributes)

    def call(self, image: Any) -> tuple[Any, Any]:
        """What each domain makes of an image's content and its attributes, taken as that domain's."""
        content_a, content_b = self.content(image, image)
        attributes_a, attributes_b = self.attributes_a(image)[0], self.attributes_b(image)[0]
        return self.paint_a(content_a, attributes_a), self.paint_b(content_b, attributes_b)


class ContentCritic(layers.Layer):
    """D_c: content (B, s, s, C) -> logits (B, h, w, 1) of its being of domain A; float32."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__(dtype="float32")
        width = 4 * sizes.channels
        self.blocks = [
            ConvBlock(width, sizes.content_kernel, 2, norm="plain", activation=leaky_relu, dtype="float32")
            for _ in range(sizes.content_layers)
        ]
        self.width = width
        self.head = layers.Conv2D(1, 1, data_format="channels_last", dtype="float32")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """The convolution over what is left of the map: 4x4, or as large as a smaller map."""
        left = int(input_shape[1] or 0) // 2 ** len(self.blocks)
        self.last = layers.Conv2D(
            self.width, min(LAST_KERNEL, left), activation=leaky_relu, kernel_initializer="he_normal", dtype="float32",
            data_format="channels_last",
        )  # fmt: skip

    def call(self, content: Any) -> Any:
        """Shapes as in the class."""
        x = content
        for block in self.blocks:
            x = block(x)
        return self.head(self.last(x))
