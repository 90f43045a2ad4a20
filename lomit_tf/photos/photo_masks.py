"""Masks at a photograph's own size: what the network found, continued beyond the window, and what a person gave."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import cv2
import numpy as np

from lomit_tf.imaging import framing, mask_edges, mask_planes, paste_back
from lomit_tf.imaging import given_masks as given_by_a_person
from lomit_tf.imaging.given_masks import MasksLike
from lomit_tf.photos.translation import FramedPhoto

AS_SAVED = 0.51 / 255  # a mask that was saved differs from what was found by half of a step of 8 bits, at most
AROUND = 5  # pixels along each side of the square in which all of it has to: single pixels may do so by chance

Planes = dict[str, np.ndarray]  # {group: (H, W) float32 in 0..1}, at the photograph's size


class Masks(Mapping[str, np.ndarray]):
    """{group: (H, W) float32 in 0..1} at a photograph's own size, computed when they are first asked for.

    Twelve megapixels of masks take longer than changing the hair within them, and most only want the picture alone.
    """

    def __init__(self, groups: Sequence[str], make: Callable[[], Mapping[str, np.ndarray]]) -> None:
        self._groups, self._make = tuple(groups), make
        self._lock = threading.Lock()
        self._made: Mapping[str, np.ndarray] | None = None

    def __getitem__(self, group: str) -> np.ndarray:
        if group not in self._groups:
            raise KeyError(group)
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made[group]

    def __iter__(self) -> Iterator[str]:
        return iter(self._groups)

    def __len__(self) -> int:
        return len(self._groups)


def largest(masks: Sequence[Mapping[str, np.ndarray]]) -> Mapping[str, np.ndarray]:
    """Masks of several windows of a photograph as one set: the largest value wherever they overlap."""
    if len(masks) == 1:
        return masks[0]
    return Masks(tuple(masks[0]), lambda: {g: np.max([each[g] for each in masks], axis=0) for g in masks[0]})


def read_given(
    framed: FramedPhoto,
    mask: MasksLike,
    groups: Sequence[str],
    what: str,
    beyond: Collection[str] = (),
    asked: Collection[str] | None = None,
) -> tuple[Planes, tuple[str, ...]]:
    """Masks that a person gave, {group: (H, W) float32 in 0..1}, and notes about them.

    Args:
      groups: the model's.
      what: what to call them: "input mask".
      beyond: the groups whose masks count outside of the window too.
      asked: the groups whose masks notes are about; all by default.

    Raises ImageError and CorruptImageError as `imaging.given_masks.read_masks`.
    """
    given = given_by_a_person.read_masks(mask, groups, framed.photo.size, what)
    if not given:
        return {}, ()
    notes = []
    covered = np.max([one.whole(np.ones(one.region.shape[:2])) for one in framed.faces], axis=0) > 0
    for group, plane in given.items():
        if asked is not None and group not in asked:
            continue
        of = f"{what} of {group}" if len(groups) > 1 else what
        if not plane[covered].any():
            why = ", where its own colour is seen, so that nothing of it changes" if group in beyond else ""
            notes.append(f"{of}: nothing is marked" + (f" within the crop{why}" if plane.any() else ""))
        elif group not in beyond and plane[~covered].any():
            notes.append(f"{of}: what is marked outside of the crop is ignored")
    return given, tuple(notes)


def as_found(
    framed: FramedPhoto, given: Mapping[str, np.ndarray], groups: Sequence[str], beyond: Collection[str]
) -> dict[str, np.ndarray]:
    """Where given masks are what was found, as a saved one is that comes back: {group: (H, W) bool}.

    There each face keeps its own, so that a mask that is given back unedited changes nothing.

    Args:
      framed: all of whose faces have masks of their own.
      beyond: as of `of_face`.
    """
    found = of_photo(framed, {}, groups, beyond)
    square = np.ones((AROUND, AROUND), np.uint8)
    alike = {group: np.abs(plane - found[group]) <= AS_SAVED for group, plane in given.items()}
    return {group: cv2.erode(where.astype(np.uint8), square) > 0 for group, where in alike.items()}


def nothing_left(
    framed: FramedPhoto, given: Mapping[str, np.ndarray], groups: Sequence[str], asked: np.ndarray
) -> tuple[str, ...]:
    """Notes about groups to change of which the network found something, and given masks of others leave nothing.

    Args:
      framed: with its own masks, unless every group is given.
      groups: the model's G; asked: (G,), above 0 for those to change.
    """
    notes = []
    for g, group in enumerate(groups):
        if not given or group in given or not asked[g]:
            continue
        before = max(one.own_masks[..., g].max() for one in framed.faces if one.own_masks is not None)
        after = max(one.network_masks(given, groups)[..., g].max() for one in framed.faces)
        if before >= paste_back.MASK_FLOOR > after:
            notes.append(f"input mask of {', '.join(given)}: it leaves nothing of {group}, which stays as it is")
    return tuple(notes)


def concerns(note: str, asked: Collection[str], groups: Sequence[str]) -> bool:
    """Whether a note of an exemplar is about a mask of groups to change, or about none."""
    return not any(note.startswith(f"exemplar: exemplar mask of {group}: ") for group in groups if group not in asked)


def of_photo(
    framed: FramedPhoto, given: Mapping[str, np.ndarray], groups: Sequence[str], beyond: Collection[str] = ()
) -> Mapping[str, np.ndarray]:
    """The masks of all faces of a photograph as one set; arguments as of `of_face`."""
    return largest([of_face(one, framed.faces, given, groups, beyond) for one in framed.faces])


def of_face(
    one: FramedPhoto,
    faces: Sequence[FramedPhoto],
    given: Mapping[str, np.ndarray],
    groups: Sequence[str],
    beyond: Collection[str] = (),
    same: Mapping[str, np.ndarray] | None = None,
) -> Masks:
    """The masks within which one face is changed: found and given, docs/method.md, eqs. (10.2) to (10.5).

    Args:
      one: the face, whose own masks are known unless every group is given.
      faces: all faces of the photograph that are translated, `one` among them.
      given: masks that a person gave, at the photograph's size.
      groups: the model's.
      beyond: the groups that go on outside of the window, those of colour curves; the others are 0 there. What was
        found of small ones, as lips, is 0 there too.
      same: what `as_found` says of the given ones.
    """

    def make() -> Planes:
        planes = {name: _placed(one, faces, plane, name in beyond) for name, plane in given.items()}
        if same:
            own = of_face(one, faces, {}, groups, beyond)
            for name, where in same.items():  # what is erased stays so, also where next to nothing was found
                planes[name] = np.where(where & (given[name] > 0), own[name], planes[name])
        if len(planes) == len(groups):
            sharing = [plane for name, plane in planes.items() if name not in one.overlapping]
            total = np.maximum(np.sum(sharing, axis=0, dtype=np.float32), 1.0)
            return {name: plane if name in one.overlapping else plane / total for name, plane in planes.items()}
        # What is left for the others is computed of the masks as they are, also where they change nothing.
        floor = 0.0 if planes else paste_back.MASK_FLOOR
        found = _found(one, [name in beyond for name in groups], [name in one.small for name in groups], floor)
        if planes:
            left = np.maximum(1.0 - found.sum(axis=-1, keepdims=True), 0.0)  # rounding may leave less than nothing
            everything = np.concatenate([found, left], axis=-1)
            found = given_by_a_person.replace(
                everything, {groups.index(n): plane for n, plane in planes.items()},
                [groups.index(name) for name in one.overlapping],
            )  # fmt: skip
        return {name: found[..., g] for g, name in enumerate(groups)}

    return Masks(groups, make)


def moved(one: FramedPhoto, by: Mapping[str, np.ndarray], groups: Sequence[str]) -> FramedPhoto:
    """A face whose own masks changed by {group: (S, S)}: docs/method.md, eq. (10.7). Itself where it has none."""
    if one.own_masks is None:  # every group's mask is given
        return one
    changed = copy.copy(one)
    changed.own_masks = one.own_masks.copy()
    for name, change in by.items():
        changed.own_masks[..., groups.index(name)] += change
    return changed


def _found(one: FramedPhoto, beyond: Sequence[bool], small: Sequence[bool], floor: float) -> np.ndarray:
    """(H, W, G) float32: the network's masks of one window, some groups continued beyond it, and 0 below a floor.

    Of those that are, small ones end with the window.
    """
    assert one.own_masks is not None
    found = np.zeros((*one.photo.size, len(beyond)), np.float32)
    continued, within = (np.flatnonzero(np.asarray(beyond) == wanted) for wanted in (True, False))
    if len(continued):
        ending = [n for n, g in enumerate(continued.tolist()) if small[g]]
        masks, place = mask_edges.extend(one.photo.rgb, one.own_masks[..., continued], one.window.matrix, ending)
        found[..., continued] = mask_planes.shown_masks(masks, place, one.photo.size, floor)
    if not len(within):
        return found
    raised = paste_back.upsample_masks(one.own_masks[..., within], one.region.shape[:2])
    for n, g in enumerate(within):
        found[..., g] = one.whole(raised[..., n])
    return found


def _placed(one: FramedPhoto, faces: Sequence[FramedPhoto], plane: np.ndarray, beyond: bool) -> np.ndarray:
    """What of a given mask (H, W) is one face's: within its window; `beyond`, also what lies nearest to it outside."""
    if not beyond:
        return one.whole(framing.cut(plane, one.window))
    if len(faces) == 1:
        return plane
    nearest = np.min([_distance(each) for each in faces], axis=0)
    return np.where(_distance(one) <= np.maximum(nearest, 0.0), plane, np.float32(0))


def _distance(one: FramedPhoto) -> np.ndarray:
    """(H, W) float32: how far pixels lie outside of a window, in its sides; 0 or less within."""
    y, x = (np.arange(n, dtype=np.float32) for n in one.photo.size)
    matrix = np.asarray(one.window.matrix, np.float32)
    u, v = (np.abs(a * x + b * y[:, None] + (c - 0.5)) for a, b, c in matrix)
    return np.maximum(u, v) - 0.5
