"""G_m, the mask decoder ("attention network"): where each attribute group is (docs/method.md, 3)."""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from lomit_tf.config import ModelConfig
from lomit_tf.networks.blocks import ConvBlock, DType
from lomit_tf.networks.upsampling import UpsampledConvBlock


class MaskDecoder(layers.Layer):
    """Content (B, H/4, W/4, C) -> masks (B, H, W, G + 1), float32, summing to 1; the background comes last.

    A softmax over the G groups' logits and a background logit fixed at 0 (docs/method.md, eq. (3.1)). Fixing one logit
    loses nothing (softmax only sees differences) and makes G = 1 exactly the paper's sigmoid. With `mask_skips` each
    stage also takes the content encoder's features of its size, concatenated, as a U-Net (Ronneberger et al. 2015).
    """

    def __init__(self, config: ModelConfig, num_groups: int, dtype: DType = None) -> None:
        super().__init__(dtype=dtype)
        self.skips = config.mask_skips
        channels = 4 * config.base_channels
        self.blocks = [
            UpsampledConvBlock(channels >> (stage + 1), config.upsample_kernel, dtype=dtype)
            for stage in range(config.mask_upsamples)
        ]
        self.logits = ConvBlock(
            num_groups, config.edge_kernel, norm=None, activation=None, initializer="glorot_uniform", dtype=dtype
        )
        rest = 2 ** (2 - config.mask_upsamples)
        self.bilinear = (
            layers.UpSampling2D(rest, data_format="channels_last", interpolation="bilinear", dtype="float32")
            if rest > 1
            else None
        )
        self.built = True  # no weights of its own: the parts are built by their first call

    def call(self, content: tuple[Any, ...]) -> Any:
        """Content at H/4, and the finer features at H/2 and H that `ContentEncoder` gives; masks as in the class."""
        x = content[0]
        for stage, block in enumerate(self.blocks, 1):
            x = block(x, content[stage]) if self.skips else block(x)
        logits = ops.cast(self.logits(x), "float32")
        if self.bilinear is not None:
            logits = self.bilinear(logits)
        logits = ops.pad(logits, ((0, 0), (0, 0), (0, 0), (0, 1)))
        return ops.softmax(logits, axis=-1)
