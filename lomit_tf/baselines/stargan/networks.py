"""StarGAN's generator; its critic is `lomit_tf.networks.critic.Critic`, whose trunk LOMIT took over from it."""

from __future__ import annotations

from typing import Any

from keras import layers

from lomit_tf.baselines.blocks import SameConvBlock, SameResidualBlock, UpConvBlock, with_planes
from lomit_tf.baselines.stargan.facts import Sizes
from lomit_tf.networks.blocks import DType


class Generator(layers.Layer):
    """G(x, c): image (B, S, S, 3) in [-1, 1] and labels (B, K) -> (B, S, S, 3) in [-1, 1].

    The labels are planes behind the image; two stride-2 convolutions, residual blocks, two transposed convolutions.
    """

    def __init__(self, sizes: Sizes, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        c = sizes.channels
        first_norm = "instance" if sizes.first_norm else None
        self.first = SameConvBlock(c, sizes.edge_kernel, norm=first_norm, dtype=dtype)
        self.down = [SameConvBlock(2 * c, 4, 2, dtype=dtype), SameConvBlock(4 * c, 4, 2, dtype=dtype)]
        self.residual = [SameResidualBlock(4 * c, dtype=dtype) for _ in range(sizes.residual_blocks)]
        self.up = [UpConvBlock(2 * c, dtype=dtype), UpConvBlock(c, dtype=dtype)]
        self.last = SameConvBlock(3, sizes.edge_kernel, norm=None, activation="tanh", use_bias=False, dtype=dtype)
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, image: Any, labels: Any) -> Any:
        """Shapes as in the class."""
        x = self.first(with_planes(image, labels))
        blocks: list[layers.Layer] = [*self.down, *self.residual, *self.up]
        for block in blocks:
            x = block(x)
        return self.last(x)
