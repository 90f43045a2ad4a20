"""Masks whose region is one connected whole, such as hair: smaller parts apart from the largest are left out."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

ABOVE = np.float32(0.2)  # a pixel whose mask is above this belongs to a part
KEPT = 0.6  # a part stays whose sum is at least this share of the largest part's
RAMP = np.float32(0.02)  # a pixel that is so much above it keeps all that is around it, one that is less a share
REACH = 1 / 64  # how far around kept parts what is not above ABOVE stays, in sides of the mask


def keep_connected(masks: np.ndarray, groups: Sequence[int]) -> np.ndarray:
    """Masks of a photograph's window, in which some groups keep their largest connected part alone.

    docs/method.md, eq. (10.6): with the 8-connected components C_1, C_2, ... of the pixels whose mask m is above ABOVE,
    and w_i the sum of m over C_i, K is the union of those with w_i >= KEPT max w. Then
        m'(q) = m(q)                                                                 for q in K
        m'(q) = m(q) min(1, max over p in K, |p - q| <= n of (m(p) - ABOVE) / RAMP)  for m(q) <= ABOVE
        m'(q) = 0                                                                    elsewhere
    so that a pixel that is barely above ABOVE does not decide what is around it. n is REACH times the masks' longer
    side, rounded (halves up), and at least 1. A mask that is nowhere above ABOVE becomes 0.

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
            kept = one[..., g] * _kept(one[..., g])
            one[..., -1] += one[..., g] - kept
            one[..., g] = kept
    return made


def _kept(mask: np.ndarray) -> np.ndarray:
    """How far a mask (s, t) stays: (s, t) float32 in 0..1."""
    above = mask > ABOVE
    count, labels = cv2.connectedComponents(above.astype(np.uint8), connectivity=8)
    if count == 1:
        return np.zeros(mask.shape, np.float32)
    sums = np.bincount(labels.ravel(), mask.ravel().astype(np.float64), count)
    sums[0] = -1  # of the pixels in no part
    region = (sums >= KEPT * sums.max())[labels]
    radius = max(1, int(REACH * max(mask.shape) + 0.5))
    square = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    near = cv2.dilate(np.where(region, (mask - ABOVE) / RAMP, np.float32(0)), square)
    return np.where(region, np.float32(1), np.where(above, np.float32(0), np.minimum(near, np.float32(1))))
