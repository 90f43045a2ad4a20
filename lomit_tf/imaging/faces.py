"""Faces in a photograph: BlazeFace (MediaPipe's short- and full-range models, face_models/), decoded here.

A photograph is looked at as a whole and in overlapping tiles, and where nothing was found in copies turned to both
sides. Every candidate is then looked at once more, upright and near, by the short-range model: that confirms it, and
its points (eyes, nose, mouth, ears) become exact. android_demo's core does the same in Java, with the same models.

BlazeFace: Bazarevsky et al., BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs, 2019. A model gives for
every anchor a score (a logit) and 16 numbers in pixels of its input: the box's centre and size, and six points, all but
the size relative to the anchor.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lomit_tf.runtime import litert

FOLDER = Path(__file__).parent / "face_models"
POINTS = ("left eye", "right eye", "nose", "mouth", "left ear", "right ear")  # left and right as one sees them
LOOK_SIDE = 1280  # the photograph is looked at in a copy of at most this side
MIRRORED = (1, 0, 2, 3, 5, 4)  # POINTS in a mirror
LEAST_CANDIDATE, LEAST_SCORE = 0.3, 0.5  # probabilities: to be looked at again, and to be seen then
LEAST_LOOKS = 3  # of four, that must see a face again: both networks
MOST = 64  # candidates that are looked at again
OVERLAP = 0.3  # boxes of a larger intersection over union are the same face
LARGE = 0.2  # side of a face, in sides of the photograph: as a whole it shows any larger one
TILE = 0.5  # side of a tile, in sides of the photograph
TURNS = (-40.0, 40.0)  # degrees


@dataclasses.dataclass(frozen=True)
class Face:
    """A face.

    Attributes:
      score: how sure the model is, 0..1.
      points: (6, 2) float64, x and y of POINTS in the photograph, where pixel centres are whole numbers.
      centre: (2,) of the box, the same.
      side: of the box, in pixels; the box is turned as the eyes are.
    """

    score: float
    points: np.ndarray
    centre: np.ndarray
    side: float

    @property
    def angle(self) -> float:
        """Degrees, clockwise as one sees it, by which the line of the eyes is turned."""
        across, down = self.points[1] - self.points[0]
        return math.degrees(math.atan2(down, across))

    @property
    def box(self) -> np.ndarray:
        """(4,): left, top, right, bottom of an upright box of the same centre and side."""
        return np.concatenate([self.centre - self.side / 2, self.centre + self.side / 2])


@dataclasses.dataclass(frozen=True)
class Model:
    """One of the two networks: its file, the side of its input, and (stride, anchors in each cell) of its layers."""

    name: str
    side: int
    layers: tuple[tuple[int, int], ...]


SHORT = Model("face_detection_short_range", 128, ((8, 2), (16, 6)))
FULL = Model("face_detection_full_range", 192, ((4, 1),))
NEAR = {SHORT: 1.8, FULL: 2.2}  # side of the square of another look at a face, in sides of its box


def anchors(model: Model) -> np.ndarray:
    """(N, 2) float64: x, y of the model's anchors, the cells' centres row by row, in 0..1 of its input."""
    made = []
    for stride, count in model.layers:
        at = (np.arange(model.side // stride) + 0.5) * stride / model.side
        y, x = np.meshgrid(at, at, indexing="ij")
        made.append(np.repeat(np.stack([x, y], axis=-1).reshape(-1, 2), count, axis=0))
    return np.concatenate(made)


def decode(regressors: np.ndarray, logits: np.ndarray, model: Model, least: float = LEAST_SCORE) -> np.ndarray:
    """A model's output as candidates.

    Args:
      regressors: (N, 16) float32, in pixels of the input: x and y of the box's centre and of six points, from the
        anchor, with the box's width and height in places 2 and 3.
      logits: (N,) float32.
      least: the least probability.

    Returns:
      (M, 17) float64: score, then x, y of the box's upper left and lower right corner and of POINTS, in 0..1 of the
      input. The surest come first.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -80, 80)))
    chosen = np.flatnonzero(scores >= least)
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    pairs = regressors[chosen].astype(np.float64).reshape(-1, 8, 2) / model.side
    at = anchors(model)[chosen]
    centre, half = at + pairs[:, 0], pairs[:, 1] / 2
    corners = np.stack([centre - half, centre + half], axis=1)
    points = np.concatenate([corners, at[:, None] + pairs[:, 2:]], axis=1)
    found = np.concatenate([scores[chosen, None], points.reshape(-1, 16)], axis=1)
    return found[(half > 0).all(axis=1)]


def merged(found: np.ndarray, overlap: float = OVERLAP) -> np.ndarray:
    """Weighted non-maximum suppression of (M, 17) candidates, the surest first: (K, 17).

    Those whose boxes overlap the surest one's by more than `overlap` (intersection over union) become one, at their
    mean, weighted by the scores, with the surest's score; and so on with the rest.
    """
    kept = []
    while len(found):
        same = intersection_over_union(found[0, 1:5], found[:, 1:5]) > overlap
        same[0] = True
        mean = np.average(found[same], axis=0, weights=found[same, 0])
        mean[0] = found[0, 0]
        kept.append(mean)
        found = found[~same]
    return np.array(kept).reshape(-1, 17)


def intersection_over_union(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """(M,) of a box (4,) with boxes (M, 4): left, top, right, bottom."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    both = np.clip(high - low, 0, None).prod(axis=1)
    return both / ((box[2:] - box[:2]).prod() + (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) - both)


class Look:
    """A photograph to look at: copies of it, each half as large as the one before."""

    def __init__(self, image: np.ndarray) -> None:
        """Args: image: (H, W, 3) uint8."""
        self.height, self.width = image.shape[:2]
        scale = min(1.0, LOOK_SIDE / max(self.height, self.width))
        to = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        self.copies = [cv2.resize(image, to, interpolation=cv2.INTER_AREA) if scale < 1 else image]

    def square(self, centre: np.ndarray, side: float, angle: float, size: int) -> tuple[np.ndarray, np.ndarray]:
        """A turned square of the photograph, black beyond its border, and its map.

        Returns:
          (size, size, 3) uint8, and (2, 3) float64 which makes x, y in the photograph of (u, v, 1), 0..1 in the square.
        """
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        axes = side * np.array([[cosine, -sine], [sine, cosine]])
        to_photo = np.column_stack([axes, centre - axes.sum(axis=1) / 2])
        level, step = 0, side / size * self.copies[0].shape[1] / self.width
        while step >= 2 and min(self.copies[level].shape[:2]) > 1:
            level, step = level + 1, step / 2
            if level == len(self.copies):
                height, width = self.copies[-1].shape[:2]
                half = (width + 1) // 2, (height + 1) // 2
                self.copies.append(cv2.resize(self.copies[-1], half, interpolation=cv2.INTER_AREA))
        copy = self.copies[level]
        scale = np.array([copy.shape[1] / self.width, copy.shape[0] / self.height])
        # Column i and row j of the square are u, v = (i + 0.5) / size, (j + 0.5) / size.
        where = np.column_stack([axes / size, to_photo[:, 2] + axes.sum(axis=1) / size / 2])
        where[:, 2] += 0.5
        where *= scale[:, None]
        where[:, 2] -= 0.5
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(copy, where, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT), to_photo


_lock = threading.Lock()


@functools.cache
def _interpreter(model: Model) -> tuple[Any, int, dict[int, int]]:
    """A loaded model, the index of its input, and of its outputs by their last axis."""

    interpreter = litert.interpreter(model_path=str(FOLDER / f"{model.name}.tflite"), num_threads=1)
    outputs = {int(detail["shape"][-1]): detail["index"] for detail in interpreter.get_output_details()}
    return interpreter, interpreter.get_input_details()[0]["index"], outputs


def run(model: Model, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, 16) and (N,) float32: the model's output for a picture (side, side, 3) uint8. Safe in several threads."""
    with _lock:  # of loading, and of an interpreter's buffers
        interpreter, at, outputs = _interpreter(model)
        interpreter.set_tensor(at, (picture.astype(np.float32) * (2 / 255) - 1)[None])
        interpreter.invoke()
        return interpreter.get_tensor(outputs[16])[0], interpreter.get_tensor(outputs[1])[0, :, 0]


def seen(
    look: Look,
    model: Model,
    centre: np.ndarray,
    side: float,
    angle: float = 0.0,
    *,
    mirrored: bool = False,
    least: float = LEAST_SCORE,
) -> list[Face]:
    """The faces that a model finds in a turned square of a photograph, the surest first.

    Args:
      centre, side, angle: of the square, in the photograph.
      mirrored: show the model the square's mirror image. What it finds is mirrored back.
      least: the least score.
    """
    picture, to_photo = look.square(centre, side, angle, model.side)
    if mirrored:
        picture = np.ascontiguousarray(picture[:, ::-1])
    faces = []
    for row in merged(decode(*run(model, picture), model, least)):
        points = row[1:].reshape(8, 2)
        if mirrored:
            points = np.column_stack([1 - points[:, 0], points[:, 1]])[[0, 1, *(2 + np.array(MIRRORED))]]
        placed = np.column_stack([points, np.ones(8)]) @ to_photo.T
        extent = float(np.abs(points[1] - points[0]).mean()) * side
        faces.append(Face(float(row[0]), placed[2:], placed[:2].mean(axis=0), extent))
    return faces


def find(image: np.ndarray, *, largest: bool = False) -> list[Face]:
    """The faces of an upright photograph (H, W, 3) uint8, the largest first.

    Args:
      largest: only the largest is asked for. Where the photograph as a whole shows one face, and that a large one, the
        tiles are not looked at, in which smaller ones would be found.
    """
    look = Look(image)
    size = np.array([look.width, look.height], np.float64)
    whole = (size - 1) / 2, float(size.max())
    if largest:
        seen_at_once = [f for model in (SHORT, FULL) for f in seen(look, model, *whole, least=LEAST_CANDIDATE)]
        only = distinct(seen_at_once)
        face = confirmed(look, only[0]) if len(only) == 1 and only[0].side >= LARGE * whole[1] else None
        if face is not None:
            return [face]
    squares = [whole, *tiles(size)]
    for angles in ((0.0,), TURNS):
        found = [
            face
            for angle in angles
            for square in squares
            for model in (SHORT, FULL)
            for face in seen(look, model, *square, angle, least=LEAST_CANDIDATE)
        ]
        near = [confirmed(look, face) for face in distinct(found)[:MOST]]
        faces = distinct([face for face in near if face is not None])
        if faces:
            return sorted(faces, key=lambda face: -face.side)
    return []


def tiles(size: np.ndarray) -> list[tuple[np.ndarray, float]]:
    """Centres and sides of squares that cover a photograph of (width, height), and overlap by at least a half."""
    side = TILE * float(size.max())
    along = []
    for length in size.tolist():
        count = 1 + max(0, math.ceil((length - side) / (side / 2)))
        along.append(np.linspace(side / 2, length - side / 2, count) - 0.5 if count > 1 else [(length - 1) / 2])
    return [(np.array([x, y]), side) for y in along[1] for x in along[0]]


def distinct(faces: Sequence[Face]) -> list[Face]:
    """Those of which no surer one overlaps, the surest first."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if all(intersection_over_union(face.box, other.box[None])[0] <= OVERLAP for other in kept):
            kept.append(face)
    return kept


def confirmed(look: Look, face: Face) -> Face | None:
    """A candidate after more looks at it, upright and near; None where no face is seen there.

    Each model looks at it and at its mirror image. Where LEAST_LOOKS of these four see it, the face is the mean of what
    they saw.
    """
    first = _nearest(seen(look, SHORT, face.centre, NEAR[SHORT] * face.side, face.angle), face) or face
    looks = [
        _nearest(seen(look, model, first.centre, near * first.side, first.angle, mirrored=mirrored), first)
        for model, near in NEAR.items()
        for mirrored in (False, True)
    ]
    saw = [one for one in looks if one is not None]
    if len(saw) < LEAST_LOOKS:
        return None
    return Face(
        max(one.score for one in saw), np.mean([one.points for one in saw], axis=0),
        np.mean([one.centre for one in saw], axis=0), float(np.mean([one.side for one in saw])),
    )  # fmt: skip


def _nearest(faces: Sequence[Face], to: Face) -> Face | None:
    """The one that lies nearest to another, where their centres are less than half its side apart."""
    near = min(faces, key=lambda face: math.dist(face.centre, to.centre), default=None)
    return near if near is not None and math.dist(near.centre, to.centre) < to.side / 2 else None
