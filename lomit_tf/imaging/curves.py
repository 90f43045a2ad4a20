"""Local colour curves, applied to a photograph at its own size and in its own depth.

A curve says for each of BINS luminances how a pixel's colour changes; a coarse grid of them covers the window that the
model saw. With x(p) in -1..1, l(p) its BT.601 luminance in 0..1 and m_g the mask of group g,

    y(p)   = x(p) + strength * sum over g of m_g(p) * (c_g(p) + s_g(p) (x(p) - l(p)))
    (c_g, s_g)(p) = sum over k of w_k(l(p)) * bilinear(curves_g)_k(p), of which three are colours and one is saturation
    w_k(l) = max(0, 1 - |clip(K l, 1/2, K - 1/2) - k - 1/2|),   k = 0..K-1

Grid and masks lie in the photograph by affine maps, (u, v) = map @ (x, y, 1), of the pixel in row y and column x to
0..1 from their left and upper side; half-pixel centres, edges repeated. Curves go on beyond the window by their edges,
masks are 0 there. Where a mask is below paste_back.MASK_FLOOR its group changes nothing, to the bit.

The sum over k is linear in l between the centres of the bins, so it is one bilinear look-up in a table: along a row of
the photograph, the curves at every few pixels, over luminance. OpenCV's remap does it at 1/32 of the table's steps.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from lomit_tf.imaging.mask_planes import MaskPlane, Tile, interpolation, marked, tiles

BINS = 8  # K
FIXED_POINT = 32  # cv2.remap looks at so many places between two entries of a table
WEIGHT = 2.0**20  # of both shares: cv2.blendLinear adds 1e-5 to the weights that it divides by
LEAST_FINER, MOST_FINER = 4, 16  # entries of a table for a cell of the grid along each axis
WHITE = {"uint8": 255.0, "uint16": 65535.0}


def apply(
    values: np.ndarray,
    curves: np.ndarray,
    masks: np.ndarray,
    to_curves: np.ndarray,
    to_masks: np.ndarray | None = None,
    *,
    strength: float = 1.0,
    in_place: bool = False,
) -> np.ndarray:
    """A photograph, changed by curves where masks say so.

    Args:
      values: (H, W, 3) uint8, uint16, or floats in 0..1.
      curves: (h, w, G * BINS * 4), channel (g * BINS + k) * 4 + colour: changes in the model's range of -1..1, and of
        saturation.
      masks: (s, t, G) in 0..1, those of the same groups.
      to_curves: (2, 3), the photograph's (x, y, 1) to the grid's 0..1; `mask_planes.rectangle`, or `Window.matrix`.
      to_masks: the same for the masks; as the grid's by default. `mask_planes.whole` for masks of the whole photograph.
      strength: 0 leaves the photograph as it is, more than 1 exaggerates.
      in_place: change `values` themselves, of which nothing else is needed.

    Returns:
      (H, W, 3) of the type of `values`, rounded and clipped to its range.

    Raises:
      ValueError: shapes that do not fit each other.
    """
    groups = masks.shape[-1] if masks.ndim == 3 else 0
    if values.ndim != 3 or values.shape[-1] != 3:
        raise ValueError(f"values: expected (H, W, 3); received {values.shape}")
    if not groups or curves.ndim != 3 or curves.shape[-1] != groups * BINS * 4:
        raise ValueError(
            f"expected masks (s, t, G) and curves (h, w, G * {4 * BINS}); received {masks.shape} and {curves.shape}"
        )
    white = WHITE.get(values.dtype.name, 1.0)
    curves = np.asarray(curves, np.float32).reshape(*curves.shape[:2], groups, BINS, 4)
    curves = curves * np.array([white / 2, white / 2, white / 2, 1], np.float32) * np.float32(strength)
    to_curves = np.asarray(to_curves, np.float64)
    to_masks = to_curves if to_masks is None else np.asarray(to_masks, np.float64)
    parts = np.split(curves, groups, axis=2)
    grids = [_Grid(part[:, :, 0], to_curves) for part in parts if part.any()]
    planes = [MaskPlane(masks[..., g], to_masks) for g, part in enumerate(parts) if part.any()]
    result = values if in_place else np.array(values, order="C")
    for tile in tiles(values.shape[:2], planes):
        _recolour(result[tile.rows, tile.columns], tile, grids, planes, white)
    return result


def _recolour(part: np.ndarray, tile: Tile, grids: Sequence[_Grid], planes: Sequence[MaskPlane], white: float) -> None:
    """Changes the pixels of a tile, `part` (rows, columns, 3), in their place.

    A mask often covers half of a tile, so only the rectangle around what it covers is looked up.
    """
    masks = [plane.at(tile) for plane in planes]
    covered = marked([mask for mask in masks if mask is not None])
    if covered is None:
        return
    part, tile = part[covered], tile.part(*covered)
    change = None
    pixels = part.astype(np.float32)
    luminance = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    bins = luminance * np.float32(BINS / white)
    for grid, mask in zip(grids, masks, strict=True):
        if mask is None:
            continue
        looked = grid.at(tile, bins)
        one = cv2.cvtColor(looked, cv2.COLOR_RGBA2RGB)
        if grid.saturates:
            away = pixels - cv2.cvtColor(luminance, cv2.COLOR_GRAY2RGB)
            away *= cv2.cvtColor(cv2.extractChannel(looked, 3), cv2.COLOR_GRAY2RGB)
            one += away
        one *= cv2.cvtColor(mask[covered], cv2.COLOR_GRAY2RGB)
        change = one if change is None else np.add(change, one, out=change)
    if change is not None:
        part[:] = _added(part, change)


def _added(part: np.ndarray, change: np.ndarray) -> np.ndarray:
    if part.dtype == np.uint8:
        return cv2.add(part, change, dtype=cv2.CV_8U)  # rounds and saturates
    if part.dtype == np.uint16:
        return cv2.add(part, change, dtype=cv2.CV_16U)
    return np.clip(part + change, 0, 1)


class _Grid:
    """One group's curves, to be looked up in the pixels of a tile.

    The grids of all bins lie below each other in one picture, in which cv2.remap looks twice: for the bin below a
    pixel's luminance and for the one above.
    """

    def __init__(self, curves: np.ndarray, matrix: np.ndarray) -> None:
        """Of curves (h, w, BINS, 4), the first three in units of the photograph's pixels."""
        self.saturates = bool(curves[..., 3].any())
        height, width = curves.shape[:2]
        to_grid = matrix * [[width], [height]] - [[0, 0, 0.5], [0, 0, 0.5]]
        cell = 1 / max(np.hypot(*to_grid[:, 0]), 1e-9)  # in pixels of a row
        finer = int(np.clip(np.ceil(cell / FIXED_POINT), LEAST_FINER, MOST_FINER))
        down, across = (interpolation(np.arange((n - 1) * finer + 1) / finer, n) for n in (height, width))
        table = np.einsum("yh,xw,hwkc->kyxc", down, across, curves, optimize=True)
        self.rows, self.last = table.shape[1], table.shape[1] - 1
        self.table = np.ascontiguousarray(table.reshape(-1, *table.shape[2:]), np.float32)
        self.matrix = finer * to_grid

    def at(self, tile: Tile, bins: np.ndarray) -> np.ndarray:
        """The change of each pixel, (rows, columns, 4) float32; `bins` (rows, columns): its luminance, 0..BINS."""
        x, y = np.arange(tile.left, tile.right), np.arange(tile.top, tile.bottom)
        u, v = (np.add.outer(np.float32(to[1] * y + to[2]), np.float32(to[0] * x)) for to in self.matrix)
        np.clip(v, 0, self.last, out=v)
        place = np.clip(bins - np.float32(0.5), 0, BINS - 1)
        below = np.minimum(np.floor(place), BINS - 2)
        share = place - below
        v += self.rows * below
        low, high = (
            cv2.remap(self.table, u, v + np.float32(more), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for more in (0, self.rows)
        )
        share *= np.float32(WEIGHT)
        return cv2.blendLinear(low, high, np.float32(WEIGHT) - share, share)
