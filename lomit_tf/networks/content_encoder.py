"""E_c, the content encoder: structure without style (docs/method.md, eq. (2.1))."""

from __future__ import annotations

from typing import Any

from keras import layers

from lomit_tf.config import ModelConfig
from lomit_tf.networks.blocks import ConvBlock, DType, ResidualBlock


class ContentEncoder(layers.Layer):
    """Image (B, H, W, 3) in [-1, 1] -> content at three scales.

    Returns:
        c (B, H/4, W/4, 4 * base), then the skip features (B, H/2, W/2, 2 * base) and (B, H, W, base). The skip
        features cost nothing extra; the decoder uses them only with `skips`.
    """

    def __init__(self, config: ModelConfig, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        base = config.base_channels
        self.full = ConvBlock(base, config.edge_kernel, dtype=dtype)
        self.half = ConvBlock(2 * base, 4, 2, dtype=dtype)
        self.quarter = ConvBlock(4 * base, 4, 2, dtype=dtype)
        self.residual = [ResidualBlock(4 * base, dtype=dtype) for _ in range(config.residual_blocks)]
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, x: Any) -> tuple[Any, Any, Any]:
        """Shapes as in the class."""
        full = self.full(x)
        half = self.half(full)
        content = self.quarter(half)
        for block in self.residual:
            content = block(content)
        return content, half, full
