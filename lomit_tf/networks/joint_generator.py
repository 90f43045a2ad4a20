"""The generator side of a model whose free groups are painted from near, each by networks of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras import layers, ops

from lomit_tf.config import STYLE_DIM, ModelConfig
from lomit_tf.networks import colour
from lomit_tf.networks.blocks import DType, above
from lomit_tf.networks.decoder import composed
from lomit_tf.networks.generator import Generator
from lomit_tf.settings.close_ups import Box

FADE = 8  # pixels at the edges of a square over which what is painted in it fades out


class JointGenerator(layers.Layer):
    """`Generator` of the colour groups, and one more for each free group, which sees a square of the picture alone.

    What `lomit_tf.core` calls is what Generator has: docs/method.md, eq. (3.11). In its styles (B, R, style_size) the
    codes of what lies around the free groups, one for each, stand in the row of the background behind its own code; in
    the other rows there are zeros.

    Masks of different networks may overlap, as a smile's and the lips'. So they do not sum to 1: the background is what
    no group takes, max(0, 1 - sum).

    Args:
        config: of the colour groups' networks; `config.near` is that of the others.
        num_groups: G.
        dtype, colour_groups, unfiltered_groups: as of Generator.
        boxes: group -> the square of the picture that its networks see, for each group without colour curves.
    """

    composite, free_change = True, True

    def __init__(
        self, config: ModelConfig, num_groups: int, dtype: DType = None, colour_groups: Sequence[int] = (),
        unfiltered_groups: Sequence[int] = (), boxes: Mapping[int, Box] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(dtype="float32")
        self.num_groups = num_groups
        self.colour_groups = tuple(colour_groups)
        self.boxes = dict(boxes or {})
        self.displacement = config.displacement
        self.free_groups = tuple(self.boxes)
        if sorted(self.colour_groups + self.free_groups) != list(range(num_groups)):
            raise ValueError(f"{num_groups} groups are either of {self.colour_groups} or of {self.free_groups}")
        self.code_size = STYLE_DIM * (1 + len(self.boxes))
        self.style_size = self.code_size + colour.MOMENTS + 1
        places = {g: i for i, g in enumerate(self.colour_groups)}
        unfiltered = [places[g] for g in unfiltered_groups if g in places]
        self.whole = Generator(config, len(places), dtype, tuple(places.values()), unfiltered)
        self.near = [Generator(config.near, 1, dtype) for _ in self.boxes]
        self.content_encoder, self.mask_decoder = self.whole.content_encoder, self.whole.mask_decoder
        self.built = True  # no weights of its own: the parts are built by their first call

    def parts(self, size: int) -> dict[str, tuple[int, int, int]]:
        """As Generator's."""
        moves = {"displacement": (size, size, 2)} if self.displacement else {}
        return {"raw": (size, size, 3)} | moves | self.whole.parts(size)

    def fading(self, group: int, size: int) -> Any:
        """What a group's mask is at most: (1, S, S, 1), 0 outside of its square and 1 within, eq. (3.14)."""
        box = self.boxes[group]
        return uncut(fading(box[2]), box, size)

    def encode_content(self, image: Any) -> tuple[Any, ...]:
        """Three features of the whole picture, then three of each square."""
        found: tuple[Any, ...] = self.whole.encode_content(image)
        for near, box in zip(self.near, self.boxes.values(), strict=True):
            found += near.encode_content(cut(image, box))
        return found

    def masks(self, content: tuple[Any, ...], image: Any, contrast: Any = None) -> Any:
        """Masks (B, S, S, R), the background last, which may overlap."""
        found = self.whole.masks(content[:3], image, contrast)
        each = {g: found[..., i : i + 1] for i, g in enumerate(self.colour_groups)}
        for i, (g, box) in enumerate(self.boxes.items()):
            near = self.near[i].masks(content[3 * i + 3 : 3 * i + 6], cut(image, box), contrast)
            each[g] = ops.minimum(uncut(near[..., :1], box, image.shape[1]), self.fading(g, image.shape[1]))
        return _with_background([each[g] for g in range(self.num_groups)])

    def styles(self, image: Any, masks: Any) -> Any:
        """(B, S, S, 3), and masks of all groups, with or without the background -> (B, G or R, style_size)."""
        of_groups = [masks[..., g : g + 1] for g in range(self.num_groups)]
        with_background = masks.shape[-1] > self.num_groups
        whole = self.whole.styles(image, self._whole_masks(of_groups, with_background))
        rows, around = {}, []
        for near, (g, box) in zip(self.near, self.boxes.items(), strict=True):
            mask = cut(of_groups[g], box)
            codes = near.styles(cut(image, box), ops.concatenate([mask, 1 - mask], axis=-1))
            there = above(colour.coverage(mask), 0.0)
            code = codes[:, 0] * there
            rows[g] = ops.concatenate([_padded(code, self.style_size - STYLE_DIM - 1), there], axis=-1)
            around.append(codes[:, 1])
        gap = self.code_size - STYLE_DIM
        for i, g in enumerate(self.colour_groups):
            code, rest = whole[:, i, :STYLE_DIM], whole[:, i, STYLE_DIM:]
            rows[g] = ops.concatenate([_padded(code, gap), rest], axis=-1)
        found = [rows[g] for g in range(self.num_groups)]
        if with_background:
            found.append(ops.concatenate([whole[:, -1, :STYLE_DIM], *around, whole[:, -1, STYLE_DIM:]], axis=-1))
        return ops.stack(found, axis=1)

    def changes(
        self, image: Any, content: tuple[Any, ...], masks: Any, target: Any, own: Any
    ) -> dict[int, tuple[Any, Any]]:
        """What each free group alone changes in the picture, within its mask: eqs. (3.10), (3.11) and (3.16).

        Args:
            image, content, masks: of the input.
            target, own: styles (B, R, style_size).

        Returns:
            Group -> the change (B, S, S, 3) and the displacement (B, S, S, 2), or None in models without it; 0 outside
            of the group's square.
        """
        found = {}
        for i, (g, box) in enumerate(self.boxes.items()):
            mask = cut(masks[..., g : g + 1], box)
            regions = ops.concatenate([mask, 1 - mask], axis=-1)
            doubled = tuple(ops.concatenate([c, c], axis=0) for c in content[3 * i + 3 : 3 * i + 6])
            first = STYLE_DIM * (i + 1)
            pairs = [
                ops.stack([s[:, g, :STYLE_DIM], s[:, -1, first : first + STYLE_DIM]], axis=1) for s in (target, own)
            ]
            both = self.near[i].decode_moving(
                doubled, ops.concatenate([regions, regions], axis=0), ops.concatenate(pairs, axis=0)
            )
            near, within = cut(image, box), ops.minimum(mask, fading(box[2]))
            after, moved = composed(near, within, *both)
            size = masks.shape[1]
            found[g] = uncut(after - near, box, size), None if moved is None else uncut(moved, box, size)
        return found

    def curves(self, image: Any, content: tuple[Any, ...], masks: Any, target: Any, own: Any) -> Any:
        """As Generator's, of the colour groups."""
        of_groups = [masks[..., g : g + 1] for g in range(self.num_groups)]
        whole = self._whole_masks(of_groups, True)
        return self.whole.curves(image, content[:3], whole, self._whole_styles(target), self._whole_styles(own))

    def _whole_masks(self, of_groups: list[Any], with_background: bool) -> Any:
        """The masks of the colour groups alone."""
        chosen = [of_groups[g] for g in self.colour_groups]
        return _with_background(chosen) if with_background else ops.concatenate(chosen, axis=-1)

    def _whole_styles(self, styles: Any) -> Any:
        """The colour groups' and the background's styles as their own networks know them."""
        rows = ops.stack([styles[:, g] for g in (*self.colour_groups, self.num_groups)], axis=1)
        return ops.concatenate([rows[..., :STYLE_DIM], rows[..., self.code_size :]], axis=-1)


def fading(side: int) -> Any:
    """A mask that is 1 in a square and fades out over its last FADE pixels, (1, side, side, 1): eq. (3.14)."""
    at = ops.arange(side, dtype="float32")
    ramp = ops.minimum((ops.minimum(at, side - 1 - at) + 0.5) / FADE, 1.0)
    return ops.minimum(ops.reshape(ramp, (1, -1, 1, 1)), ops.reshape(ramp, (1, 1, -1, 1)))


def cut(x: Any, box: Box) -> Any:
    """The square of (B, S, S, C): (B, s, s, C)."""
    left, top, side = box
    return x[:, top : top + side, left : left + side]


def uncut(x: Any, box: Box, size: int) -> Any:
    """(B, s, s, C) at its place in pictures of side `size`: (B, S, S, C), 0 elsewhere."""
    left, top, side = box
    return ops.pad(x, ((0, 0), (top, size - top - side), (left, size - left - side), (0, 0)))


def _with_background(masks: list[Any]) -> Any:
    """Masks (B, S, S, 1) of groups as regions, the background being what none of them takes."""
    total = masks[0]
    for mask in masks[1:]:
        total = total + mask
    return ops.concatenate([*masks, 1 - ops.minimum(total, 1.0)], axis=-1)


def _padded(x: Any, zeros: int) -> Any:
    return ops.pad(x, ((0, 0), (0, zeros)))
