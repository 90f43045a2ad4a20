"""Faces in a photograph, by BlazeFace (`blazeface.py`).

A photograph is looked at as a whole and in overlapping tiles, and where nothing was found in copies turned to both
sides; where no face is sure, also upside down. Every candidate is then looked at once more, upright and near, by the
short-range model: that confirms it, and its points (eyes, nose, mouth, ears) become exact. Last, `framing_network.py`
corrects how CelebA's crop lies around them. android_demo's core does the same in Java, and the static page in
JavaScript, with the same models.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from lomit_tf.imaging import blazeface
from lomit_tf.imaging.blazeface import FULL, LEAST_SCORE, OVERLAP, SHORT, Model, intersection_over_union
from lomit_tf.imaging.celeba_framing import crop_around
from lomit_tf.imaging.framing_network import corrected
from lomit_tf.imaging.look import Look

MIRRORED = (1, 0, 2, 3, 5, 4)  # blazeface.POINTS in a mirror
LEAST_CANDIDATE = 0.3  # probability, to be looked at again
LEAST_LOOKS = 3  # of four, that must see a face again: both networks
MOST = 64  # candidates that are looked at again
LARGE = 0.12  # side of a face, in sides of the photograph: as a whole it shows any larger one
TILE = 0.5  # side of a tile, in sides of the photograph
TURNS = (0.0,), (-40.0, 40.0)  # degrees, by which it is turned where nothing was found before
# Where no face has this score the photograph may stand on its head, in which chins look like foreheads, somewhat. Of 40
# photographs of CelebA's the least score is 0.87 upright, and 0.81 the largest that was found in them upside down.
SURE = 0.85

Square = tuple[np.ndarray, float]  # centre and side


@dataclasses.dataclass(frozen=True)
class Face:
    """A face.

    Attributes:
      score: how sure the model is, 0..1.
      points: (6, 2) float64, x and y of blazeface.POINTS in the photograph, where pixel centres are whole numbers.
      centre: (2,) of the box, the same.
      side: of the box, in pixels; the box is turned as the eyes are.
      crop: upper side and centre of CelebA's crop around it, where `framing_network` has looked at it.
    """

    score: float
    points: np.ndarray
    centre: np.ndarray
    side: float
    crop: tuple[complex, complex] | None = None

    @property
    def angle(self) -> float:
        """Degrees, clockwise as one sees it, by which the line of the eyes is turned."""
        across, down = self.points[1] - self.points[0]
        return math.degrees(math.atan2(down, across))

    @property
    def box(self) -> np.ndarray:
        """(4,): left, top, right, bottom of an upright box of the same centre and side."""
        return np.concatenate([self.centre - self.side / 2, self.centre + self.side / 2])


NEAR = {SHORT: 1.8, FULL: 2.2}  # side of the square of another look at a face, in sides of its box


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
    for row in blazeface.merged(blazeface.decode(*blazeface.run(model, picture), model, least)):
        points = row[1:].reshape(8, 2)
        if mirrored:
            points = np.column_stack([1 - points[:, 0], points[:, 1]])[[0, 1, *(2 + np.array(MIRRORED))]]
        placed = np.column_stack([points, np.ones(8)]) @ to_photo.T
        extent = float(np.abs(points[1] - points[0]).mean()) * side
        faces.append(Face(float(row[0]), placed[2:], placed[:2].mean(axis=0), extent))
    return faces


def find(image: np.ndarray, *, largest: bool = False) -> list[Face]:
    """The faces of an upright photograph (H, W, 3) uint8, the largest first, each with its crop.

    Args:
      largest: only the largest is asked for. Where the photograph as a whole shows one face, and that a large one, the
        tiles are not looked at, in which smaller ones would be found.
    """
    look = Look(image)
    return [
        dataclasses.replace(face, crop=corrected(look, *crop_around(face.points)))
        for face in sorted(_found(look, largest), key=lambda face: -face.side)
    ]


def _found(look: Look, largest: bool) -> list[Face]:
    """Those that were confirmed, in any order."""
    size = np.array([look.width, look.height], np.float64)
    whole = (size - 1) / 2, float(size.max())
    if largest:
        sure = _near(look, [whole], (0.0,))
        if len(sure) == 1 and sure[0].side >= LARGE * whole[1]:
            return _upright(look, [whole], sure)
    squares, faces = [whole, *tiles(size)], list[Face]()
    for angles in TURNS:
        faces = faces or _near(look, squares, angles)
    return _upright(look, squares, faces)


def _upright(look: Look, squares: Sequence[Square], faces: list[Face]) -> list[Face]:
    """These faces, or those that are seen in the same squares upside down, where that is surer."""
    if _score(faces) >= SURE:
        return faces
    return max(faces, _near(look, squares, (180.0,)), key=_score)


def _score(faces: Sequence[Face]) -> float:
    return max((face.score for face in faces), default=0.0)


def _near(look: Look, squares: Sequence[Square], angles: Sequence[float]) -> list[Face]:
    """The confirmed faces that both models see in some squares, each of them turned by some angles."""
    found = [
        face
        for angle in angles
        for square in squares
        for model in (SHORT, FULL)
        for face in seen(look, model, *square, angle, least=LEAST_CANDIDATE)
    ]
    near = [confirmed(look, face) for face in distinct(found)[:MOST]]
    return distinct([face for face in near if face is not None])


def tiles(size: np.ndarray) -> list[Square]:
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
