"""The generator side as one layer: E_c, G_m, E_s, the MLPs and G. This is what is averaged, exported and shipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import layers, ops

from lomit_tf.config import STYLE_DIM, ModelConfig
from lomit_tf.networks import colour, curves
from lomit_tf.networks.blocks import DType, above, area_pool
from lomit_tf.networks.content_encoder import ContentEncoder
from lomit_tf.networks.decoder import Decoder
from lomit_tf.networks.guided_filter import sharpen
from lomit_tf.networks.hadain import widen
from lomit_tf.networks.mask_decoder import MaskDecoder
from lomit_tf.networks.style_encoder import StyleEncoder, StyleMLP
from lomit_tf.settings.close_ups import Box

LEAST_AREA = 1e-3  # of a region, in pixels, whose mean colour is asked for
RAMP = (0.2, 0.45)  # where the contrast of a mask makes 0 and 1 of it: masks fit best in between (docs/lab_book.md)


class Generator(layers.Layer):
    """All networks that a translation needs. `lomit_tf.core` puts them together.

    Regions are ordered group 1 ... group G, background; R = G + 1. A style is a vector of `style_size` numbers: E_s's
    code and, in models with colour groups, the region's colour moments and a flag: 1 for a region that is there,
    0 for an empty one, COLOURS_ONLY for a style that is known by its colours alone.

    Args:
        config: sizes.
        num_groups: G.
        dtype: Keras dtype policy of the parts.
        colour_groups: indices of the groups that are painted by colour curves; the others are painted by G.
        unfiltered_groups: indices of the groups whose masks the guided filter leaves as they are.
    """

    def __init__(
        self, config: ModelConfig, num_groups: int, dtype: DType = None, colour_groups: Sequence[int] = (),
        unfiltered_groups: Sequence[int] = (),
    ) -> None:  # fmt: skip
        super().__init__(dtype="float32")  # takes images as they are; its parts compute in `dtype`
        self.num_groups = num_groups
        self.colour_groups = tuple(colour_groups)
        self.free_groups = tuple(g for g in range(num_groups) if g not in self.colour_groups)
        self.composite = config.recipe
        self.boxes: dict[int, Box] = {}  # of groups that are painted from near: see JointGenerator
        self.free_change = config.free_change
        self.displacement = config.displacement
        self.style_pool = config.style_pool
        self.relative_styles = config.relative_styles
        self.style_margin = config.style_margin
        self.mask_filter, self.unfiltered_groups = config.mask_filter, tuple(unfiltered_groups)
        self.mask_contrast, self.mask_feather = config.mask_contrast, config.mask_feather
        self.code_size = STYLE_DIM
        self.style_size = STYLE_DIM + (colour.MOMENTS + 1 if self.colour_groups else 0)
        self.content_encoder = ContentEncoder(config, dtype)
        self.mask_decoder = MaskDecoder(config, num_groups, dtype)
        self.style_encoder = StyleEncoder(config, dtype)
        self.decoder = Decoder(config, dtype) if self.free_groups else None
        self.curve_head = curves.CurveHead(config, dtype) if self.colour_groups else None
        # One MLP gives the statistics of both painters: those of G first.
        self.statistics = [part.statistics if part else 0 for part in (self.decoder, self.curve_head)]
        self.foreground_mlp = StyleMLP(sum(self.statistics), config.mlp_width, dtype)
        self.background_mlp = StyleMLP(sum(self.statistics), config.mlp_width, dtype)
        self.built = True  # no weights of its own: the parts are built by their first call, as `core.translate` makes

    def parts(self, size: int) -> dict[str, tuple[int, int, int]]:
        """Shapes of what a translation of side `size` is made of, by name, without the batch: raw, where there are free
        groups and a composite; curves, where there are colour groups."""
        found = {}
        if self.free_groups and self.composite:
            found["raw"] = (size, size, 3)
            if self.displacement:
                found["displacement"] = (size, size, 2)
        if self.colour_groups:
            cells = size // curves.CELL
            found["curves"] = (cells, cells, len(self.colour_groups) * curves.CURVE)
        return found

    def encode_content(self, image: Any) -> tuple[Any, Any, Any]:
        """E_c: (B, H, W, 3) in [-1, 1] -> c (B, H/4, W/4, C) and the two skip features."""
        return self.content_encoder(image)

    def masks(self, content: tuple[Any, Any, Any], image: Any, contrast: Any = None) -> Any:
        """G_m: content of the image, and the image -> masks (B, H, W, R) in 0..1, summing to 1.

        The image serves `mask_filter` alone, which gives the masks its edges. `contrast` replaces `mask_contrast`
        while training ramps it in.
        """
        masks = self.mask_decoder(content)
        if self.mask_filter:
            masks = sharpen(masks, image, self.mask_filter, self.unfiltered_groups)
        if self.mask_contrast:
            masks = with_contrast(masks, self.mask_contrast if contrast is None else contrast)
        return feathered(masks, self.mask_feather) if self.mask_feather else masks

    def styles(self, image: Any, masks: Any) -> Any:
        """E_s of every local region m_r * x: (B, H, W, 3), (B, H, W, R) -> (B, R, style_size)."""
        count, (height, width) = masks.shape[-1], image.shape[1:3]
        weights = ops.expand_dims(ops.transpose(masks, (0, 3, 1, 2)), -1)  # (B, R, S, S, 1)
        regions = ops.expand_dims(image, 1) * weights
        if self.relative_styles:
            area = ops.maximum(ops.sum(weights, axis=(2, 3), keepdims=True), LEAST_AREA)
            regions = regions - weights * (ops.sum(regions, axis=(2, 3), keepdims=True) / area)
        regions = area_pool(ops.reshape(regions, (-1, height, width, 3)), height // self.style_pool)
        codes = self.style_encoder(regions)
        codes = ops.reshape(codes, (-1, count, codes.shape[-1]))
        if not self.colour_groups:
            return codes
        there = ops.expand_dims(above(colour.coverage(masks), 0.0), -1)
        moments = colour.region_moments(image, masks)
        return ops.concatenate([codes * there, moments * there, there], axis=-1)

    def _of_styles(self, styles: Any, part: int) -> Any:
        """Statistics (B, R, n) of all regions for G (part 0) or the curves (part 1). They do not see the slopes."""
        if self.colour_groups:
            seen = styles[..., : self.code_size + colour.FIRST]
            styles = ops.concatenate([seen, styles[..., -1:]], axis=-1)
        statistics = self.foreground_mlp(styles[:, : self.num_groups])
        background = self.background_mlp(styles[:, self.num_groups :])
        joined = ops.concatenate([statistics, background], axis=1)
        first = self.statistics[0]
        return joined[..., :first] if part == 0 else joined[..., first:]

    def decode(self, content: tuple[Any, Any, Any], masks: Any, styles: Any) -> Any:
        """G(HAdaIN(...)): content, masks (B, H, W, R), styles (B, R, style_size) -> image (B, H, W, 3) in [-1, 1].

        Styles reach `style_margin` pixels beyond the masks. Raises ValueError where all groups are colour groups.
        """
        return self.decode_moving(content, masks, styles)[0]

    def decode_moving(self, content: tuple[Any, Any, Any], masks: Any, styles: Any) -> tuple[Any, Any]:
        """As `decode`, and how the pixels move with these styles, (B, H, W, 2), or None in models without it."""
        if self.decoder is None:
            raise ValueError("all groups of this model are painted by colour curves: it has no decoder")
        made = self.decoder(content, widen(masks, self.style_margin), self._of_styles(styles, 0))
        return made if self.displacement else (made, None)

    def curves(self, image: Any, content: tuple[Any, Any, Any], masks: Any, target: Any, own: Any) -> Any:
        """The curves of every colour group that take an image from its own styles to others.

        docs/method.md, eq. (7.5): closed_form(moments) + correction(F(target), F(own)), of the region's likely
        luminances, at outlines by the region's share of eq. (7.12), made monotone, in RGB. Exactly 0 for a group whose
        target is the own style, and for one that is empty on either side.

        Args:
            image: (B, H, W, 3) in [-1, 1], whose content and masks these are.
            content, masks: as `decode`.
            target, own: styles (B, R, style_size); the curves of one group follow the target of all colour groups
                through F, which is local, and its own moments.

        Returns:
            (B, H/8, W/8, C * 4 * BINS) for C colour groups, channel (group * BINS + k) * 4 + colour.
        """
        if self.curve_head is None:
            raise ValueError("no group of this model is painted by colour curves: it has no curve head")
        widened = widen(masks, self.style_margin)
        field = curves.correction(
            self.curve_head(content[0], widened, self._of_styles(target, 1)),
            self.curve_head(content[0], widened, self._of_styles(own, 1)),
        )
        moments = slice(self.code_size, self.code_size + colour.MOMENTS)
        closed = curves.closed_form(target[..., moments], own[..., moments])
        both = target[..., -1:] * own[..., -1:]
        differs = above(ops.sum(ops.abs(target - own), axis=-1, keepdims=True), 0.0)
        found = []
        for g in self.colour_groups:
            of_group = field + ops.reshape(closed[:, g], (-1, 1, 1, 3 * curves.BINS))
            lighter = target[:, g, moments][:, :1] - own[:, g, moments][:, :1]
            shares = curves.edge_shares(image, ops.stop_gradient(masks[..., g : g + 1]), lighter)
            painted = curves.finished(of_group, target[:, g, moments], own[:, g, moments], shares)
            found.append(painted * ops.reshape(both[:, g] * differs[:, g], (-1, 1, 1, 1)))
        return ops.concatenate(found, axis=-1) if len(found) > 1 else found[0]


def feathered(masks: Any, radius: int) -> Any:
    """Masks whose groups fade out at their edges: their mean over squares of side 2 * radius + 1, eq. (3.13).

    The squares end where the image does. (B, H, W, R) -> (B, H, W, R), summing to 1 as before.
    """
    side = 2 * radius + 1
    groups = ops.average_pool(masks[..., :-1], side, strides=1, padding="same", data_format="channels_last")
    return ops.concatenate([groups, 1 - ops.sum(groups, axis=-1, keepdims=True)], axis=-1)


def with_contrast(masks: Any, strength: Any) -> Any:
    """Foreground masks m -> (1 - a) m + a smoothstep(m; RAMP), a the strength in 0..1: docs/method.md, eq. (3.9).

    Divided by their sum where that exceeds 1, the background being the rest. (B, H, W, R) -> (B, H, W, R).
    """
    groups = masks[..., :-1]
    t = ops.clip((groups - RAMP[0]) / (RAMP[1] - RAMP[0]), 0.0, 1.0)
    groups = groups + strength * (t * t * (3 - 2 * t) - groups)
    total = ops.sum(groups, axis=-1, keepdims=True)
    groups = groups / ops.maximum(total, 1.0)
    return ops.concatenate([groups, 1 - ops.minimum(total, 1.0)], axis=-1)
