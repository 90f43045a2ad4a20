"""E_s, the style encoder, and the MLPs that turn style codes into AdaIN statistics (docs/method.md, 2.3, 2.4)."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from lomit_tf.config import STYLE_DIM, ModelConfig
from lomit_tf.networks.blocks import ConvBlock, DType


def leaky_relu(x: Any) -> Any:
    """LeakyReLU with slope 0.01, as in the authors' earlier code."""
    return keras.activations.leaky_relu(x, negative_slope=0.01)


class StyleEncoder(layers.Layer):
    """A local region m * x (B, H, W, 3) -> style code (B, STYLE_DIM), float32; one for foreground and background.

    docs/method.md, eq. (2.3); the recipe's codes are normalised, eq. (2.4). No normalisation inside: it would remove
    the mean and deviation that a style consists of.
    """

    def __init__(self, config: ModelConfig, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        base = config.base_channels
        widths = [base * min(2 ** (i + 1), 4) for i in range(config.style_downsamples)]
        common: dict[str, Any] = {"norm": None, "activation": leaky_relu, "dtype": dtype}
        self.blocks = [ConvBlock(base, config.edge_kernel, **common)]
        self.blocks += [ConvBlock(width, 4, 2, **common) for width in widths]
        self.pool = layers.GlobalAveragePooling2D(data_format="channels_last", dtype=dtype)
        self.code = layers.Dense(STYLE_DIM, dtype="float32")
        self.norm = (
            layers.LayerNormalization(center=False, scale=False, epsilon=1e-5, dtype="float32")
            if config.recipe
            else None
        )
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, region: Any) -> Any:
        """Shapes as in the class."""
        x = region
        for block in self.blocks:
            x = block(x)
        code = self.code(ops.cast(self.pool(x), "float32"))
        return code if self.norm is None else self.norm(code)


class StyleMLP(layers.Layer):
    """Style code (B, STYLE_DIM) -> AdaIN statistics (B, statistics): STYLE_DIM -> width -> width -> statistics.

    The statistics are, per channel of every place of injection, a mean and a log-variance: eq. (2.6).
    """

    def __init__(self, statistics: int, width: int, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        self.hidden = [
            layers.Dense(width, activation=leaky_relu, kernel_initializer="he_normal", dtype=dtype) for _ in range(2)
        ]
        # A small last layer starts AdaIN near mean 0 and deviation 1 whatever the code.
        self.statistics = layers.Dense(statistics, kernel_initializer="glorot_uniform", dtype=dtype)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, code: Any) -> Any:
        """Shapes as in the class."""
        for layer in self.hidden:
            code = layer(code)
        return self.statistics(code)
