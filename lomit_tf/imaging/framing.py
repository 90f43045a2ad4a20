"""Which part of a photograph the model sees: a face framed as CelebA's are, the centre, all of it, or a rectangle."""

from __future__ import annotations

import dataclasses
import functools
import math
import threading
from typing import Any

import cv2
import numpy as np

from lomit_tf.imaging.formats import ImageError

CROPS = ("face", "center", "none")
# CelebA's 178 px centre crop against the detector's box, in widths of the box: tools/face_framing.py measures them.
SIDE_OF_BOX = 1.74
UP_OF_BOX = 0.144  # the crop's centre lies this far above the box's
CELEBA_CROP = 178
# The second one is asked where the first, which frames faces more evenly, finds none.
CASCADES = ("haarcascade_frontalface_alt2.xml", "haarcascade_frontalface_default.xml")
# The detector looks at a copy of this size: its time is bounded, and a face of an eighth of the side has 80 px.
DETECTION_SIDE, SMALLEST_SIDE, SMALLEST_FACE = 640, 256, 1 / 16


@dataclasses.dataclass(frozen=True)
class Window:
    """A rectangle in a photograph, in pixels; a face's may reach beyond the photograph."""

    left: int
    top: int
    width: int
    height: int

    def inside(self, size: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of the photograph (height, width) that it covers."""
        rows = slice(max(0, self.top), min(size[0], self.top + self.height))
        return rows, slice(max(0, self.left), min(size[1], self.left + self.width))

    def own(self, size: tuple[int, int]) -> tuple[slice, slice]:
        """The same part, in rows and columns of the window."""
        rows, columns = self.inside(size)
        return (
            slice(rows.start - self.top, rows.stop - self.top),
            slice(columns.start - self.left, columns.stop - self.left),
        )


def cut(image: np.ndarray, window: Window, *, edge: bool = True) -> np.ndarray:
    """The window's part of (H, W[, C]); beyond the border its last pixels are repeated (edge), or it is 0."""
    rows, columns = window.inside(image.shape[:2])
    part = image[rows, columns]
    own_rows, own_columns = window.own(image.shape[:2])
    pad = [(own_rows.start, window.height - own_rows.stop), (own_columns.start, window.width - own_columns.stop)]
    if not any(map(any, pad)):
        return part
    return np.pad(part, [*pad, *[(0, 0)] * (image.ndim - 2)], mode="edge" if edge else "constant")


def choose(image: np.ndarray, crop: Any, *, faces: bool = True, zoom: float = 1.0) -> tuple[Window, tuple[str, ...]]:
    """The window of an upright image (H, W, 3) uint8, and notes for the person.

    Args:
      crop: "face" (the largest face, else the centre), "center" (the largest centred square, as in training without a
        crop), "none" (all of it, squeezed to a square), or "x,y,w,h" in pixels, as text or four numbers.
      faces: whether the model knows faces in CelebA's framing; without, "face" is the centre, and a note says so.
      zoom: the model's own crop in training over CelebA's 178.

    Raises:
      ImageError: a crop that cannot be read, or lies outside of the image.
    """
    height, width = image.shape[:2]
    kind, rectangle = parse_crop(crop)
    if rectangle is not None:
        x, y, w, h = rectangle
        if x + w > width or y + h > height:
            raise ImageError(
                f"crop {x},{y},{w},{h} reaches beyond the image, which is {width}x{height} (width x height)"
            )
        return Window(x, y, w, h), ()
    if kind == "none":
        return Window(0, 0, width, height), ()
    side = min(height, width)
    centre = Window((width - side) // 2, (height - side) // 2, side, side)  # as preprocess.centre_crop
    if kind == "center":
        return centre, ()
    square = height == width
    if not faces:
        note = "this model was not trained on photographs of faces, so the centre was cropped"
        return centre, () if square else (note,)
    boxes = find_faces(image)
    if not boxes:
        return centre, (f"no face was found, so {'all of it was taken' if square else 'the centre was cropped'}",)
    notes = () if len(boxes) == 1 else (f"{len(boxes)} faces were found; the largest was taken",)
    return face_window(boxes[0], zoom), notes


def parse_crop(crop: Any) -> tuple[str, tuple[int, int, int, int] | None]:
    """The crop's name and no rectangle, or "rectangle" and its x, y, w, h. Raises ImageError for anything else."""
    if isinstance(crop, str) and crop in (*CROPS, "centre"):
        return "center" if crop == "centre" else crop, None
    try:
        numbers = [int(n) for n in (crop.split(",") if isinstance(crop, str) else crop)]
        x, y, w, h = numbers
    except (TypeError, ValueError):
        raise ImageError(f"crop must be {', '.join(CROPS)}, or x,y,w,h in pixels; received {crop!r}") from None
    if min(x, y) < 0 or min(w, h) < 1:
        raise ImageError(f"crop x,y,w,h needs x and y of at least 0, w and h of at least 1; received {crop!r}")
    return "rectangle", (x, y, w, h)


def face_window(box: tuple[float, float, float, float], zoom: float = 1.0) -> Window:
    """CelebA's framing around a detector's box (left, top, width, height)."""
    left, top, width, height = box
    side = max(1, round(SIDE_OF_BOX * zoom * width))
    x, y = left + width / 2, top + height / 2 - UP_OF_BOX * width
    return Window(math.floor(x - side / 2 + 0.5), math.floor(y - side / 2 + 0.5), side, side)


def find_faces(image: np.ndarray) -> list[tuple[float, float, float, float]]:
    """Boxes (left, top, width, height) of the faces in (H, W, 3) uint8, the largest first (OpenCV's cascade)."""
    height, width = image.shape[:2]
    longest = max(height, width)
    scale = min(1.0, DETECTION_SIDE / longest) if longest > SMALLEST_SIDE else SMALLEST_SIDE / longest
    to = max(1, round(width * scale)), max(1, round(height * scale))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, to, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    least = max(20, round(SMALLEST_FACE * max(to)))
    found: Any = ()
    for name in CASCADES:
        with _lock:  # a CascadeClassifier keeps buffers between its calls
            found = _cascade(name).detectMultiScale(grey, scaleFactor=1.1, minNeighbors=4, minSize=(least, least))
        if len(found):
            break
    boxes = [tuple(float(n) / scale for n in box) for box in found]
    return sorted(boxes, key=lambda box: -box[2] * box[3])  # type: ignore[return-value]


_lock = threading.Lock()


@functools.cache
def _cascade(name: str) -> Any:
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + name)
    if cascade.empty():
        raise ImageError(f"OpenCV {cv2.__version__} lacks {name}; install opencv-contrib-python-headless below 5")
    return cascade
