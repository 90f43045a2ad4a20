"""One translation: the forward pass that training, inference, serving, distillation, evaluation and export share.

docs/method.md, 1 to 3, 7 and 10.

Nothing but this and `painting` calls `Generator.encode_content`, `decode` or `curves`. keras.ops only. Below, B is
the batch, S the side of the images, G the number of groups and R = G + 1 that of the regions, the background last.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from keras import ops

from lomit_tf.engines.outline import COLOURS_ONLY, Painting
from lomit_tf.networks import colour
from lomit_tf.networks.blocks import above
from lomit_tf.networks.edited_masks import complete, with_edits
from lomit_tf.networks.generator import Generator
from lomit_tf.painting import blend, chosen_mask, colour_change, group_changes, paint

__all__ = [
    "Encoding", "Painting", "Translation", "apply_styles", "blend", "chosen_mask", "colour_change", "complete",
    "encode", "encode_exemplar", "exchange", "group_changes", "masks", "mix_styles", "paint", "transferable",
    "translate", "with_colours", "with_edits", "without_empty",
]  # fmt: skip

EMPTY_CODE = 1e-6  # a style is all 0 when its absolute values sum up to less


@dataclasses.dataclass(frozen=True)
class Encoding:
    """An image's content, masks and styles."""

    content: tuple[Any, Any, Any]
    masks: Any  # (B, S, S, R) as the mask decoder gives them
    regions: Any  # those that are painted within: the same, or without gradient where decoupled, or given ones
    styles: Any  # (B, R, style_size), of the regions


@dataclasses.dataclass(frozen=True)
class Translation:
    """What `exchange` gives."""

    encoding: Encoding
    target_styles: Any  # (B, R, S): the styles that the translation was given
    painting: Painting

    @property
    def image(self) -> Any:
        """The translated images."""
        return self.painting.image


# Styles.


def mix_styles(own: Any, exemplar: Any, transfer: Any, code_size: int | None = None) -> Any:
    """Styles (B, R, S): the exemplar's in the groups of T (B, G), the image's own elsewhere and in the background.

    docs/method.md, eqs. (1.3) and (7.1).

    With colours (`code_size` numbers of E_s, then eight moments and the flag) a style whose flag is COLOURS_ONLY gives
    its moments, and the code stays the own one.
    """
    transfer = ops.expand_dims(ops.pad(transfer, ((0, 0), (0, 1))), -1)
    if code_size is None or own.shape[-1] == code_size:
        return transfer * exemplar + (1 - transfer) * own
    flag = ops.cast(exemplar[..., -1:], own.dtype)
    whole = transfer * above(flag, (1 + COLOURS_ONLY) / 2)
    code = whole * exemplar[..., :code_size] + (1 - whole) * own[..., :code_size]
    moments = transfer * exemplar[..., code_size:-1] + (1 - transfer) * own[..., code_size:-1]
    there = transfer * above(flag, COLOURS_ONLY / 2) + (1 - transfer) * own[..., -1:]
    return ops.concatenate([code, moments, there], axis=-1)


def without_empty(styles: Any, masks: Any) -> Any:
    """Styles (B, R, S), 0 for the regions whose masks (B, S, S, R) are empty: nowhere above EMPTY_MASK: eq. (2.5).

    The code of an empty region means nothing, and could paint anything. A style of zeros says so to `transferable`,
    wherever it was kept meanwhile.
    """
    return styles * ops.expand_dims(ops.cast(above(colour.coverage(masks), 0.0), styles.dtype), -1)


def with_colours(generator: Generator, styles: Any, colours: Any) -> Any:
    """Styles in which colours that are set stand in the place of an exemplar's.

    The twin of `Translator.encode_colour` for exported graphs: no code, the eight moments, and the flag COLOURS_ONLY.

    Args:
        styles: (B, G, style_size) of `encode_exemplar`.
        colours: (B, C, 8) of the C colour groups, in their order: the moments of `imaging.colours.moments`, or zeros
            where the exemplar's style stays (no moments are all 0, since a deviation is at least LEAST_DEVIATION).
    """
    size = ops.sum(ops.abs(colours), axis=-1, keepdims=True)
    is_set = above(size, EMPTY_CODE)
    found = []
    for g in range(generator.num_groups):
        style = styles[:, g]
        if g in generator.colour_groups:
            i = generator.colour_groups.index(g)
            flag = COLOURS_ONLY * ops.ones_like(style[:, -1:])
            colour_style = ops.concatenate([0.0 * style[:, : generator.code_size], colours[:, i], flag], axis=-1)
            style = is_set[:, i] * colour_style + (1 - is_set[:, i]) * style
        found.append(style)
    return ops.stack(found, axis=1)


def transferable(styles: Any, transfer: Any) -> Any:
    """`transfer` (B, G), 0 for the groups of which the exemplar has nothing: whose styles (B, G, S) are all 0."""
    size = ops.sum(ops.abs(ops.cast(styles, "float32")), axis=-1)
    return transfer * ops.cast(above(size, EMPTY_CODE), transfer.dtype)


# The translation.


def masks(generator: Generator, images: Any, contrast: Any = None) -> Any:
    """The network's masks of images (B, S, S, 3) in [-1, 1]: (B, S, S, R) in 0..1, summing to 1. Eqs. (3.1) to (3.4).

    `contrast`, eq. (3.9), replaces the model's own; 0 leaves the masks unsharpened.
    """
    return generator.masks(generator.encode_content(images), images, contrast)


_masks_of = masks  # where an argument is called `masks` too


def encode(
    generator: Generator, images: Any, *, decoupled: bool = False, contrast: Any = None, regions: Any = None
) -> Encoding:
    """Content, masks and region styles of images (B, S, S, 3).

    Args:
        decoupled: regions pass no gradient to the masks.
        contrast: of the network's masks, where it is not the model's own.
        regions: given masks (B, S, S, R) to paint within, instead of the network's.
    """
    content = generator.encode_content(images)
    found = generator.masks(content, images, contrast)
    if regions is None:
        regions = ops.stop_gradient(found) if decoupled else found
    return Encoding(content, found, regions, generator.styles(images, regions))


def exchange(
    generator: Generator, images: Any, exemplar_styles: Callable[[Any], Any], transfer: Any,
    *, decoupled: bool = False, contrast: Any = None, regions: Any = None, reconstruct: bool = False,
) -> Translation:  # fmt: skip
    """Images of a batch in the styles of each other: encode, mix the styles (1.3), paint. Eqs. (4.1) to (4.3).

    Args:
        images: (B, S, S, 3) in [-1, 1].
        exemplar_styles: from the images' own styles (B, R, style_size) those of each one's exemplar.
        transfer: (B, G), T.
        decoupled, contrast, regions: as of `encode`.
        reconstruct: as of `paint`.
    """
    e = encode(generator, images, decoupled=decoupled, contrast=contrast, regions=regions)
    target = mix_styles(e.styles, exemplar_styles(e.styles), transfer, generator.code_size)
    painting = paint(generator, images, e.content, e.regions, e.styles, target, transfer, reconstruct=reconstruct)
    return Translation(e, target, painting)


def encode_exemplar(generator: Generator, exemplar: Any, masks: Any = None, edits: Any = None) -> tuple[Any, Any]:
    """What `apply_styles` needs of an exemplar, so that one exemplar can serve many inputs.

    Args:
        exemplar: (B, S, S, 3) in [-1, 1].
        masks: complete ones (B, S, S, R) instead of the network's.
        edits: edited masks among the network's, (B, S, S, G) as of `with_edits`.

    Returns:
        The groups' styles (B, G, style_size), of zeros for a group whose mask is empty, and the masks as used. Nothing
        takes an exemplar's background style.
    """
    if masks is None:
        masks = _masks_of(generator, exemplar)
    if edits is not None:
        masks = with_edits(masks, edits, tuple(generator.boxes))
    of_groups = masks[..., : generator.num_groups]
    return without_empty(generator.styles(exemplar, of_groups), of_groups), masks


def apply_styles(
    generator: Generator, image: Any, styles: Any, transfer: Any = None, masks: Any = None, edits: Any = None
) -> Painting:
    """An input in the styles of an exemplar.

    Args:
        image: (B, S, S, 3) in [-1, 1].
        styles: (B, G, style_size) of `encode_exemplar`; of a group whose style is all 0 nothing is transferred.
        transfer: (B, G) in {0, 1}, the groups to take from the exemplar; all by default.
        masks, edits: as of `encode_exemplar`.
    """
    groups = generator.num_groups
    content = generator.encode_content(image)
    if masks is None:
        masks = generator.masks(content, image)
    if edits is not None:
        masks = with_edits(masks, edits, tuple(generator.boxes))
    every = transfer is None
    transfer = transferable(styles, ops.ones_like(styles[..., 0]) if every else transfer)
    if every and groups == 1 and generator.composite and not generator.colour_groups and not generator.free_change:
        # The input's own foreground style would go unused, or unseen where nothing is transferred.
        own = mixed = ops.concatenate([styles, generator.styles(image, masks[..., groups:])], axis=1)
    else:
        own = generator.styles(image, masks)
        given = ops.concatenate([ops.cast(styles, own.dtype), own[:, groups:]], axis=1)
        mixed = mix_styles(own, given, ops.cast(transfer, own.dtype), generator.code_size)
    return paint(generator, image, content, masks, own, mixed, transfer)


def translate(generator: Generator, image: Any, exemplar: Any, transfer: Any = None) -> Painting:
    """An input (B, S, S, 3) in the styles of an exemplar (B, S, S, 3), within the network's own masks."""
    return apply_styles(generator, image, encode_exemplar(generator, exemplar)[0], transfer)
