"""Masks whose region is one connected whole, such as hair: smaller parts apart from the largest are left out."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

ABOVE = np.float32(0.2)  # a pixel whose mask is above this belongs to a part
KEPT = 0.6  # a part stays whose sum is at least this share of the largest part's
REACH = 1 / 64  # how far around kept parts what is not above ABOVE stays, in sides of the mask


def keep_connected(masks: np.ndarray, groups: Sequence[int]) -> np.ndarray:
    """Masks of a photograph's window, in which some groups keep their largest connected part alone.

    docs/method.md, eq. (10.6): with the 8-connected components C_1, C_2, ... of the pixels whose mask m is above ABOVE,
    and w_i the sum of m over C_i, K is the union of those with w_i >= KEPT max w. Then
        m'(q) = m(q)  for q in K, and for m(q) <= ABOVE within r pixels of K (in a square);  0 elsewhere
    r is REACH times the masks' longer side, rounded (halves up), and at least 1. A mask that is nowhere
    above ABOVE becomes 0.

    Args:
      masks: (B, s, t, R) in 0..1, the background last, summing to 1.
      groups: the channels to which this applies.

    Returns:
      (B, s, t, R) float32; what is left out is background. The given masks where `groups` is empty.
    """
    if not len(groups):
        return masks
    made = np.array(masks, np.float32)
    for one in made:
        for g in groups:
            kept = _kept(one[..., g])
            one[..., -1] += np.where(kept, 0, one[..., g])
            one[..., g] *= kept
    return made


def _kept(mask: np.ndarray) -> np.ndarray:
    """Where a mask (s, t) stays: bool (s, t)."""
    above = mask > ABOVE
    count, labels = cv2.connectedComponents(above.astype(np.uint8), connectivity=8)
    if count == 1:
        return np.zeros(mask.shape, bool)
    sums = np.bincount(labels.ravel(), mask.ravel().astype(np.float64), count)
    sums[0] = -1  # of the pixels in no part
    region = (sums >= KEPT * sums.max())[labels]
    radius = max(1, int(REACH * max(mask.shape) + 0.5))
    square = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    return region | (~above & (cv2.dilate(region.astype(np.uint8), square) > 0))
