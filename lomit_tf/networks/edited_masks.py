"""Masks that people edit, among the network's. keras.ops only.

Below, B is the batch, S the side of the images, G the number of groups and R = G + 1 that of the regions, the
background last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops


def complete(masks: Any, *, overlapping: bool = False) -> Any:
    """Masks of all groups (B, S, S, G) in 0..1 -> regions (B, S, S, R) that sum to 1.

    Groups that together exceed 1 share the place in proportion, or stay as they are where groups may overlap, as those
    of `JointGenerator`; what they leave is background.
    """
    if masks.shape[-1] == 1:
        return ops.concatenate([masks, 1.0 - masks], axis=-1)
    total = ops.sum(masks, axis=-1, keepdims=True)
    share = 1.0 if overlapping else ops.maximum(total, 1.0)
    return ops.concatenate([masks / share, 1.0 - ops.minimum(total, 1.0)], axis=-1)


def with_edits(masks: Any, edits: Any, overlapping: Sequence[int] = ()) -> Any:
    """Put edited masks among the network's: an edit stays as given, and the others share what is left.

    docs/method.md, eq. (10.2).

    The twin of `imaging.given_masks.replace`, which works on photographs.

    Args:
        masks: the network's, (B, S, S, R), summing to 1.
        edits: (B, S, S, G) in 0..1, negative wherever a group was not edited; what is more than 1 counts as 1.
        overlapping: groups that take nothing from others and lose nothing to them: those that are painted from near.
            With some, the background is what no group takes.

    Returns:
        (B, S, S, R). Edits that together exceed 1 share the place in proportion. Where no other region has a share,
        what is left is background.
    """
    if overlapping:
        return _among_overlapping(masks, edits, overlapping)
    edited = ops.cast(edits >= 0, masks.dtype)
    given = ops.clip(edits, 0.0, 1.0) * edited
    total = ops.sum(given, axis=-1, keepdims=True)
    left = 1.0 - ops.minimum(total, 1.0)
    groups = masks[..., :-1] * (1.0 - edited)
    share = ops.sum(groups, axis=-1, keepdims=True) + masks[..., -1:]
    scale = ops.where(share > 1e-6, left / ops.maximum(share, 1e-6), ops.zeros_like(left))
    background = masks[..., -1:] * scale + ops.where(share > 1e-6, ops.zeros_like(left), left)
    return ops.concatenate([groups * scale + given / ops.maximum(total, 1.0), background], axis=-1)


def _among_overlapping(masks: Any, edits: Any, overlapping: Sequence[int]) -> Any:
    """`with_edits` where some groups overlap: the others share among themselves."""
    count = edits.shape[-1]
    sharing = [g for g in range(count) if g not in overlapping]

    def chosen(x: Any) -> Any:
        return ops.concatenate([x[..., g : g + 1] for g in sharing], axis=-1)

    whole = chosen(masks)
    left = ops.clip(1.0 - ops.sum(whole, axis=-1, keepdims=True), 0.0, 1.0)
    shared = with_edits(ops.concatenate([whole, left], axis=-1), chosen(edits))
    found = []
    for g in range(count):
        if g in overlapping:
            edited = ops.cast(edits[..., g : g + 1] >= 0, masks.dtype)
            own, given = masks[..., g : g + 1], ops.clip(edits[..., g : g + 1], 0.0, 1.0)
            found.append(edited * given + (1.0 - edited) * own)
        else:
            i = sharing.index(g)
            found.append(shared[..., i : i + 1])
    groups = ops.concatenate(found, axis=-1)
    return ops.concatenate([groups, 1.0 - ops.minimum(ops.sum(groups, axis=-1, keepdims=True), 1.0)], axis=-1)
