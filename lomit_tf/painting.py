"""The second half of a translation: images painted within masks, in styles that are known. `core` is the first half.

docs/method.md, 3 and 7. keras.ops only. B is the batch, S the side of the images, G the number of groups and R = G + 1
that of the regions, the background last.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from lomit_tf.engines.outline import Painting
from lomit_tf.networks import curves
from lomit_tf.networks.decoder import composed
from lomit_tf.networks.displacement import displaced
from lomit_tf.networks.generator import Generator

LEAST_CHOSEN = 1e-3  # of the masks; where they are smaller together, what is painted within them fades out


def chosen_mask(masks: Any, transfer: Any) -> Any:
    """Union of the masks of the groups in T (eq. (3.7)): (B, S, S, R), (B, G) -> (B, S, S, 1)."""
    groups = transfer.shape[-1]
    return ops.sum(masks[..., :groups] * ops.reshape(transfer, (-1, 1, 1, groups)), axis=-1, keepdims=True)


def blend(mask: Any, painted: Any, image: Any) -> Any:
    """m * G + (1 - m) * x: eq. (3.8)."""
    return mask * painted + (1 - mask) * image


def paint(
    generator: Generator, image: Any, content: tuple[Any, Any, Any], masks: Any, own: Any, target: Any, transfer: Any,
    *, reconstruct: bool = False,
) -> Painting:  # fmt: skip
    """Free groups first, then colours: docs/method.md, eq. (7.9).

    z = x + sum over the free g in T of m_g (G - x); with `free_change`, eq. (3.10) in the place of G,
        and for groups that are painted from near G is each group's own
    y = z + sum over the colour g in T of m_g curves_g(z)

    Each painter is given the target styles of its own groups only, so that a smile does not recolour hair. With the
    paper's output there is no composite: y = G.

    Args:
        image, content, masks: of the input; masks (B, S, S, R). No gradient passes through them into the composite.
        own, target: styles (B, R, style_size) of the input, and of its translation.
        transfer: (B, G), T.
        reconstruct: also let G paint the input in its own styles.
    """
    raw = again = grid = moved = None
    y = image
    of_masks = ops.stop_gradient(masks)
    if generator.boxes:
        target_styles = _only(generator, own, target, generator.free_groups)
        changes = generator.changes(image, content, of_masks, target_styles, own)
        raw, y, moved = _painted_near(image, of_masks, changes, transfer)
        again = image  # the own styles change nothing
    elif generator.free_groups:
        target_styles = _only(generator, own, target, generator.free_groups)
        if reconstruct or generator.free_change:
            doubled = tuple(ops.concatenate([c, c], axis=0) for c in content)
            regions = ops.concatenate([masks, masks], axis=0)
            both, moving = generator.decode_moving(doubled, regions, ops.concatenate([target_styles, own], axis=0))
            raw, again = ops.split(both, 2, axis=0)
        else:
            raw = generator.decode(content, masks, target_styles)
        if not generator.composite:
            return Painting(masks, raw, image=raw, reconstruction=again)
        chosen = _chosen(generator.free_groups, of_masks, transfer)
        if generator.free_change:
            y, moved = composed(image, chosen, both, moving)
            raw = _without_mask(image, y, chosen, moved)
        else:
            y = blend(chosen, raw, image)
    if generator.colour_groups:
        target_styles = _only(generator, own, target, generator.colour_groups)
        grid = generator.curves(image, content, masks, target_styles, own)
        y = y + colour_change(generator, grid, of_masks, y, transfer)
    return Painting(masks, raw, grid, y, again if reconstruct else None, moved)


def _painted_near(image: Any, masks: Any, changes: dict[int, tuple[Any, Any]], transfer: Any) -> tuple[Any, Any, Any]:
    """What groups that are painted from near make of an image: docs/method.md, eqs. (3.11) and (3.12).

    Args:
        image, masks, transfer: as of `paint`.
        changes: of `JointGenerator.changes`.

    Returns:
        raw, which a composite within the groups' masks together makes y of; y; and how far away its pixels come from,
        or None in models without displacement.
    """
    change, chosen, by = 0.0, 0.0, None
    for g, (added, moved) in changes.items():
        asked = ops.reshape(transfer[:, g], (-1, 1, 1, 1))
        change = change + asked * added
        chosen = chosen + asked * masks[..., g : g + 1]
        if moved is not None:
            by = asked * moved if by is None else by + asked * moved
    y = image + change
    return _without_mask(image, y, chosen, by), y, by


def _without_mask(image: Any, y: Any, mask: Any, by: Any) -> Any:
    """What a composite within a mask, m * raw + (1 - m) * x, makes y of, in [-1, 1]; x moved by `by`, if any."""
    before = image if by is None else displaced(image, by)
    return ops.clip(before + (y - before) / ops.clip(mask, LEAST_CHOSEN, 1.0), -1.0, 1.0)


def colour_change(generator: Generator, grid: Any, masks: Any, images: Any, transfer: Any) -> Any:
    """sum_(colour g in T) m_g curves_g(x) of images (B, S, S, 3), which no mask or curve of another group changes."""
    changes = group_changes(generator, grid, images)
    total = 0.0
    for g, change in changes.items():
        total = total + masks[..., g : g + 1] * ops.reshape(transfer[:, g], (-1, 1, 1, 1)) * change
    return total


def group_changes(generator: Generator, grid: Any, images: Any) -> dict[int, Any]:
    """Colour group -> curves_g(x), what its curves change in images (B, S, S, 3) before any mask."""
    size = curves.CURVE
    return {
        g: curves.change(grid[..., i * size : (i + 1) * size], images) for i, g in enumerate(generator.colour_groups)
    }


def _only(generator: Generator, own: Any, target: Any, groups: tuple[int, ...]) -> Any:
    """The target styles of some groups, the own ones elsewhere."""
    if len(groups) == generator.num_groups:
        return target
    regions = range(generator.num_groups + 1)
    return ops.stack([(target if r in groups else own)[:, r] for r in regions], axis=1)


def _chosen(groups: tuple[int, ...], masks: Any, transfer: Any) -> Any:
    """Union of the masks of some groups, as far as they are in T: (B, S, S, 1)."""
    if len(groups) == transfer.shape[-1]:
        return chosen_mask(masks, transfer)
    parts = [masks[..., g : g + 1] * ops.reshape(transfer[:, g], (-1, 1, 1, 1)) for g in groups]
    return sum(parts[1:], parts[0])


__all__ = ["blend", "chosen_mask", "colour_change", "group_changes", "paint"]
