"""The critics of patches at several scales, which MUNIT and DRIT share."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from lomit_tf.networks.critic import HalvingConv2D


class MultiScaleCritic(layers.Layer):
    """Images (B, S, S, 3) in [-1, 1] -> one map of scores (B, s, s, 1) for each scale; float32.

    At every scale its own 4x4 convolutions of stride 2, LeakyReLU, and a 1x1 convolution; between the scales average
    pooling, 3x3 of stride 2.

    Args:
        channels: of the first convolution; each further one doubles them.
        depth: convolutions of stride 2.
        scales: how many.
        slope: of LeakyReLU.
    """

    def __init__(self, channels: int, depth: int, scales: int, slope: float) -> None:
        super().__init__(dtype="float32")

        def convolution(width: int) -> layers.Layer:
            return HalvingConv2D(
                width, activation=lambda x: keras.activations.leaky_relu(x, negative_slope=slope),
                kernel_initializer="he_normal", dtype="float32",
            )  # fmt: skip

        self.trunks = [[convolution(channels * 2**i) for i in range(depth)] for _ in range(scales)]
        self.heads = [layers.Conv2D(1, 1, data_format="channels_last", dtype="float32") for _ in range(scales)]
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, image: Any) -> list[Any]:
        """Shapes as in the class."""
        maps, scaled = [], ops.cast(image, "float32")
        for i, (trunk, head) in enumerate(zip(self.trunks, self.heads, strict=True)):
            if i:
                scaled = ops.average_pool(scaled, 3, 2, padding="same", data_format="channels_last")
            x = scaled
            for convolution in trunk:
                x = convolution(x)
            maps.append(head(x))
        return maps
