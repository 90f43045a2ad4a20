"""Masks of a photograph's window whose region competes with skin, background and clothes for each pixel, as hair does.

A network has learned masks from many pictures; the colours of this one are known only now. docs/method.md, eq. (10.8).
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from pathlib import Path

import cv2
import numpy as np

from lomit_tf.imaging import face_regions
from lomit_tf.imaging.face_layouts import Layouts
from lomit_tf.imaging.given_masks import replace

LAYOUTS = Path(__file__).parent / "face_models" / "layouts.npz"
COARSE = 64  # pixels along each side at which a picture's own layout is looked for
ROUNDS = 4, 3  # of the expectation maximisation, for the layout and then for the regions
# Regions that learn little from what looks like hair: where they may lie is wide, and they would take its lower ends.
YIELDING = face_regions.BACKGROUND, face_regions.CLOTHES
SKIN_COUNTS = 2.0  # times: a rim of skin that is painted shows more than hair that is not
RAMP = 0.25, 0.6  # a region's share is a mask of 0 below the first, and of 1 above the second
LEAST = 0.5  # where a mask is nowhere above it, there is no such region
SURE = 1.0  # a mask of photographs is sharpened: it counts as it is
# Centre and radii of the ellipse in which masks do not grow: eyes are as dark as dark hair.
FACE = 0.5, 0.55, 0.18, 0.13


def compete(
    images: np.ndarray, masks: np.ndarray, groups: Sequence[int], overlapping: Collection[int] = ()
) -> np.ndarray:
    """Masks in which some groups, hair, take what is theirs by the colours of the picture.

    Args:
      images: (B, S, S, 3) in -1..1, faces framed as CelebA's are.
      masks: (B, S, S, R) in 0..1, the networks', the background last.
      groups: the channels to which this applies.
      overlapping: as of `given_masks.replace`.

    Returns:
      (B, S, S, R) float32, in which the other groups share what is left. The given masks where `groups` is empty.
    """
    if not len(groups):
        return masks
    made = []
    for image, one in zip(images, masks, strict=True):
        picture = np.round((np.clip(image, -1, 1) + 1) * 127.5).astype(np.uint8)
        one = one.astype(np.float32)
        found = {g: _refined(picture, one[..., g]) for g in groups if one[..., g].max() > LEAST}
        made.append(replace(one, found, overlapping))
    return np.stack(made)


def _refined(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Eq. (10.8) for one mask (S, S) of a picture (S, S, 3) uint8."""
    low, high = RAMP
    ramped = np.clip((share_of_hair(picture, mask, SURE) - low) / (high - low), 0, 1)
    return np.where(_face(len(mask)), np.minimum(ramped, mask), ramped)


def share_of_hair(picture: np.ndarray, mask: np.ndarray, sure: float) -> np.ndarray:
    """Of a picture (S, S, 3) uint8 and a mask (S, S) of its hair: what of each pixel is hair, (S, S) float32 in 0..1.

    Args:
      sure: a mask from here on counts as 1.
    """
    size = len(mask)
    small, small_mask = (cv2.resize(a, (COARSE, COARSE), interpolation=cv2.INTER_AREA) for a in (picture, mask))
    layouts = _layouts()
    where = face_regions.prior(small_mask, layouts.mean, sure)
    regions = face_regions.responsibilities(face_regions.features(small), where, rounds=ROUNDS[0], yielding=YIELDING)
    layout = cv2.resize(layouts.nearest(regions), (size, size), interpolation=cv2.INTER_LINEAR)
    where = face_regions.prior(mask, layout, sure)
    regions = face_regions.responsibilities(face_regions.features(picture), where, rounds=ROUNDS[1], yielding=YIELDING)
    return regions[..., face_regions.HAIR] / (1 + (SKIN_COUNTS - 1) * regions[..., face_regions.SKIN])


@functools.cache
def _layouts() -> Layouts:
    return Layouts.from_bytes(LAYOUTS.read_bytes()).resized(COARSE)


@functools.cache
def _face(size: int) -> np.ndarray:
    """(S, S) bool: the ellipse FACE."""
    at = (np.arange(size) + 0.5) / size
    x, y, across, down = FACE
    return ((at[None, :] - x) / across) ** 2 + ((at[:, None] - y) / down) ** 2 <= 1


__all__ = ["RAMP", "compete", "share_of_hair"]
