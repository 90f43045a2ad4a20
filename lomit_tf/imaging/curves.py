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

import cv2
import numpy as np

from lomit_tf.imaging import mask_planes
from lomit_tf.imaging.mask_planes import MaskPlane, Tile, interpolation, taps, tiles

BINS = 8  # K
STEPS_IN_CELL = 32  # of a turned window: at least so many places of a cell's side have curves of their own
FIXED_POINT = 32  # cv2.remap looks at so many places between two entries of a table
LEAST_PARTS = 8  # of an upright window's cells
FINENESS = {"uint8": 2, "uint16": 8}  # entries of the table for each bin; floats as uint16
WHITE = {"uint8": 255.0, "uint16": 65535.0}


def apply(
    values: np.ndarray,
    curves: np.ndarray,
    masks: np.ndarray,
    to_curves: np.ndarray,
    to_masks: np.ndarray | None = None,
    *,
    strength: float = 1.0,
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
    fineness = FINENESS.get(values.dtype.name, FINENESS["uint16"])
    curves = np.asarray(curves, np.float32).reshape(*curves.shape[:2], groups, BINS, 4)
    curves = curves * np.array([white / 2, white / 2, white / 2, 1], np.float32) * np.float32(strength)
    to_curves = np.asarray(to_curves, np.float64)
    to_masks = to_curves if to_masks is None else np.asarray(to_masks, np.float64)
    parts = np.split(curves, groups, axis=2)
    grids = [_Grid(part[:, :, 0], to_curves, fineness) for part in parts if part.any()]
    planes = [MaskPlane(masks[..., g], to_masks) for g, part in enumerate(parts) if part.any()]
    result = np.array(values, order="C")
    rows = np.arange(mask_planes.TILE[0], dtype=np.float32)[:, None]
    starts = rows * (BINS * fineness + 1)  # of the rows of a tile in the table
    for tile in tiles(values.shape[:2], planes):
        change = None
        place = None
        part = result[tile.rows, tile.columns]
        for grid, plane in zip(grids, planes, strict=True):
            mask = plane.at(tile)
            if mask is None:
                continue
            if place is None:
                place = cv2.cvtColor(part.astype(np.float32), cv2.COLOR_RGB2GRAY)
                place *= np.float32(BINS * fineness / white)  # of l in the table
                place += starts[: len(place)]
            looked = grid.at(tile, place)
            one = np.ascontiguousarray(looked[..., :3])
            if grid.saturates:
                away = part.astype(np.float32)
                away -= cv2.cvtColor(cv2.cvtColor(away, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
                one += looked[..., 3:] * away
            one *= cv2.cvtColor(mask, cv2.COLOR_GRAY2RGB)
            change = one if change is None else np.add(change, one, out=change)
        if change is not None:
            result[tile.rows, tile.columns] = _added(part, change)
    return result


def _added(part: np.ndarray, change: np.ndarray) -> np.ndarray:
    if part.dtype == np.uint8:
        return cv2.add(part, change, dtype=cv2.CV_8U)  # rounds and saturates
    if part.dtype == np.uint16:
        return cv2.add(part, change, dtype=cv2.CV_16U)
    return np.clip(part + change, 0, 1)


class _Grid:
    """One group's curves as a table, to be looked up in the pixels of a tile."""

    def __init__(self, curves: np.ndarray, matrix: np.ndarray, fineness: int) -> None:
        """Of curves (h, w, BINS, 4), the first three in units of the photograph's pixels."""
        self.saturates = bool(curves[..., 3].any())
        height, width = curves.shape[:2]
        self.entries = BINS * fineness + 1
        luminances = np.linspace(0, BINS, self.entries) - 0.5
        table = np.einsum("ek,hwkc->whec", interpolation(luminances, BINS), curves)
        self.table = np.ascontiguousarray(table.reshape(width, height, -1), np.float32)  # columns first
        self.matrix = matrix * [[width], [height]] - [[0, 0, 0.5], [0, 0, 0.5]]  # to places in the grid
        self.turned = bool(matrix[0, 1] or matrix[1, 0])
        cell = 1 / max(np.hypot(*self.matrix[:, 0]), 1e-9)  # in pixels of a row
        self.parts = max(LEAST_PARTS, int(np.ceil(cell / FIXED_POINT)))  # of a cell, each with curves of its own
        self.step = int(np.clip(cell / STEPS_IN_CELL, 1, FIXED_POINT))  # in pixels, for a turned window

    def at(self, tile: Tile, place: np.ndarray) -> np.ndarray:
        """(rows, columns, 4) float32: the change of each pixel, whose luminance is at `place` (rows, columns)."""
        table, along = self._turned(tile) if self.turned else self._straight(tile)
        columns = np.tile(np.float32(along), (len(place), 1))
        return cv2.remap(table, place, columns, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def _straight(self, tile: Tile) -> tuple[np.ndarray, np.ndarray]:
        """The table (n, rows * entries, 3) along a tile's rows, at parts of the cells; where in it each column lies.

        Cells end where parts end, so what is linear in between is the bilinear interpolation.
        """
        rows, columns = np.arange(tile.top, tile.bottom), np.arange(tile.left, tile.right)
        along = np.clip(self.matrix[0, 0] * columns + self.matrix[0, 2], 0, len(self.table) - 1) * self.parts
        first, last = int(np.floor(along.min())), int(np.ceil(along.max()))
        down = interpolation(self.matrix[1, 1] * rows + self.matrix[1, 2], self.table.shape[1])
        across = interpolation(np.arange(first, last + 1) / self.parts, len(self.table))
        table = across @ np.matmul(down, self.table).reshape(len(self.table), -1)
        return table.reshape(len(across), -1, 4), along - first

    def _turned(self, tile: Tile) -> tuple[np.ndarray, np.ndarray]:
        """The same, at every `step` pixels."""
        rows, columns = np.arange(tile.bottom - tile.top), np.arange(tile.right - tile.left)
        some = [np.arange(-(-(len(n) - 1) // self.step) + 1) * self.step for n in (rows, columns)]
        table = self._anywhere(tile.left + some[1], tile.top + some[0])
        down = interpolation(rows / self.step, len(some[0]))
        return np.matmul(down, table).reshape(len(some[1]), -1, 4), columns / self.step

    def _anywhere(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The table at the pixels of columns x and rows y: (columns, rows, entries * 4)."""
        u, v = (to[0] * x[:, None] + to[1] * y + to[2] for to in self.matrix)
        left, right, across = taps(u, self.table.shape[0])
        top, bottom, down = taps(v, self.table.shape[1])
        across, down = across[..., None], down[..., None]
        upper = self.table[left, top] * (1 - across) + self.table[right, top] * across
        lower = self.table[left, bottom] * (1 - across) + self.table[right, bottom] * across
        return upper * (1 - down) + lower * down
