"""MUNIT's autoencoder: content and style of a picture, and a picture of both."""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from lomit_tf.baselines.blocks import Chain
from lomit_tf.baselines.munit.facts import Sizes
from lomit_tf.networks.blocks import ConvBlock, DType, ResidualBlock, instance_norm
from lomit_tf.networks.upsampling import UpsampledConvBlock


class AdaIN(layers.Layer):
    """x (B, h, w, C) and statistics (B, 2 C), offsets first -> scale * (x - mean) / deviation + offset."""

    def __init__(self, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        self.normalise = instance_norm(affine=False, dtype=dtype)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, x: Any, statistics: Any) -> Any:
        """Shapes as in the class."""
        offset, scale = ops.split(ops.cast(statistics, self.compute_dtype)[:, None, None, :], 2, axis=-1)
        return self.normalise(x) * scale + offset


class AdaINResidualBlock(layers.Layer):
    """x + AdaIN(conv(relu(AdaIN(conv(x))))), 3x3; statistics (B, 4 C), those of the first AdaIN first."""

    def __init__(self, filters: int, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        # A bias before a normalisation that subtracts the mean would do nothing.
        self.convolutions = [
            ConvBlock(filters, 3, norm=None, activation=None, use_bias=False, dtype=dtype) for _ in range(2)
        ]
        self.adains = [AdaIN(dtype=dtype) for _ in range(2)]
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, x: Any, statistics: Any) -> Any:
        """Shapes as in the class."""
        first, second = ops.split(statistics, 2, axis=-1)
        y = ops.relu(self.adains[0](self.convolutions[0](x), first))
        return x + self.adains[1](self.convolutions[1](y), second)


class ContentEncoder(Chain):
    """E_c: (B, S, S, 3) -> (B, S/4, S/4, 4 * channels). Instance normalisation takes the style away."""

    def __init__(self, sizes: Sizes, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        c = sizes.channels
        self.blocks = [ConvBlock(c, sizes.edge_kernel, norm="plain", dtype=dtype)]
        self.blocks += [ConvBlock(width, 4, 2, norm="plain", dtype=dtype) for width in (2 * c, 4 * c)]
        self.blocks += [ResidualBlock(4 * c, norm="plain", dtype=dtype) for _ in range(sizes.residual_blocks)]
        self.built = True  # no weights of its own: the parts are built by their first call


class StyleEncoder(layers.Layer):
    """E_s: (B, S, S, 3) -> (B, style_dim), float32. No normalisation: it would remove what a style consists of."""

    def __init__(self, sizes: Sizes, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        c = sizes.channels
        self.blocks = [ConvBlock(c, sizes.edge_kernel, norm=None, dtype=dtype)]
        for i in range(sizes.style_downsamples):
            self.blocks.append(ConvBlock(c * min(2 ** (i + 1), 4), 4, 2, norm=None, dtype=dtype))
        self.head = layers.Dense(sizes.style_dim, dtype=dtype)  # of the averages, as a 1x1 convolution would be
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, image: Any) -> Any:
        """Shapes as in the class."""
        x = image
        for block in self.blocks:
            x = block(x)
        return ops.cast(self.head(ops.mean(x, axis=(1, 2))), "float32")


class Decoder(layers.Layer):
    """G: content (B, S/4, S/4, 4 * channels) and style (B, style_dim) -> (B, S, S, 3) in [-1, 1], float32.

    An MLP makes the statistics of the residual blocks' AdaIN of the style.
    """

    def __init__(self, sizes: Sizes, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        c, blocks = sizes.channels, sizes.residual_blocks
        self.mlp = [
            layers.Dense(sizes.mlp_width, activation="relu", kernel_initializer="he_normal", dtype=dtype)
            for _ in range(2)
        ]
        self.mlp.append(layers.Dense(blocks * 16 * c, kernel_initializer="he_normal", dtype=dtype))
        self.residual = [AdaINResidualBlock(4 * c, dtype=dtype) for _ in range(blocks)]
        kernel = min(5, sizes.edge_kernel)
        self.up = [UpsampledConvBlock(width, kernel, norm="layer", dtype=dtype) for width in (2 * c, c)]
        self.last = ConvBlock(
            3, sizes.edge_kernel, norm=None, activation=None, initializer="glorot_uniform", dtype=dtype
        )
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, content: Any, style: Any) -> Any:
        """Shapes as in the class."""
        statistics = style
        for dense in self.mlp:
            statistics = dense(statistics)
        x = content
        for block, part in zip(self.residual, ops.split(statistics, len(self.residual), axis=-1), strict=True):
            x = block(x, part)
        for block in self.up:
            x = block(x)
        return ops.tanh(ops.cast(self.last(x), "float32"))


class AutoEncoder(layers.Layer):
    """E_c, E_s and G of one domain. Called with images, it gives them back."""

    def __init__(self, sizes: Sizes, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        self.content = ContentEncoder(sizes, dtype=dtype)
        self.style = StyleEncoder(sizes, dtype=dtype)
        self.decode = Decoder(sizes, dtype=dtype)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, image: Any) -> Any:
        """G(E_c(x), E_s(x)), (B, S, S, 3) in [-1, 1]."""
        return self.decode(self.content(image), self.style(image))
