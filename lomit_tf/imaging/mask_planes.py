"""Masks that lie in a photograph by an affine map, sampled in the pixels of its tiles.

A map (2, 3) takes a photograph's (x, y, 1) to 0..1 from the left and upper side of what lies in it; half-pixel centres,
edges repeated. Beyond its sides a mask is 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from lomit_tf.imaging.paste_back import MASK_FLOOR

TILE = 64, 1024  # rows and columns that are worked on at once: what lies in between stays within the caches
MOST_TAPS = 160  # up to so many columns of a mask under a tile, two small matrix products are fastest
TURNED_FINENESS = 4  # masks are so much finer for cv2.remap, which looks at 1/32 of their steps
HALF = 0.5 + 1e-6  # a pixel whose centre lies on a border counts; without the margin, rounding would decide


def whole(size: tuple[int, int]) -> np.ndarray:
    """The map (2, 3) of what covers the whole photograph (height, width)."""
    return rectangle(0, 0, size[1], size[0])


def rectangle(left: float, top: float, width: float, height: float) -> np.ndarray:
    """The map (2, 3) of what covers a rectangle of the photograph, in pixels."""
    return np.array([[1 / width, 0, (0.5 - left) / width], [0, 1 / height, (0.5 - top) / height]])


def sampled(plane: np.ndarray, place: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A plane (s, t) at the pixels of a photograph (height, width), bilinear, float32; 0 outside of what it covers.

    `place` (2, 3) takes the photograph's (x, y, 1) to the plane's 0..1, as of `curves.apply`.
    """
    sides = np.array([plane.shape[1], plane.shape[0]], np.float64)
    to_pixels = np.asarray(place, np.float64) * sides[:, None]
    to_pixels[:, 2] -= 0.5
    source = np.ascontiguousarray(plane, np.float32)
    return cv2.warpAffine(
        source, to_pixels, (size[1], size[0]), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )  # fmt: skip


def shown_masks(
    masks: np.ndarray, to_masks: np.ndarray, size: tuple[int, int], floor: float = MASK_FLOOR
) -> np.ndarray:
    """The masks that `curves.apply` uses, at the pixels of a photograph (height, width): (H, W, G), 0 below the floor.

    Other args as of `curves.apply`.
    """
    planes = [MaskPlane(masks[..., g], np.asarray(to_masks, np.float64), floor) for g in range(masks.shape[-1])]
    found = np.zeros((*size, len(planes)), np.float32)
    for tile in tiles(size, planes):
        for g, plane in enumerate(planes):
            mask = plane.at(tile)
            if mask is not None:
                found[tile.rows, tile.columns, g] = mask
    return found


@dataclasses.dataclass(frozen=True)
class Tile:
    """Rows and columns of a photograph."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def rows(self) -> slice:
        """Its rows."""
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        """Its columns."""
        return slice(self.left, self.right)

    @property
    def corners(self) -> np.ndarray:
        """(3, 4): x, y, 1 of its outermost pixels."""
        right, bottom = self.right - 1, self.bottom - 1
        return np.array([[self.left, right, self.left, right], [self.top, self.top, bottom, bottom], [1, 1, 1, 1]])

    def part(self, rows: slice, columns: slice) -> Tile:
        """The tile of some of its rows and columns, counted within it."""
        return Tile(self.top + rows.start, self.left + columns.start, self.top + rows.stop, self.left + columns.stop)


def tiles(size: tuple[int, int], planes: Sequence[MaskPlane]) -> Iterator[Tile]:
    """Tiles that cover all that a mask covers of a photograph."""
    reaches = [plane.reach(size) for plane in planes]
    if not reaches:
        return
    top, left = (min(r[i] for r in reaches) for i in (0, 1))
    bottom, right = (max(r[i] for r in reaches) for i in (2, 3))
    for y in range(top, bottom, TILE[0]):
        for x in range(left, right, TILE[1]):
            yield Tile(y, x, min(bottom, y + TILE[0]), min(right, x + TILE[1]))


class MaskPlane:
    """One group's mask, to be sampled in the pixels of a tile."""

    def __init__(self, mask: np.ndarray, matrix: np.ndarray, floor: float = MASK_FLOOR) -> None:
        self.floor, self.below = floor, float(np.nextafter(np.float32(floor), np.float32(-1)))
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
            rows, columns = (np.flatnonzero((self.mask >= self.floor).any(axis=axis)) for axis in (1, 0))
            if not len(rows):
                return size[0], size[1], 0, 0
            scale, shift = self.matrix[[0, 1], [0, 1]], self.matrix[:, 2]
            first, last = (np.array([columns[i], rows[i]]) for i in (0, -1))
            low, high = (first - 1 - shift) / scale, (last + 1 - shift) / scale
            left, top = max(left, int(np.floor(low[0]))), max(top, int(np.floor(low[1])))
            right, bottom = min(right, int(np.ceil(high[0]))), min(bottom, int(np.ceil(high[1])))
        return max(0, top), max(0, left), min(size[0], bottom + 1), min(size[1], right + 1)

    def at(self, tile: Tile) -> np.ndarray | None:
        """(rows, columns) float32, 0 below the floor; None where all of it is."""
        places = self.matrix @ tile.corners
        (left, top), (right, bottom) = np.floor(places.min(axis=1)), np.ceil(places.max(axis=1))
        height, width = self.mask.shape
        rows = slice(int(np.clip(top, 0, height - 1)), int(np.clip(bottom, 0, height - 1)) + 1)
        columns = slice(int(np.clip(left, 0, width - 1)), int(np.clip(right, 0, width - 1)) + 1)
        part = self.mask[rows, columns]
        if part.max() < self.floor:
            return None
        y, x = np.arange(tile.top, tile.bottom), np.arange(tile.left, tile.right)
        if self.pixels or (not self.turned and part.shape[1] <= MOST_TAPS):
            down = self.matrix[1, 1] * y + self.matrix[1, 2] - rows.start
            across = self.matrix[0, 0] * x + self.matrix[0, 2] - columns.start
            if self.pixels:
                sampled = _pixels(part, down, across)
            else:
                sampled = interpolation(down, part.shape[0]) @ part @ interpolation(across, part.shape[1]).T
        else:
            sampled = self._warped(tile, part, rows.start, columns.start)
        sampled = cv2.threshold(np.float32(sampled), self.below, 0, cv2.THRESH_TOZERO)[1]
        covered = marked([sampled])
        if covered is None:
            return None
        if np.abs(self.window @ tile.part(*covered).corners - 0.5).max() > HALF:
            rows, columns = covered
            x, y = x[columns], y[rows, None]
            u, v = (np.abs(row[0] * x + row[1] * y + (row[2] - 0.5)) <= HALF for row in self.window)
            sampled[covered] = np.where(u & v, sampled[covered], 0)
            return sampled if sampled[covered].any() else None
        return sampled

    def _warped(self, tile: Tile, part: np.ndarray, top: int, left: int) -> np.ndarray:
        """Sampled by cv2.remap, of a copy with entries between the mask's own."""
        fine = [np.linspace(0, n - 1, (n - 1) * TURNED_FINENESS + 1) for n in part.shape]
        finer = interpolation(fine[0], part.shape[0]) @ part @ interpolation(fine[1], part.shape[1]).T
        to = self.matrix.copy()
        to[:, 2] += to[:, :2] @ [tile.left, tile.top] - [left, top]
        x, y = np.arange(tile.right - tile.left), np.arange(tile.bottom - tile.top)
        u, v = (np.add.outer(np.float32(row[1] * y + row[2]), np.float32(row[0] * x)) for row in TURNED_FINENESS * to)
        return cv2.remap(finer, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def marked(masks: Sequence[np.ndarray]) -> tuple[slice, slice] | None:
    """Rows and columns around all that is above 0 in masks of one size; None where nothing is."""
    rows, columns = (
        np.flatnonzero(np.max([mask.max(axis=axis) for mask in masks], axis=0)) if masks else np.array([])
        for axis in (1, 0)
    )
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _pixels(part: np.ndarray, down: np.ndarray, across: np.ndarray) -> np.ndarray:
    """The pixels of a mask that has the photograph's own."""
    rows, columns = (
        np.clip(np.round(p).astype(int), 0, n - 1) for p, n in zip((down, across), part.shape, strict=True)
    )
    return part[np.ix_(rows, columns)]


def taps(places: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For a linear interpolation: the entries before and after, and the share of the latter; edges repeated."""
    places = np.clip(places, 0, size - 1)
    low = places.astype(np.int64)
    return low, np.minimum(low + 1, size - 1), (places - low).astype(np.float32)


def interpolation(places: np.ndarray, size: int) -> np.ndarray:
    """A linear interpolation as a matrix (places, size) float32."""
    low, high, share = taps(places, size)
    matrix, index = np.zeros((len(places), size), np.float32), np.arange(len(places))
    matrix[index, low] = 1 - share
    matrix[index, high] += share
    return matrix
