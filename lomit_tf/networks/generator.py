"""The generator side as one layer: E_c, G_m, E_s, the MLPs and G. This is what is averaged, exported and shipped."""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from lomit_tf.config import ModelConfig
from lomit_tf.networks.blocks import DType, area_pool
from lomit_tf.networks.content_encoder import ContentEncoder
from lomit_tf.networks.decoder import Decoder
from lomit_tf.networks.guided_filter import sharpen
from lomit_tf.networks.hadain import widen
from lomit_tf.networks.mask_decoder import MaskDecoder
from lomit_tf.networks.style_encoder import StyleEncoder, StyleMLP


class Generator(layers.Layer):
    """All networks that a translation needs.

    Regions are ordered group 1 ... group G, background; R = G + 1.
    """

    def __init__(self, config: ModelConfig, num_groups: int, dtype: DType = None) -> None:
        super().__init__(dtype="float32")  # takes images as they are; its parts compute in `dtype`
        self.num_groups = num_groups
        self.style_pool = config.style_pool
        self.style_margin = config.style_margin
        self.mask_filter = config.mask_filter
        self.full = config.masks == "full"
        self.content_encoder = ContentEncoder(config, dtype)
        self.mask_decoder = MaskDecoder(config, num_groups, dtype)
        self.style_encoder = StyleEncoder(config, dtype)
        self.decoder = Decoder(config, dtype)
        each = config.group_mlps == "each"
        self.foreground_mlps = [
            StyleMLP(self.decoder.statistics, config.mlp_width, dtype) for _ in range(num_groups if each else 1)
        ]
        self.background_mlp = StyleMLP(self.decoder.statistics, config.mlp_width, dtype)
        self.built = True  # no weights of its own: the parts are built by their first call

    def encode_content(self, image: Any) -> tuple[Any, Any, Any]:
        """E_c: (B, H, W, 3) in [-1, 1] -> c (B, H/4, W/4, C) and the two skip features."""
        return self.content_encoder(image)

    def masks(self, content: tuple[Any, Any, Any], image: Any) -> Any:
        """G_m: content of the image, and the image -> masks (B, H, W, R) in 0..1, summing to 1.

        The image serves `mask_filter` alone, which gives the masks its edges.
        """
        masks = self.mask_decoder(content)
        if self.mask_filter:
            masks = sharpen(masks, image, self.mask_filter)
        if self.full:  # the decoder stays, without effect, so that checkpoints and optimizers keep their form
            full = ops.concatenate([ops.ones_like(masks[..., :1]), ops.zeros_like(masks[..., 1:])], axis=-1)
            masks = full + 0 * masks
        return masks

    def styles(self, image: Any, masks: Any) -> Any:
        """E_s of every local region m_r * x (eq. (2.3)): (B, H, W, 3), (B, H, W, R) -> (B, R, style_dim)."""
        count, (height, width) = masks.shape[-1], image.shape[1:3]
        regions = ops.expand_dims(image, 1) * ops.expand_dims(ops.transpose(masks, (0, 3, 1, 2)), -1)
        regions = area_pool(ops.reshape(regions, (-1, height, width, 3)), height // self.style_pool)
        codes = self.style_encoder(regions)
        return ops.reshape(codes, (-1, count, codes.shape[-1]))

    def decode(self, content: tuple[Any, Any, Any], masks: Any, styles: Any) -> Any:
        """G(HAdaIN(...)): content, masks (B, H, W, R), styles (B, R, style_dim) -> image (B, H, W, 3) in [-1, 1].

        Styles reach `style_margin` pixels beyond the masks: docs/method.md, eqs. (2.6) and (3.6).
        """
        masks = widen(masks, self.style_margin)
        foreground = styles[:, : self.num_groups]
        if len(self.foreground_mlps) == 1:
            statistics = self.foreground_mlps[0](foreground)
        else:
            statistics = ops.stack([mlp(foreground[:, g]) for g, mlp in enumerate(self.foreground_mlps)], axis=1)
        background = self.background_mlp(styles[:, self.num_groups :])
        return self.decoder(content, masks, ops.concatenate([statistics, background], axis=1))

    def call(self, image: Any, exemplar: Any) -> Any:
        """Every group of the exemplar's style onto the input: two (B, H, W, 3) -> the bare G (B, H, W, 3)."""
        content = self.encode_content(image)
        masks = self.masks(content, image)
        own = self.styles(image, masks)
        other = self.styles(exemplar, self.masks(self.encode_content(exemplar), exemplar))
        mixed = ops.concatenate([other[:, : self.num_groups], own[:, self.num_groups :]], axis=1)
        return self.decode(content, masks, mixed)
