"""Local colour curves, applied to a photograph at its own size and in its own depth.

A curve says for each of BINS luminances how a pixel's colour changes; a coarse grid of them covers the window that the
model saw. With x(p) in -1..1, l(p) its BT.601 luminance in 0..1 and m_g the mask of group g,

    y(p)   = x(p) + strength * sum over g of m_g(p) * sum over k of w_k(l(p)) * bilinear(curves_g)_k(p)
    w_k(l) = max(0, 1 - |clip(K l, 1/2, K - 1/2) - k - 1/2|),   k = 0..K-1

Grid and masks lie in the photograph by affine maps, (u, v) = map @ (x, y, 1), of the pixel in row y and column x to
0..1 from their left and upper side; half-pixel centres, edges repeated. Curves go on beyond the window by their edges,
masks are 0 there. Where a mask is below paste_back.MASK_FLOOR its group changes nothing, to the bit.

The sum over k is linear in l between the centres of the bins, so it is one bilinear look-up in a table: along a row of
the photograph, the curves at every few pixels, over luminance. OpenCV's remap does it at 1/32 of the table's steps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import cv2
import numpy as np

from lomit_tf.imaging.paste_back import MASK_FLOOR

BINS = 8  # K
TILE = 64, 1024  # rows and columns that are worked on at once: what lies in between stays within the caches
STEPS_IN_CELL = 32  # of a turned window: at least so many places of a cell's side have curves of their own
FIXED_POINT = 32  # cv2.remap looks at so many places between two entries of a table
LEAST_PARTS = 8  # of an upright window's cells
FINENESS = {"uint8": 2, "uint16": 8}  # entries of the table for each bin; floats as uint16
MOST_TAPS = 160  # up to so many columns of a mask under a tile, two small matrix products are fastest
TURNED_FINENESS = 4  # masks are so much finer for cv2.warpAffine, for which FIXED_POINT holds too
HALF = 0.5 + 1e-6  # a pixel whose centre lies on a border counts; without the margin, rounding would decide
WHITE = {"uint8": 255.0, "uint16": 65535.0}


def whole(size: tuple[int, int]) -> np.ndarray:
    """The map (2, 3) of what covers the whole photograph (height, width)."""
    return rectangle(0, 0, size[1], size[0])


def rectangle(left: float, top: float, width: float, height: float) -> np.ndarray:
    """The map (2, 3) of what covers a rectangle of the photograph, in pixels."""
    return np.array([[1 / width, 0, (0.5 - left) / width], [0, 1 / height, (0.5 - top) / height]])


def sampled(plane: np.ndarray, place: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A plane (s, t) at the pixels of a photograph (height, width), bilinear; 0 outside of what it covers.

    `place` (2, 3) takes the photograph's (x, y, 1) to the plane's 0..1, as of `apply`. Returns (height, width) float32.
    """
    sides = np.array([plane.shape[1], plane.shape[0]], np.float64)
    to_pixels = np.asarray(place, np.float64) * sides[:, None]
    to_pixels[:, 2] -= 0.5
    source = np.ascontiguousarray(plane, np.float32)
    return cv2.warpAffine(
        source, to_pixels, (size[1], size[0]), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )  # fmt: skip


def shown_masks(masks: np.ndarray, to_masks: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The masks that `apply` uses, at the pixels of a photograph (height, width): (H, W, G), 0 below MASK_FLOOR.

    Args as of `apply`.
    """
    planes = [_Mask(masks[..., g], np.asarray(to_masks, np.float64)) for g in range(masks.shape[-1])]
    found = np.zeros((*size, len(planes)), np.float32)
    for tile in _tiles(size, planes):
        for g, plane in enumerate(planes):
            mask = plane.at(tile)
            if mask is not None:
                found[tile.rows, tile.columns, g] = mask
    return found


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
      curves: (h, w, G * BINS * 3), channel (g * BINS + k) * 3 + colour, changes in the model's range of -1..1.
      masks: (s, t, G) in 0..1, those of the same groups.
      to_curves: (2, 3), the photograph's (x, y, 1) to the grid's 0..1; `rectangle`, or `Window.matrix`.
      to_masks: the same for the masks; as the grid's by default. `whole` for masks of the whole photograph.
      strength: 0 leaves the photograph as it is, more than 1 exaggerates.

    Returns:
      (H, W, 3) of the type of `values`, rounded and clipped to its range.

    Raises:
      ValueError: shapes that do not fit each other.
    """
    groups = masks.shape[-1] if masks.ndim == 3 else 0
    if values.ndim != 3 or values.shape[-1] != 3:
        raise ValueError(f"values: expected (H, W, 3); received {values.shape}")
    if not groups or curves.ndim != 3 or curves.shape[-1] != groups * BINS * 3:
        raise ValueError(
            f"expected masks (s, t, G) and curves (h, w, G * {3 * BINS}); received {masks.shape} and {curves.shape}"
        )
    white = WHITE.get(values.dtype.name, 1.0)
    fineness = FINENESS.get(values.dtype.name, FINENESS["uint16"])
    curves = np.asarray(curves, np.float32) * np.float32(strength * white / 2)
    to_curves = np.asarray(to_curves, np.float64)
    to_masks = to_curves if to_masks is None else np.asarray(to_masks, np.float64)
    parts = np.split(curves.reshape(*curves.shape[:2], groups, BINS, 3), groups, axis=2)
    grids = [_Grid(part[:, :, 0], to_curves, fineness) for part in parts if part.any()]
    planes = [_Mask(masks[..., g], to_masks) for g, part in enumerate(parts) if part.any()]
    result = np.array(values, order="C")
    starts = np.arange(TILE[0], dtype=np.float32)[:, None] * (BINS * fineness + 1)  # of the rows of a tile in the table
    for tile in _tiles(values.shape[:2], planes):
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
            one = grid.at(tile, place)
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


@dataclasses.dataclass(frozen=True)
class _Tile:
    """Rows and columns of a photograph."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def rows(self) -> slice:
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        return slice(self.left, self.right)

    @property
    def corners(self) -> np.ndarray:
        """(3, 4): x, y, 1 of its outermost pixels."""
        right, bottom = self.right - 1, self.bottom - 1
        return np.array([[self.left, right, self.left, right], [self.top, self.top, bottom, bottom], [1, 1, 1, 1]])


def _tiles(size: tuple[int, int], planes: list[_Mask]) -> Iterator[_Tile]:
    """Tiles that cover all that a mask covers of a photograph."""
    reaches = [plane.reach(size) for plane in planes]
    if not reaches:
        return
    top, left = (min(r[i] for r in reaches) for i in (0, 1))
    bottom, right = (max(r[i] for r in reaches) for i in (2, 3))
    for y in range(top, bottom, TILE[0]):
        for x in range(left, right, TILE[1]):
            yield _Tile(y, x, min(bottom, y + TILE[0]), min(right, x + TILE[1]))


class _Grid:
    """One group's curves as a table, to be looked up in the pixels of a tile."""

    def __init__(self, curves: np.ndarray, matrix: np.ndarray, fineness: int) -> None:
        """Of curves (h, w, BINS, 3), in units of the photograph's pixels."""
        height, width = curves.shape[:2]
        self.entries = BINS * fineness + 1
        luminances = np.linspace(0, BINS, self.entries) - 0.5
        table = np.einsum("ek,hwkc->whec", _interpolation(luminances, BINS), curves)
        self.table = np.ascontiguousarray(table.reshape(width, height, -1), np.float32)  # columns first
        self.matrix = matrix * [[width], [height]] - [[0, 0, 0.5], [0, 0, 0.5]]  # to places in the grid
        self.turned = bool(matrix[0, 1] or matrix[1, 0])
        cell = 1 / max(np.hypot(*self.matrix[:, 0]), 1e-9)  # in pixels of a row
        self.parts = max(LEAST_PARTS, int(np.ceil(cell / FIXED_POINT)))  # of a cell, each with curves of its own
        self.step = int(np.clip(cell / STEPS_IN_CELL, 1, FIXED_POINT))  # in pixels, for a turned window

    def at(self, tile: _Tile, place: np.ndarray) -> np.ndarray:
        """(rows, columns, 3) float32: the change of each pixel, whose luminance is at `place` (rows, columns)."""
        table, along = self._turned(tile) if self.turned else self._straight(tile)
        columns = np.tile(np.float32(along), (len(place), 1))
        return cv2.remap(table, place, columns, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def _straight(self, tile: _Tile) -> tuple[np.ndarray, np.ndarray]:
        """The table (n, rows * entries, 3) along a tile's rows, at parts of the cells; where in it each column lies.

        Cells end where parts end, so what is linear in between is the bilinear interpolation.
        """
        rows, columns = np.arange(tile.top, tile.bottom), np.arange(tile.left, tile.right)
        along = np.clip(self.matrix[0, 0] * columns + self.matrix[0, 2], 0, len(self.table) - 1) * self.parts
        first, last = int(np.floor(along.min())), int(np.ceil(along.max()))
        down = _interpolation(self.matrix[1, 1] * rows + self.matrix[1, 2], self.table.shape[1])
        across = _interpolation(np.arange(first, last + 1) / self.parts, len(self.table))
        table = across @ np.matmul(down, self.table).reshape(len(self.table), -1)
        return table.reshape(len(across), -1, 3), along - first

    def _turned(self, tile: _Tile) -> tuple[np.ndarray, np.ndarray]:
        """The same, at every `step` pixels."""
        rows, columns = np.arange(tile.bottom - tile.top), np.arange(tile.right - tile.left)
        some = [np.arange(-(-(len(n) - 1) // self.step) + 1) * self.step for n in (rows, columns)]
        table = self._anywhere(tile.left + some[1], tile.top + some[0])
        down = _interpolation(rows / self.step, len(some[0]))
        return np.matmul(down, table).reshape(len(some[1]), -1, 3), columns / self.step

    def _anywhere(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The table at the pixels of columns x and rows y: (columns, rows, entries * 3)."""
        u, v = (to[0] * x[:, None] + to[1] * y + to[2] for to in self.matrix)
        left, right, across = _taps(u, self.table.shape[0])
        top, bottom, down = _taps(v, self.table.shape[1])
        across, down = across[..., None], down[..., None]
        upper = self.table[left, top] * (1 - across) + self.table[right, top] * across
        lower = self.table[left, bottom] * (1 - across) + self.table[right, bottom] * across
        return upper * (1 - down) + lower * down


class _Mask:
    """One group's mask, to be sampled in the pixels of a tile."""

    def __init__(self, mask: np.ndarray, matrix: np.ndarray) -> None:
        self.mask = np.ascontiguousarray(mask, np.float32)
        height, width = self.mask.shape
        self.window = matrix
        self.matrix = matrix * [[width], [height]] - [[0, 0, 0.5], [0, 0, 0.5]]
        self.turned = bool(matrix[0, 1] or matrix[1, 0])
        shift = self.matrix[:, 2]
        equal = not self.turned and np.allclose(self.matrix[[0, 1], [0, 1]], 1, atol=1e-9)
        self.pixels = equal and np.allclose(shift, np.round(shift), atol=1e-6)  # the photograph's own

    def reach(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """First row and column of a photograph (height, width) that it covers, and the ones after the last."""
        axes = np.linalg.inv(self.window[:, :2])
        corners = axes @ (np.array([[0, 1, 0, 1], [0, 0, 1, 1]]) - self.window[:, 2:])
        left, top = np.ceil(corners.min(axis=1) - 1e-6).astype(int).tolist()
        right, bottom = np.floor(corners.max(axis=1) + 1e-6).astype(int).tolist()
        if not self.turned:  # rows and columns where something of it is above the floor, and one more on each side
            rows, columns = (np.flatnonzero((self.mask >= MASK_FLOOR).any(axis=axis)) for axis in (1, 0))
            if not len(rows):
                return size[0], size[1], 0, 0
            scale, shift = self.matrix[[0, 1], [0, 1]], self.matrix[:, 2]
            first, last = (np.array([columns[i], rows[i]]) for i in (0, -1))
            low, high = (first - 1 - shift) / scale, (last + 1 - shift) / scale
            left, top = max(left, int(np.floor(low[0]))), max(top, int(np.floor(low[1])))
            right, bottom = min(right, int(np.ceil(high[0]))), min(bottom, int(np.ceil(high[1])))
        return max(0, top), max(0, left), min(size[0], bottom + 1), min(size[1], right + 1)

    def at(self, tile: _Tile) -> np.ndarray | None:
        """(rows, columns) float32, 0 below MASK_FLOOR; None where all of it is."""
        places = self.matrix @ tile.corners
        (left, top), (right, bottom) = np.floor(places.min(axis=1)), np.ceil(places.max(axis=1))
        height, width = self.mask.shape
        rows = slice(int(np.clip(top, 0, height - 1)), int(np.clip(bottom, 0, height - 1)) + 1)
        columns = slice(int(np.clip(left, 0, width - 1)), int(np.clip(right, 0, width - 1)) + 1)
        part = self.mask[rows, columns]
        if part.max() < MASK_FLOOR:
            return None
        y, x = np.arange(tile.top, tile.bottom), np.arange(tile.left, tile.right)
        if self.pixels or (not self.turned and part.shape[1] <= MOST_TAPS):
            down = self.matrix[1, 1] * y + self.matrix[1, 2] - rows.start
            across = self.matrix[0, 0] * x + self.matrix[0, 2] - columns.start
            if self.pixels:
                sampled = _pixels(part, down, across)
            else:
                sampled = _interpolation(down, part.shape[0]) @ part @ _interpolation(across, part.shape[1]).T
        else:
            sampled = self._warped(tile, part, rows.start, columns.start)
        if np.abs(self.window @ tile.corners - 0.5).max() > HALF:
            u, v = (np.abs(row[0] * x + row[1] * y[:, None] + (row[2] - 0.5)) <= HALF for row in self.window)
            sampled = np.where(u & v, sampled, 0)
        sampled = cv2.threshold(np.float32(sampled), np.nextafter(np.float32(MASK_FLOOR), 0), 0, cv2.THRESH_TOZERO)[1]
        return sampled if sampled.any() else None

    def _warped(self, tile: _Tile, part: np.ndarray, top: int, left: int) -> np.ndarray:
        """Sampled by cv2.warpAffine, of a copy with entries between the mask's own."""
        fine = [np.linspace(0, n - 1, (n - 1) * TURNED_FINENESS + 1) for n in part.shape]
        finer = _interpolation(fine[0], part.shape[0]) @ part @ _interpolation(fine[1], part.shape[1]).T
        to = self.matrix.copy()
        to[:, 2] += to[:, :2] @ [tile.left, tile.top] - [left, top]
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = tile.right - tile.left, tile.bottom - tile.top
        return cv2.warpAffine(finer, to * TURNED_FINENESS, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def _pixels(part: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """The pixels of a mask that has the photograph's own."""
    rows, columns = (
        np.clip(np.round(p).astype(int), 0, n - 1) for p, n in zip((down, across), part.shape, strict=True)
    )
    return part[np.ix_(rows, columns)]


def _taps(places: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For a linear interpolation: the entries before and after, and the share of the latter; edges repeated."""
    places = np.clip(places, 0, size - 1)
    low = places.astype(np.int64)
    return low, np.minimum(low + 1, size - 1), (places - low).astype(np.float32)


def _interpolation(places: np.ndarray, size: int) -> np.ndarray:
    """A linear interpolation as a matrix (places, size) float32."""
    low, high, share = _taps(places, size)
    matrix, index = np.zeros((len(places), size), np.float32), np.arange(len(places))
    matrix[index, low] = 1 - share
    matrix[index, high] += share
    return matrix
