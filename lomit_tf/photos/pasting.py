"""From what the painters made to the photograph: changes and curves applied to its own pixels, window by window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lomit_tf.engines.outline import Outline, Painting
from lomit_tf.imaging import curves, framing, mask_edges, mask_planes, moving, paste_back
from lomit_tf.imaging.photo import Photo
from lomit_tf.photos import photo_masks
from lomit_tf.photos.photo_masks import Masks, Planes
from lomit_tf.photos.translation import FramedPhoto, Request


def paste(request: Request, painted: Sequence[Painting], outline: Outline) -> tuple[Photo, Mapping[str, np.ndarray]]:
    """The translated photograph, and the masks as used.

    Free groups first, then colours, as `core.paint` does: the change of a free group is upsampled to the photograph,
    curves are looked up in the photograph's own pixels. Several faces one after the other, each in its own window.

    Args:
      request: what was asked for.
      painted: what the painters made of each of its faces.
      outline: of the model, whose groups they are.
    """
    groups = outline.groups
    free, coloured = (tuple(groups[i] for i in indices) for indices in (outline.free, outline.coloured))
    given: Photo = request.framed.photo
    both = painted[0].raw is not None and painted[0].curves is not None
    photo = given.with_floats() if both else given  # rounded once, and not between the two painters
    used: list[Mapping[str, np.ndarray]] = []
    for one, made in zip(request.framed.faces, painted, strict=True):
        if made.raw is None and made.curves is not None and not request.given:
            # Beyond this window, further faces need the photograph as it was given.
            own = photo is not given or (request.spent and len(painted) == 1)
            photo, shown = _paste_colours(photo, one, made.curves, groups, request.strength, outline.small, own)
            used.append(shown)
            continue
        masks = photo_masks.of_face(one, request.framed.faces, request.given, groups, coloured, request.same)
        if made.raw is not None:
            asked = {name: float(request.transfer[groups.index(name)]) for name in free}
            photo = _paste_free(photo, one, made, masks, asked, request, grey=bool(coloured))
        if made.moved is not None:
            by = dict(zip(coloured, np.moveaxis(made.moved, -1, 0), strict=True))
            face = photo_masks.moved(one, by, groups)
            masks = photo_masks.of_face(face, request.framed.faces, request.given, groups, coloured, request.same)
        if made.curves is not None:
            photo = _paste_curves(photo, one, made.curves, [masks[name] for name in coloured], request.strength)
        used.append(masks)
    return (given.with_floats(photo.values) if both else photo), photo_masks.largest(used)


def _paste_colours(
    photo: Photo,
    framed: FramedPhoto,
    grid: np.ndarray,
    groups: tuple[str, ...],
    strength: float,
    small: tuple[int, ...],
    own: bool,
) -> tuple[Photo, Masks]:
    """The same as `photo_masks.of_face` and `_paste_curves`, of a model of colour groups whose masks nobody edited.

    The masks stay as small as they are: `curves.apply` samples them where it needs them. Of a photograph that is the
    translation's `own`, it changes the pixels in their place.
    """
    assert framed.own_masks is not None
    to_window = framed.window.matrix
    masks, place = mask_edges.extend(framed.photo.rgb, framed.own_masks[..., :-1], to_window, small)

    def shown() -> Planes:
        planes = mask_planes.shown_masks(masks, place, photo.size)
        return {group: planes[..., g] for g, group in enumerate(groups)}

    found = Masks(groups, shown)
    if not grid.any() or not strength:
        return photo, found
    if photo.icc:  # the curves are the model's, and it saw sRGB
        moved = curves.apply(photo.srgb(), grid, masks, to_window, place, strength=strength)
        where = np.any([found[group] > 0 for group in groups], axis=0)
        return photo.with_srgb(moved, where=where), found
    moved = curves.apply(photo.values, grid, masks, to_window, place, strength=strength, in_place=own)
    return photo.with_values(moved), found


def _paste_free(
    photo: Photo,
    framed: FramedPhoto,
    made: Painting,
    masks: Mapping[str, np.ndarray],
    asked: Mapping[str, float],
    request: Request,
    *,
    grey: bool,
) -> Photo:
    """The photograph with the free groups' change of one window, within the masks of those that are asked for.

    Its own pixels move first, where the model moves any; what was painted besides is added to them. With `grey`, a grey
    photograph stays grey: in models whose curves give colour, what is painted freely does not mean to.
    """
    window, keep = framed.window, request.keep_background
    inside, strength = window.inside(photo.size), np.float32(request.strength)
    weights = paste_back.fading(window, photo.size) if keep else np.ones(framed.region.shape[:2], np.float32)
    before, guide, colours = framed.pixels, framed.region, photo.srgb(inside)
    blend = framing.uncut(weights, window, photo.size)
    chosen = np.ones_like(blend)
    if keep:
        chosen = np.minimum(sum(masks[name][inside] * share for name, share in asked.items()), 1.0)
        blend = chosen * blend
    moves = np.zeros(blend.shape, bool)
    if made.displacement is not None and made.displacement.any():
        before = moving.moved(before, made.displacement, linear=True)
        by = moving.in_photograph(strength * made.displacement, window, weights, photo.size)
        moved = moving.moved_opaque(colours, None if photo.alpha is None else photo.alpha[inside], by)
        guide = framing.cut(photo.with_srgb(moved, inside).rgb, window)
        moves = (moved != colours).any(axis=-1) & (chosen >= paste_back.MASK_FLOOR)
        colours = np.where(moves[..., None], moved, colours)
    change = strength * paste_back.upsample_change((made.raw - before) / 2, guide)
    if grey and paste_back.monochrome(framed.region):
        change = paste_back.without_colour(change)
    change = framing.uncut(change, window, photo.size)
    painted = paste_back.add(colours, change, blend, 1.0)
    return photo.with_srgb(painted, inside, where=moves | (blend >= paste_back.MASK_FLOOR))


def _paste_curves(
    photo: Photo, framed: FramedPhoto, grid: np.ndarray, planes: list[np.ndarray], strength: float
) -> Photo:
    """The photograph, its own pixels sent through one window's curves of the colour groups, within their masks."""
    if not grid.any() or not strength:
        return photo
    masks = np.stack(planes, axis=-1)
    places = framed.window.matrix, mask_planes.whole(photo.size)
    if photo.icc:  # the curves are the model's, and it saw sRGB
        moved = curves.apply(photo.srgb(), grid, masks, *places, strength=strength)
        return photo.with_srgb(moved, where=np.any(masks >= paste_back.MASK_FLOOR, axis=-1))
    return photo.with_values(curves.apply(photo.values, grid, masks, *places, strength=strength))
