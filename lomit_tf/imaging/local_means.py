"""How faces move with a label, seen in means of many faces: the closed form of a smile.

    means = LocalMeans.of(pictures, labels, kinds)
    made = means.movement(i, j)  # what it takes to give face i the mouth of face j

Faces that are framed alike and look alike above the mouth are taken together, those with the label and those without
it. Their two means show the same face with a smile and without one: optical flow between them says how pixels move, and
what the flow does not explain, such as teeth that appear, is a change of colours. Labels alone take part; nobody marked
a mouth. docs/method.md, eqs. (9.30) to (9.35).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

Part = tuple[float, float, float, float]  # left, top, right, bottom, shares of a picture's side

# For faces in CelebA's framing.
ABOVE: Part = (0.125, 0.344, 0.875, 0.688)  # from the brows to the tip of the nose, which the mouth does not change
FACE: Part = (0.219, 0.344, 0.781, 0.938)  # whose colours say how a picture is lit
SEEN: Part = (0.125, 0.281, 0.875, 1.0)  # within which means are compared
MIDDLE = (0.5, 0.754)  # of mouths

ABOVE_SIZE, MOUTH_SIZE = (32, 15), (26, 17)  # pixels, width and height, at which parts are compared
ABOVE_PARTS, MOUTH_PARTS = 24, 16  # principal components that count
CONTRAST = 8.0  # of 255, added to a part's standard deviation, so that noise is not made large
SMOOTH = 2 / 128  # sigma of the blur of a flow, a share of the side
BROAD = 10 / 128  # and of the blur that finds changes of light, which belong to the pictures and not to the label
LEAST_CHANGE = 15.0  # of 255, the most that colours change outside of a place's inner part
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclasses.dataclass(frozen=True)
class Place:
    """What changes with a label, in CelebA's framing.

    Attributes:
      part: by which mouths are compared.
      inner: half widths around MIDDLE of where colours may change as they like, shares of the side.
      outer: of where anything changes.
      moves: whether pixels move; otherwise only colours change.
    """

    part: Part
    inner: tuple[float, float]
    outer: tuple[float, float]
    moves: bool


PLACES = {
    "mouth": Place((0.297, 0.625, 0.703, 0.891), (0.164, 0.117), (0.234, 0.188), True),
    "beard": Place((0.25, 0.578, 0.75, 1.0), (0.25, 0.219), (0.25, 0.219), False),
}


@dataclasses.dataclass(frozen=True)
class Movement:
    """What takes one face to the mouth of another one, over the whole picture, 0 away from the mouth.

    Attributes:
      displacement: (S, S, 2) float32 in pixels: the result takes its colours from p + displacement(p).
      change: (S, S, 3) float32, of 0..255, added to what moved.
      own, wanted: (S, S, 3) float32, of 0..255, the two means, 0 outside of SEEN.
    """

    displacement: np.ndarray
    change: np.ndarray
    own: np.ndarray
    wanted: np.ndarray

    @property
    def folds(self) -> bool:
        """Whether some part of the picture is turned inside out, which no face does."""
        d = self.displacement
        right, down = np.gradient(d, axis=1), np.gradient(d, axis=0)
        return bool(((1 + right[..., 0]) * (1 + down[..., 1]) - right[..., 1] * down[..., 0]).min() <= 0)


@dataclasses.dataclass(frozen=True)
class LocalMeans:
    """Pictures of faces that are framed alike, and what is looked at to find those that are like another one.

    Attributes:
      pictures: (N, S, S, 3) uint8.
      labels: (N,) whether a picture has the label.
      kinds: (N,) integers; only faces of one kind are taken together, such as men.
      above, mouth: (N, k) float32, principal components of what is above the mouth, and of the place's part, in units
        of their common deviation.
      light: (N, 4) float32, mean colour and deviation of the face.
      extra: (N,) bool, what no face is given, such as an open mouth: faces that have it are among those with the wanted
        label only for faces that have both already.
      place: what changes.
      neighbours: K, faces in a mean.
      own_weight, wanted_weight: how much the mouth counts beside what is above it, among faces with the own label and
        among those with the wanted one. The latter is what makes one smile another than the next.
    """

    pictures: np.ndarray
    labels: np.ndarray
    kinds: np.ndarray
    above: np.ndarray
    mouth: np.ndarray
    light: np.ndarray
    extra: np.ndarray
    place: Place = PLACES["mouth"]
    neighbours: int = 60
    own_weight: float = 0.5
    wanted_weight: float = 0.3

    @classmethod
    def of(
        cls, pictures: np.ndarray, labels: np.ndarray, kinds: np.ndarray, place: str = "mouth",
        extra: np.ndarray | None = None, **options: Any,
    ) -> LocalMeans:  # fmt: skip
        """Look at pictures (N, S, S, 3) uint8, and at their mirror images, which come after them. `place`: of PLACES.

        Raises ValueError where no kind has enough faces with the label and without it.
        """
        both = np.concatenate([pictures, pictures[:, :, ::-1]])
        parts = ((ABOVE, ABOVE_SIZE), (PLACES[place].part, MOUTH_SIZE))
        seen = [[_seen(g, part, size) for part, size in parts] for g in map(_grey, both)]
        found = cls(
            both, np.tile(labels.astype(bool), 2), np.tile(kinds, 2),
            _components(np.stack([above for above, _ in seen]), ABOVE_PARTS),
            _components(np.stack([mouth for _, mouth in seen]), MOUTH_PARTS),
            np.stack([_light(picture) for picture in both]),
            np.tile(np.zeros(len(labels), bool) if extra is None else extra, 2), PLACES[place], **options,
        )  # fmt: skip
        if not found.usable().any():
            raise ValueError(
                f"no kind of faces has more than {found.neighbours} with the label, and as many without it"
            )
        return found

    def usable(self) -> np.ndarray:
        """(N,) bool: the faces of whose kind there are enough with the label, and without it."""
        enough = np.zeros(len(self.labels), bool)
        for kind in np.unique(self.kinds):
            alike = self.kinds == kind
            counts = [int((alike & ~self.extra & (self.labels == label)).sum()) for label in (False, True)]
            enough |= alike & (min(counts) > 2 * self.neighbours)
        return enough

    def movement(self, i: int, j: int) -> Movement:
        """From face i to the mouth of face j; both may be mirror images."""
        own = self.mean(self.nearest(i, i, self.own_weight), i)
        wanted = self.mean(self.nearest(i, j, self.wanted_weight), i)
        size = self.pictures.shape[1]
        left, top, right, bottom = _pixels(SEEN, size)
        flow = np.zeros((*own.shape[:2], 2), np.float32)
        if self.place.moves:
            flow = cv2.GaussianBlur(_flow(wanted, own), (0, 0), SMOOTH * size)
        change = wanted - _moved(own, flow)
        inner = soft(size, self.place.inner)[top:bottom, left:right]
        change = change - (1 - inner) * cv2.GaussianBlur(change, (0, 0), BROAD * size)
        most = LEAST_CHANGE + (255 - LEAST_CHANGE) * inner
        change = most * np.tanh(change / most)
        outer = soft(size, self.place.outer)[top:bottom, left:right]

        def whole(values: np.ndarray) -> np.ndarray:
            return np.pad(values, ((top, size - bottom), (left, size - right), (0, 0)))

        return Movement(whole(flow * outer), whole(change * outer), whole(own), whole(wanted))

    def nearest(self, i: int, j: int, weight: float) -> np.ndarray:
        """(K,) faces of i's kind and j's label that are like i above the mouth, and by `weight` like j in the part.

        Faces with what is `extra` are among them only where i has it too, and the label of j.
        """
        alike = (self.kinds == self.kinds[i]) & (self.labels == self.labels[j])
        if not self.extra[i] or self.labels[i] != self.labels[j]:
            alike &= ~self.extra
        among = np.flatnonzero(alike)
        distance = np.square(self.above[among] - self.above[i]).sum(axis=1)
        distance += weight * np.square(self.mouth[among] - self.mouth[j]).sum(axis=1)
        count = len(self.pictures) // 2
        distance[among % count == i % count] = np.inf  # neither the face itself nor its mirror image
        return among[np.argpartition(distance, self.neighbours)[: self.neighbours]]

    def mean(self, chosen: np.ndarray, i: int) -> np.ndarray:
        """The mean of some faces within SEEN, each in the light of face i: (h, w, 3) float32, of 0..255."""
        left, top, right, bottom = _pixels(SEEN, self.pictures.shape[1])
        parts = self.pictures[chosen, top:bottom, left:right].astype(np.float32)
        scale = self.light[i, 3] / self.light[chosen, 3] / len(chosen)
        shift = self.light[i, :3] - (scale[:, None] * self.light[chosen, :3]).sum(axis=0)
        return np.tensordot(scale, parts, 1) + shift


def soft(size: int, half: tuple[float, float]) -> np.ndarray:
    """1 around the middle of mouths and 0 away from it, (S, S, 1) float32: eq. (9.33)."""
    at = (np.arange(size, dtype=np.float32) + 0.5) / size
    across = (np.abs(at - MIDDLE[0]) / half[0]) ** 4
    along = (np.abs(at - MIDDLE[1]) / half[1]) ** 4
    return np.exp(-across[None, :] - along[:, None])[..., None]


def _pixels(part: Part, size: int) -> tuple[int, ...]:
    return tuple(round(share * size) for share in part)


def _grey(picture: np.ndarray) -> np.ndarray:
    return picture.astype(np.float32) @ LUMA


def _seen(grey: np.ndarray, part: Part, size: tuple[int, int]) -> np.ndarray:
    """A part of a picture as numbers that do not depend on its light."""
    left, top, right, bottom = _pixels(part, len(grey))
    small = cv2.resize(grey[top:bottom, left:right], size, interpolation=cv2.INTER_AREA).ravel()
    return (small - small.mean()) / (small.std() + CONTRAST)


def _components(values: np.ndarray, count: int) -> np.ndarray:
    """The first principal components of rows (N, n), in units of their common deviation: (N, count) float32."""
    centred = values - values.mean(axis=0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    found = centred @ vectors[:, ::-1][:, :count]
    return (found / found.std()).astype(np.float32)


def _light(picture: np.ndarray) -> np.ndarray:
    """Mean colour and mean deviation of the face, (4,)."""
    left, top, right, bottom = _pixels(FACE, len(picture))
    face = picture[top:bottom, left:right].reshape(-1, 3).astype(np.float32)
    return np.append(face.mean(axis=0), max(face.std(axis=0).mean(), 1.0)).astype(np.float32)


def _flow(wanted: np.ndarray, own: np.ndarray) -> np.ndarray:
    """(h, w, 2) in pixels: wanted(p) looks like own(p + flow(p)). DIS (Kroeger et al. 2016) at twice the size."""
    height, width = wanted.shape[:2]
    twice = [
        cv2.resize(np.uint8(np.clip(_grey(mean), 0, 255)), (2 * width, 2 * height), interpolation=cv2.INTER_CUBIC)
        for mean in (wanted, own)
    ]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setFinestScale(0)
    dis.setVariationalRefinementIterations(10)
    dis.setVariationalRefinementAlpha(60.0)
    return cv2.resize(dis.calc(*twice, None), (width, height), interpolation=cv2.INTER_AREA) / 2


def _moved(picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """picture(p + flow(p)), cubic samples; edges repeated."""
    down, right = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    return cv2.remap(
        picture, right + flow[..., 0], down + flow[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def pairs(labels: np.ndarray, usable: np.ndarray, rng: np.random.Generator, same: float) -> Iterator[tuple[int, int]]:
    """Faces and exemplars without end, drawn evenly; a share `same` of the exemplars has the face's own label.

    labels, usable: (N,) bool; faces are those that are usable, and exemplars any.
    """
    having = {value: np.flatnonzero(labels == value) for value in (False, True)}
    faces = np.flatnonzero(usable)
    while True:
        i = int(rng.choice(faces))
        wanted = bool(labels[i]) == (rng.random() < same)
        yield i, int(rng.choice(having[wanted]))


__all__ = ["PLACES", "LocalMeans", "Movement", "Place", "pairs", "soft"]
