"""Colours on what was painted freely before: where a smile has moved the lips, lipstick goes onto the new ones.

The networks paint in one pass, and within the masks of the input. Where a translation takes groups that are painted
from near and groups of colours together, the second are painted in a pass of their own, for the picture that the first
have made: docs/method.md, eq. (10.7). Exported graphs and training do not know of it.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from lomit_tf.engines.outline import Networks, Painting
from lomit_tf.imaging import moving
from lomit_tf.imaging.found_masks import found

VISIBLE = 0.05  # a change, in units of [-1, 1], from which on masks are half those of what was painted
AROUND = 5  # side of the squares over which a change's size is averaged, in pixels of the model


def paint(
    networks: Networks, images: np.ndarray, masks: np.ndarray, styles: np.ndarray, transfer: np.ndarray,
    strengths: np.ndarray, given: np.ndarray, faces: np.ndarray,
) -> list[Painting]:  # fmt: skip
    """As `Networks.paint`, in two passes for the images that need them.

    Args:
      networks: of the model.
      images, masks, styles, transfer: as of `Networks.paint`.
      strengths: (B,), how much of the free groups' change is made.
      given: (B, G) bool, groups whose masks a person gave, which stay as they are.
      faces: (B,) bool, images of faces that were found, as of `imaging.found_masks.found`.

    Returns:
      As `Networks.paint`; `moved` is set where there were two passes.
    """
    outline = networks.outline
    near, coloured = _among(outline.overlapping, transfer), _among(outline.coloured, transfer)
    twice = np.flatnonzero(near.any(axis=1) & coloured.any(axis=1))
    first = transfer.copy()
    first[twice] = near[twice]
    painted = networks.paint(images, masks, styles, first)
    if not len(twice):
        return painted
    made = np.stack([_picture(images[i], masks[i], painted[i], near[i], strengths[i]) for i in twice])
    again = found(
        made, networks.masks(made),
        competing=outline.competing, connected=outline.connected, overlapping=outline.overlapping,
        faces=faces[twice],
    )  # fmt: skip
    colours = list(outline.coloured)
    parts = zip(twice, made, again, strict=True)
    seen = np.stack(
        [_seen_again(images[i], z, masks[i], of_z, [g for g in colours if not given[i, g]]) for i, z, of_z in parts]
    )
    painted_again = networks.paint(made, seen, styles[twice], coloured[twice])
    for i, new, second in zip(twice, seen, painted_again, strict=True):
        moved = new[..., colours] - masks[i][..., colours]
        painted[i] = dataclasses.replace(painted[i], curves=second.curves, moved=moved)
    return painted


def _among(indices: tuple[int, ...], transfer: np.ndarray) -> np.ndarray:
    """`transfer` (B, G), 0 for all groups but these."""
    kept = np.zeros(transfer.shape[1], transfer.dtype)
    kept[list(indices)] = 1
    return transfer * kept


def _picture(image: np.ndarray, masks: np.ndarray, made: Painting, asked: np.ndarray, strength: float) -> np.ndarray:
    """z of eq. (7.9): (S, S, 3), with the groups' masks as photographs have them, eq. (3.12)."""
    chosen = np.minimum((masks[..., : len(asked)] * asked).sum(axis=-1, keepdims=True), 1.0)
    before = after = image
    if made.displacement is not None:
        before = moving.moved(image, made.displacement, linear=True)
        after = moving.moved(image, np.float32(strength) * made.displacement, linear=True)
    return np.clip(after + strength * chosen * (made.raw - before), -1.0, 1.0).astype(np.float32)


def _seen_again(
    image: np.ndarray, made: np.ndarray, masks: np.ndarray, found: np.ndarray, groups: list[int]
) -> np.ndarray:
    """Masks (S, S, R), of which these groups' are those of what was painted, wherever something was: eq. (10.7)."""
    size = cv2.blur(np.abs(made - image).mean(axis=-1), (AROUND, AROUND)) ** 2
    painted = (size / (size + VISIBLE**2))[..., None]
    seen = masks.copy()
    seen[..., groups] += painted * (found[..., groups] - masks[..., groups])
    seen[..., -1] = np.maximum(1 - seen[..., :-1].sum(axis=-1), 0)
    return seen
