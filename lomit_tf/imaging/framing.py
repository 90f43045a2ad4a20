"""Which part of a photograph the model sees: a face framed as CelebA's are, the centre, all of it, or a rectangle."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import cv2
import numpy as np

from lomit_tf.imaging.celeba_framing import CELEBA_CROP, crop_around
from lomit_tf.imaging.crops import parse_crop
from lomit_tf.imaging.faces import Face, find
from lomit_tf.imaging.formats import ImageError

__all__ = ["CELEBA_CROP", "Window", "all_faces", "choose", "cut", "face_window", "parse_crop", "parse_face", "uncut"]

LEAST_SIDE = 32  # of a face's window, in pixels: below it there is too little to see
# What notes and errors say of arguments, which a page with other means leaves out, and the command calls by its flags.
OTHERS, ANOTHER_CROP = " (face=all or 1 to {} takes others)", ", or crop=center"
OTHERS_SAID = re.compile(re.escape(OTHERS).replace(r"\{\}", r"\d+"))


@dataclasses.dataclass(frozen=True)
class Window:
    """A rectangle in a photograph, in pixels, turned about its centre; a face's may reach beyond the photograph.

    Its own coordinates (u, v) are 0..1 from its left and its upper side. In the photograph, the centre of the pixel in
    row r and column c is (x, y) = (c, r). Both are related by one affine map: `matrix`, and back `inverse`.

    Attributes:
      left, top: of the rectangle as it lies before it is turned.
      width, height: how many pixels it is sampled with, each as large as the photograph's.
      angle: degrees, clockwise as one sees it, by which u runs off the photograph's rows. At 0 the window consists of
        the photograph's own pixels, and what is cut out of it is equal to them to the bit.
      of_face: whether it frames a face as CelebA does, of which alone `imaging.competing` knows where hair lies.
    """

    left: int
    top: int
    width: int
    height: int
    angle: float = 0.0
    of_face: bool = dataclasses.field(default=False, compare=False, repr=False)

    @property
    def inverse(self) -> np.ndarray:
        """(2, 3) float64: (x, y) = inverse @ (u, v, 1)."""
        cosine, sine = _turn(self.angle)
        axes = np.array([[cosine * self.width, -sine * self.height], [sine * self.width, cosine * self.height]])
        centre = np.array([self.left + self.width / 2 - 0.5, self.top + self.height / 2 - 0.5])
        return np.column_stack([axes, centre - axes.sum(axis=1) / 2])

    @property
    def matrix(self) -> np.ndarray:
        """(2, 3) float64: (u, v) = matrix @ (x, y, 1)."""
        return inverted(self.inverse)

    @property
    def corners(self) -> np.ndarray:
        """(4, 2) float64: x, y of the upper left, upper right, lower right and lower left corner."""
        return np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]]) @ self.inverse.T

    def inside(self, size: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of the photograph (height, width) that it covers; turned, those around it."""
        left, top, right, bottom = self.left, self.top, self.left + self.width, self.top + self.height
        if self.angle:
            low, high = np.floor(self.corners.min(axis=0)), np.ceil(self.corners.max(axis=0)) + 1
            (left, top), (right, bottom) = low.astype(int).tolist(), high.astype(int).tolist()
        rows = slice(min(max(0, top), size[0]), max(0, min(size[0], bottom)))
        return rows, slice(min(max(0, left), size[1]), max(0, min(size[1], right)))

    def own(self, size: tuple[int, int]) -> tuple[slice, slice]:
        """The same part, in rows and columns of the window. Raises ValueError for a turned one: see `uncut`."""
        if self.angle:
            raise ValueError("a turned window has no rows of the photograph; use framing.cut and framing.uncut")
        rows, columns = self.inside(size)
        return (
            slice(rows.start - self.top, rows.stop - self.top),
            slice(columns.start - self.left, columns.stop - self.left),
        )

    def ends_within(self, size: tuple[int, int]) -> tuple[bool, bool, bool, bool]:
        """Whether its left, upper, right and lower side lie, at least in part, within a photograph (height, width)."""
        if not self.angle:
            right, bottom = self.left + self.width, self.top + self.height
            return self.left > 0, self.top > 0, right < size[1], bottom < size[0]
        corners, steps = self.corners, np.linspace(0, 1, 65)[:, None]
        limit = np.array([size[1] - 1, size[0] - 1])
        found = []
        for one, other in ((3, 0), (0, 1), (1, 2), (2, 3)):
            points = corners[one] * (1 - steps) + corners[other] * steps
            found.append(bool(((points > 0) & (points < limit)).all(axis=1).any()))
        left, top, right_, bottom_ = found
        return left, top, right_, bottom_

    def scaled(self, across: float, down: float) -> Window:
        """The same part of a copy of the photograph of other size; `across` and `down` are near to each other."""
        return Window(
            round(self.left * across), round(self.top * down),
            max(1, round(self.width * across)), max(1, round(self.height * down)), self.angle, self.of_face,
        )  # fmt: skip


def inverted(affine: np.ndarray) -> np.ndarray:
    """The inverse of an affine map (2, 3)."""
    axes = np.linalg.inv(affine[:, :2])
    return np.column_stack([axes, -axes @ affine[:, 2]])


def _turn(angle: float) -> tuple[float, float]:
    """Cosine and sine of degrees; exact without a turn."""
    return (math.cos(math.radians(angle)), math.sin(math.radians(angle))) if angle else (1.0, 0.0)


def cut(image: np.ndarray, window: Window, *, edge: bool = True) -> np.ndarray:
    """The window's part of (H, W[, C]) as (h, w[, C]); beyond the border its last pixels are repeated (edge), or 0.

    A turned window is sampled bilinearly (OpenCV's warpAffine), once for each of its pixels, which are as large as the
    photograph's.
    """
    rows, columns = window.inside(image.shape[:2])
    if window.angle:
        grid = _pixels_to_photo(window)
        # One pixel more on each side, so that nothing within the photograph is mistaken for its border.
        top, left = max(0, rows.start - 1), max(0, columns.start - 1)
        part = image[top : rows.stop + 1, left : columns.stop + 1]
        grid[:, 2] -= left, top
        return _warp(part, grid, (window.height, window.width), edge=edge)
    part = image[rows, columns]
    own_rows, own_columns = window.own(image.shape[:2])
    pad = [(own_rows.start, window.height - own_rows.stop), (own_columns.start, window.width - own_columns.stop)]
    if not any(map(any, pad)):
        return part
    return np.pad(part, [*pad, *[(0, 0)] * (image.ndim - 2)], mode="edge" if edge else "constant")


def uncut(planes: np.ndarray, window: Window, size: tuple[int, int]) -> np.ndarray:
    """A window's planes at the photograph's own pixels: the way back from `cut`.

    Args:
      planes: (h, w[, C]), of the window's height and width.
      size: height and width of the photograph.

    Returns:
      The part of the photograph that `window.inside(size)` says, of the type of `planes`: the same values where the
      window is not turned, sampled bilinearly where it is, and 0 outside of it.
    """
    if not window.angle:
        return planes[window.own(size)]
    rows, columns = window.inside(size)
    to = inverted(_pixels_to_photo(window))
    to[:, 2] += to[:, :2] @ (columns.start, rows.start)
    return _warp(planes, to, (rows.stop - rows.start, columns.stop - columns.start), edge=False)


def _pixels_to_photo(window: Window) -> np.ndarray:
    """(2, 3): x, y in the photograph of the window's pixel in column i and row j, from (i, j, 1)."""
    inverse = window.inverse
    axes = inverse[:, :2] / (window.width, window.height)
    return np.column_stack([axes, inverse[:, 2] + axes.sum(axis=1) / 2])


def _warp(image: np.ndarray, where: np.ndarray, size: tuple[int, int], *, edge: bool) -> np.ndarray:
    """(h, w[, C]) of the places `where` @ (column, row, 1) in an image; float16 and bool are not supported."""
    if 0 in size or 0 in image.shape:
        return np.zeros((*size, *image.shape[2:]), image.dtype)
    warped = cv2.warpAffine(
        image, where, (size[1], size[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE if edge else cv2.BORDER_CONSTANT,
    )  # fmt: skip
    return warped.reshape(*size, *image.shape[2:])  # OpenCV drops a last axis of 1


def choose(
    image: np.ndarray, crop: Any, *, faces: bool = True, zoom: float = 1.0, face: int | str = "largest"
) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    """The windows of an upright image (H, W, 3) uint8, one but for face="all", and notes for the person.

    Args:
      crop: "face" (a face, else the centre), "center" (the largest centred square, as in training without a crop),
        "none" (all of it, squeezed to a square), or "x,y,width,height" in pixels, as text or four numbers.
      faces: whether the model knows faces in CelebA's framing; without, "face" is the centre, and a note says so.
      zoom: the model's own crop in training over CelebA's 178.
      face: which of several: "largest", "all" (the largest first), or a number from 1 on, counted from the left.

    Raises:
      ImageError: a crop or face that cannot be read, is not there, or lies outside of the image; a face of which the
        window, or a centre instead of one that was not found, would be smaller than LEAST_SIDE.
    """
    height, width = image.shape[:2]
    kind, rectangle = parse_crop(crop)
    face = parse_face(face)
    if kind != "face" and face != "largest":
        raise ImageError(f"face={face} needs crop=face, which looks for faces; received crop={crop}")
    if rectangle is not None:
        x, y, w, h = rectangle
        if x + w > width or y + h > height:
            raise ImageError(
                f"crop {x},{y},{w},{h} reaches beyond the image, which is {width}x{height} (width x height)"
            )
        return (Window(x, y, w, h),), ()
    if kind == "none":
        return (Window(0, 0, width, height),), ()
    side = min(height, width)
    centre = Window((width - side) // 2, (height - side) // 2, side, side)  # as preprocess.centre_crop
    if kind == "center":
        return (centre,), ()
    square = height == width
    if not faces:
        if face not in ("largest", "all"):
            raise ImageError(f"face={face}: this model was not trained on photographs of faces, and looks for none")
        note = "this model was not trained on photographs of faces, so the centre was cropped"
        return (centre,), () if square else (note,)
    found = find(image, largest=face == "largest")
    if not found:
        if face not in ("largest", "all"):
            raise ImageError(f"face={face}: no face was found; leave it out to take the centre")
        if side < LEAST_SIDE:  # as of a face's window: there is too little to see
            raise ImageError(
                f"no face was found, and the photograph is too small: it is {width}x{height} (width x height), and at "
                f"least {LEAST_SIDE} px are needed; give a larger photograph{ANOTHER_CROP}"
            )
        return (centre,), (f"no face was found, so {'all of it was taken' if square else 'the centre was cropped'}",)
    return _of_faces(found, face, zoom)


def all_faces(image: np.ndarray, zoom: float = 1.0) -> tuple[Window, ...]:
    """The windows of all faces in (H, W, 3) uint8, from left to right as `choose` counts them, also too small ones."""
    return tuple(face_window(one, zoom) for one in sorted(find(image), key=lambda one: one.centre[0]))


def _of_faces(found: list[Face], face: int | str, zoom: float) -> tuple[tuple[Window, ...], tuple[str, ...]]:
    """The windows of those that are asked for of the faces that were found, the largest first."""
    if isinstance(face, int):
        if face > len(found):
            raise ImageError(
                f"face={face}: {len(found)} face{'s were' if len(found) > 1 else ' was'} found; give 1"
                + (f" to {len(found)}, counted from the left" if len(found) > 1 else "")
            )
        chosen = [sorted(found, key=lambda one: one.centre[0])[face - 1]]
    else:
        chosen = found if face == "all" else found[:1]
    windows = [face_window(one, zoom) for one in chosen]
    large = tuple(window for window in windows if window.width >= LEAST_SIDE)
    if not large:
        raise ImageError(
            f"the face is too small: its part of the photograph is {windows[0].width} px wide, and at least "
            f"{LEAST_SIDE} are needed; give a larger photograph{ANOTHER_CROP}"
        )
    notes: tuple[str, ...] = ()
    if face == "largest" and len(found) > 1:
        notes = (f"{len(found)} faces were found; the largest was taken{OTHERS.format(len(found))}",)
    if len(large) < len(windows):
        notes += (f"{len(windows) - len(large)} of {len(windows)} faces are too small and were left as they are",)
    return large, notes


def parse_face(face: Any) -> int | str:
    """ "largest", "all" or a number from 1 on, also as text. Raises ImageError for anything else."""
    if isinstance(face, str) and face in ("largest", "all"):
        return face
    try:
        number = int(face) if isinstance(face, (int, str, np.integer)) and not isinstance(face, bool) else 0
    except ValueError:
        number = 0
    if number < 1:
        raise ImageError(f"face must be largest, all, or a number from 1 on, counted from the left; received {face!r}")
    return number


def face_window(face: Face, zoom: float = 1.0) -> Window:
    """CelebA's 178 px centre crop around a face, `zoom` times as large: a square, turned as the face is."""
    turn, centre = face.crop or crop_around(face.points)
    side = max(1, round(abs(turn) * zoom))
    x, y = centre.real + 0.5, centre.imag + 0.5
    left, top = math.floor(x - side / 2 + 0.5), math.floor(y - side / 2 + 0.5)
    return Window(left, top, side, side, math.degrees(math.atan2(turn.imag, turn.real)), of_face=True)
