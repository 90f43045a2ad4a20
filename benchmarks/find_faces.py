"""Faces pasted into larger scenes, turned: how many are found, and how near their windows come.

    python -m benchmarks.find_faces /path/to/data [--count=500] [--finder=blazeface|haar|both] [--turn=30]

Every picture of celebamask/images is scaled to 1/3 to 1/10 of the longer side of a scene (1024 x 768; horses and
apple2orange), turned by up to --turn degrees, and pasted with a soft border. A window counts as right when its centre
lies within 5 % of the true window's side, its side differs by at most 5 %, and its angle by at most 3 degrees. "True"
is:

- own: the window that the same finder gives for the face's own picture of 256 px, carried along with it.
- square: the pasted square, scaled and moved by one constant (the median over all faces, since these pictures are not
  framed as CelebA's are). It also counts how differently the pictures themselves are framed; how differently, the last
  line says: the squares against the eyes and mouths that people drew into celebamask/masks.
"""

from __future__ import annotations

import argparse
import functools
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lomit_tf.data.preprocess import decode
from lomit_tf.imaging import faces, framing
from lomit_tf.imaging.framing import Window

SCENE = (768, 1024)
LARGEST, SMALLEST = 1 / 3, 1 / 10
SEED = 1000
# What was used before: OpenCV's cascades, and CelebA's crop in widths of their boxes (medians over 400 images).
CASCADES = ("haarcascade_frontalface_alt2.xml", "haarcascade_frontalface_default.xml")
SIDE_OF_BOX, UP_OF_BOX, DETECTION_SIDE = 1.74, 0.144, 640
Placed = tuple[complex, complex]  # a window's upper side and its centre, as x + iy


def blazeface(image: np.ndarray) -> list[Placed]:
    """Windows of the faces in (H, W, 3) uint8."""
    return [placed(framing.face_window(face)) for face in faces.find(image)]


def haar(image: np.ndarray) -> list[Placed]:
    """The same with OpenCV's cascades."""
    scale = min(1.0, DETECTION_SIDE / max(image.shape[:2]))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    least = max(20, round(max(grey.shape) / 16))
    found: Any = ()
    for name in CASCADES:
        found = cascade(name).detectMultiScale(grey, scaleFactor=1.1, minNeighbors=4, minSize=(least, least))
        if len(found):
            break
    return [
        (complex(SIDE_OF_BOX * w / scale), complex(x + w / 2, y + h / 2 - UP_OF_BOX * w) / scale)
        for x, y, w, h in np.array(found, np.float64).reshape(-1, 4).tolist()
    ]


@functools.cache
def cascade(name: str) -> Any:
    return cv2.CascadeClassifier(cv2.data.haarcascades + name)  # type: ignore[attr-defined]


def placed(window: Window) -> Placed:
    at = window.inverse
    x, y = at @ [0.5, 0.5, 1]
    return complex(*at[:, 0]), complex(x, y)


def scene(face: np.ndarray, background: np.ndarray, most: float, rng: np.random.Generator) -> tuple[np.ndarray, Placed]:
    """A picture (H, W, 3) uint8 with a face in it, turned by `most` degrees at most, and the pasted square."""
    height, width = SCENE
    canvas = cv2.resize(background, (width, height), interpolation=cv2.INTER_CUBIC)
    side = width * math.exp(rng.uniform(math.log(SMALLEST), math.log(LARGEST)))
    turn = side * np.exp(1j * math.radians(rng.uniform(-most, most)))
    reach = (abs(turn.real) + abs(turn.imag)) / 2
    centre = complex(rng.uniform(reach, width - reach), rng.uniform(reach, height - reach))
    if side < len(face):
        small = max(1, round(side))
        face = cv2.resize(face, (small, small), interpolation=cv2.INTER_AREA)
    n = len(face)
    axis = turn / n
    corner = centre - axis * complex(n - 1, n - 1) / 2
    to = np.array([[axis.real, -axis.imag, corner.real], [axis.imag, axis.real, corner.imag]])
    border = max(1, n // 32)
    shown = np.zeros((n, n), np.float32)
    shown[border:-border, border:-border] = 1
    shown = cv2.GaussianBlur(shown, (0, 0), border / 2)
    part, share = (cv2.warpAffine(plane, to, (width, height), flags=cv2.INTER_LINEAR) for plane in (face, shown))
    return np.uint8(np.round(canvas * (1 - share[..., None]) + part * share[..., None])), (complex(turn), centre)


def drawn_eyes(mask: Path) -> Placed | None:
    """The eyes' and mouth's triangle of a mask of celebamask, in its square -1/2..1/2; None where one of them lacks."""
    values = decode_palette(mask)
    n, points = len(values), []
    for classes in ((5,), (4,), (10, 11, 12)):
        y, x = np.nonzero(np.isin(values, classes))
        points.append(complex(x.mean() + 0.5, y.mean() + 0.5) / n - (0.5 + 0.5j) if len(x) > 12 else complex(np.nan))
    left, right, mouth = points
    if not (right - left).real > 0.15 or np.isnan(mouth):  # some masks name both eyes alike
        return None
    across, down = right - left, (mouth - (left + right) / 2) / 1j
    return across + down, (left + right + mouth) / 3


def decode_palette(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as picture:
        return np.asarray(picture)


def right(found: np.ndarray, true: np.ndarray, cases: int, *, fitted: bool = False) -> str:
    """One line of the table: of (N, 2) complex windows the shares that are right, of all cases."""
    (turn, centre), (true_turn, true_centre) = found.T, true.T
    if fitted:
        size = np.median(np.abs(true_turn / turn))
        moved = (true_centre - centre) / turn
        centre = centre + complex(np.median(moved.real), np.median(moved.imag)) * turn
        turn = turn * size
    off = np.abs(centre - true_centre) / np.abs(true_turn) < 0.05
    size_right = np.abs(np.abs(turn / true_turn) - 1) < 0.05
    angle = np.abs(np.degrees(np.angle(turn / true_turn))) < 3
    shares = [np.sum(one) / cases for one in (off & size_right & angle, off, size_right, angle)]
    return " | ".join(f"{share:.1%}" for share in shares)


def measure(
    name: str, finder: Callable[[np.ndarray], list[Placed]], cases: list[tuple[Path, Path, int]], most: float
) -> None:
    """Print a finder's lines of the table, of faces that are turned by `most` degrees at most."""
    rows, own, extra, seconds = [], [], 0, 0.0
    for face_path, background, number in cases:
        face = decode(face_path)
        picture, square = scene(face, decode(background), most, np.random.default_rng(SEED + number))
        start = time.process_time()
        found = finder(picture)
        seconds += time.process_time() - start
        hits = [one for one in found if abs(one[1] - square[1]) < 0.3 * abs(square[0])]
        extra += len(found) - len(hits)
        if hits:
            rows.append([*max(hits, key=lambda one: abs(one[0])), *square])
            alone = max(finder(face), key=lambda one: abs(one[0]), default=(complex(np.nan), complex(np.nan)))
            axis = square[0] / len(face)
            middle = complex(len(face) - 1, len(face) - 1) / 2
            own.append([axis * alone[0], square[1] + axis * (alone[1] - middle)])
    windows, squares, references = np.array(rows)[:, :2], np.array(rows)[:, 2:], np.array(own)
    count = len(cases)
    print(f"| {name} | {len(rows) / count:.1%} | {extra} | {seconds / count * 1000:.0f} ms |", end=" ")
    print(f"own | {right(windows, references, count)} |")
    print(f"| | | | | square | {right(windows, squares, count, fitted=True)} |", flush=True)


def main() -> None:
    """Print the table."""
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("data", type=Path, help="folder with celebamask, horses and apple2orange")
    flags.add_argument("--count", type=int, default=500, help="how many faces (default: 500)")
    flags.add_argument("--finder", choices=("blazeface", "haar", "both"), default="both")
    flags.add_argument("--turn", type=float, default=30, help="degrees by which faces are turned at most (default: 30)")
    args = flags.parse_args()
    pictures = sorted((args.data / "celebamask/images").glob("*.jpg"))[: args.count]
    backgrounds = sorted((args.data / "horses/images").glob("*")) + sorted(
        (args.data / "apple2orange/trainA").glob("*")
    )
    if not pictures or not backgrounds:
        flags.error(f"{args.data}: no pictures in celebamask/images, horses/images or apple2orange/trainA")
    order = np.random.default_rng(SEED).integers(len(backgrounds), size=len(pictures))
    cases = [(path, backgrounds[at], n) for n, (path, at) in enumerate(zip(pictures, order.tolist(), strict=True))]
    print(f"{len(cases)} faces")
    print("| finder | found | others found | processor time | against | right | centre | size | angle |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name, finder in (("blazeface", blazeface), ("haar", haar)):
        if args.finder in (name, "both"):
            measure(name, finder, cases, args.turn)
    drawn = [drawn_eyes(args.data / "celebamask/masks" / f"{path.stem}.png") for path in pictures]
    there = np.array([one for one in drawn if one is not None])
    squares = np.broadcast_to(np.array([1.0, 0.0], complex), there.shape)
    print(f"| drawn eyes and mouths, {len(there)} | | | | square | {right(there, squares, len(there), fitted=True)} |")


if __name__ == "__main__":
    main()
