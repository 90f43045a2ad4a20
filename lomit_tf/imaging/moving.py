"""Pixels of photographs that move: each takes the colours of a place a displacement away from it.

docs/method.md, eqs. (3.15) and (10.10).
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from lomit_tf.imaging import framing
from lomit_tf.imaging.framing import Window

LEAST = 1 / 64  # pixels, by which nothing is seen to move: half of the smallest step that OpenCV makes
TILE = 4096  # rows and columns that are moved at a time; OpenCV takes pictures of less than 32,768
LEAST_OPAQUE = 0.5  # of what a pixel would show; below, it does not move
AROUND = 4  # pixels beyond what is sampled that the interpolation sees


def moved(values: np.ndarray, displacement: np.ndarray, *, linear: bool = False) -> np.ndarray:
    """x(p + d(p)), by cubic interpolation, or bilinear; beyond the edges the nearest pixels.

    Args:
      values: (h, w, 3) float32 or float64 in 0..1, or (h, w, C) of any range where `linear`.
      displacement: (h, w, 2) float32 in pixels, to the right and downwards.

    Returns:
      (h, w, C) of the type of `values`. Pixels that move by less than LEAST stay as they are, to the bit.
    """
    result = values.copy()
    (height, width), moves = values.shape[:2], np.abs(displacement).max(axis=-1) >= LEAST
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            rows, columns = slice(top, min(top + TILE, height)), slice(left, min(left + TILE, width))
            if moves[rows, columns].any():
                _move(values, displacement, moves, rows, columns, result, linear)
    return result


def moved_opaque(values: np.ndarray, alpha: np.ndarray | None, displacement: np.ndarray) -> np.ndarray:
    """As `moved`, of the visible colours alone: samples count by their opacity.

    Where most of what would be seen is transparent the pixel stays as it is, since nothing is known of what was behind.

    Args:
      values, displacement: as of `moved`.
      alpha: (h, w) of any of the photograph's types, or None where all is opaque.
    """
    opaque = 1.0 if alpha is None or alpha.dtype.kind == "f" else float(np.iinfo(alpha.dtype).max)
    if alpha is None or (alpha == opaque).all():
        return moved(values, displacement)
    share = (alpha / opaque).astype(values.dtype)[..., None].repeat(3, axis=-1)
    weighed, weight = moved(values * share, displacement), moved(share, displacement)
    moves = (np.abs(displacement).max(axis=-1, keepdims=True) >= LEAST) & (weight > LEAST_OPAQUE)
    return np.where(moves, np.clip(weighed / np.maximum(weight, LEAST_OPAQUE), 0, 1), values)


def _move(
    values: np.ndarray, displacement: np.ndarray, moves: np.ndarray, rows: slice, columns: slice, result: np.ndarray,
    linear: bool,
) -> None:  # fmt: skip
    """One tile of `moved`."""
    by = displacement[rows, columns]
    reach = AROUND + math.ceil(float(np.abs(by).max()))
    top, left = max(0, rows.start - reach), max(0, columns.start - reach)
    part = values[top : rows.stop + reach, left : columns.stop + reach]
    x = np.arange(columns.start - left, columns.stop - left, dtype=np.float32)[None, :] + by[..., 0]
    y = np.arange(rows.start - top, rows.stop - top, dtype=np.float32)[:, None] + by[..., 1]
    how = cv2.INTER_LINEAR if linear else cv2.INTER_CUBIC
    sampled = cv2.remap(np.ascontiguousarray(part), x, y, how, borderMode=cv2.BORDER_REPLICATE)
    sampled = sampled.reshape(*x.shape, values.shape[-1])
    if not linear:  # which overshoots beside edges
        np.clip(sampled, 0, 1, out=sampled)
    where = moves[rows, columns]
    result[rows, columns][where] = sampled[where]


def in_photograph(
    displacement: np.ndarray, window: Window, weights: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """A displacement of the model's size at the photograph's own pixels.

    Args:
      displacement: (S, S, 2) in pixels of the model's size, along the window's rows and columns.
      window: where it lies in the photograph.
      weights: (h, w) of the window, what it counts.
      size: height and width of the photograph.

    Returns:
      (rows, columns, 2) float32 in pixels of the photograph, for the part that `window.inside(size)` says.
    """
    side = displacement.shape[:2]
    raised = cv2.resize(displacement, (window.width, window.height), interpolation=cv2.INTER_LINEAR)
    raised *= np.array([window.width / side[1], window.height / side[0]], np.float32) * weights[..., None]
    raised = np.ascontiguousarray(framing.uncut(raised, window, size))
    if window.angle:
        turn = math.radians(window.angle)
        cosine, sine = np.float32(math.cos(turn)), np.float32(math.sin(turn))
        across, down = raised[..., 0].copy(), raised[..., 1].copy()
        raised[..., 0], raised[..., 1] = cosine * across - sine * down, sine * across + cosine * down
    return raised
