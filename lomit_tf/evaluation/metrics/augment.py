"""Augmentation of the classifier's training images: what translations suffer, and nothing that changes a label.

No change of hue or saturation, since hair colour is a label.
"""

from __future__ import annotations

import numpy as np

MAX_SHIFT = 1 / 16  # of the image's side
CUTOUT_SHARE = 0.25  # of the images that get a hole
CUTOUT_SIDE = 0.25  # of the image's side, at most


def augment(pictures: np.ndarray, rng: np.random.Generator, *, flip: bool = True) -> np.ndarray:
    """(n, S, S, 3) uint8 -> (n, S, S, 3) float32 in -1..1, each image changed by draws of its own.

    Mirrored (half of them), shifted by up to S/16 pixels with edges repeated, blurred in part or whole by a 3x3 or 5x5
    tent (two thirds of them), brightness and contrast by up to 8 %, noise up to 2 %, and a grey hole in a quarter.
    """
    n, size = len(pictures), int(pictures.shape[1])
    x = geometry(pictures, rng, flip).astype(np.float32) / 127.5 - 1

    blurred = tent(x)
    twice = rng.random(n) < 1 / 3
    if twice.any():
        blurred[twice] = tent(blurred[twice])
    share = _each(np.clip(rng.uniform(-0.5, 1.0, n), 0, 1))
    x += share * (blurred - x)

    x *= _each(rng.uniform(0.92, 1.08, n))
    x += _each(rng.uniform(-0.08, 0.08, n))
    x += rng.standard_normal(x.shape, np.float32) * _each(rng.uniform(0, 0.04, n))
    for i in np.flatnonzero(rng.random(n) < CUTOUT_SHARE):
        height, width = rng.integers(2, max(3, int(size * CUTOUT_SIDE)), 2)
        top, left = rng.integers(0, size - height + 1), rng.integers(0, size - width + 1)
        x[i, top : top + height, left : left + width] = rng.uniform(-0.5, 0.5)
    return np.clip(x, -1, 1)


def geometry(pictures: np.ndarray, rng: np.random.Generator, flip: bool) -> np.ndarray:
    """Mirror half of (n, S, S, 3), and shift all by up to S/16 pixels, in one indexing."""
    n, size = len(pictures), int(pictures.shape[1])
    limit = round(size * MAX_SHIFT)
    down, right = rng.integers(-limit, limit + 1, (2, n, 1))
    mirrored = (rng.random((n, 1)) < 0.5) & flip
    rows = np.clip(np.arange(size) + down, 0, size - 1)  # (n, S)
    columns = np.clip(np.arange(size) + right, 0, size - 1)
    columns = np.where(mirrored, size - 1 - columns, columns)
    return pictures[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def tent(x: np.ndarray) -> np.ndarray:
    """(n, H, W, 3) filtered by (1, 2, 1) / 4 down and across, edges repeated."""
    for axis in (1, 2):
        padded = np.pad(x, [(1, 1) if a == axis else (0, 0) for a in range(4)], mode="edge")
        size = x.shape[axis]
        x = 0.25 * padded.take(range(size), axis) + 0.5 * x + 0.25 * padded.take(range(2, size + 2), axis)
    return x


def _each(values: np.ndarray) -> np.ndarray:
    """(n,) -> (n, 1, 1, 1) float32."""
    return values.astype(np.float32)[:, None, None, None]
