"""What goes into a translation and what comes out: photographs made ready, exemplars, requests and results."""

from __future__ import annotations

import dataclasses
import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lomit_tf.data import host
from lomit_tf.imaging import framing, paste_back
from lomit_tf.imaging import given_masks as masks
from lomit_tf.imaging.given_masks import MasksLike
from lomit_tf.imaging.photo import Photo
from lomit_tf.imaging.writing import given_back


class NoExemplarError(RuntimeError):
    """translate() before set_exemplar()."""


@dataclasses.dataclass(frozen=True)
class Result:
    """A translation.

    Attributes:
      input_masks, exemplar_masks: {group: (H, W) float32 in 0..1}, as used, each at its photograph's own size.
      photo: the translated photograph, of its own size, in full depth and with its metadata, for `writing.save`.
      notes: what a person should know: "no face was found, so the centre was cropped".
    """

    input_masks: Mapping[str, np.ndarray]
    exemplar_masks: Mapping[str, np.ndarray]
    photo: Photo
    notes: tuple[str, ...] = ()

    @functools.cached_property
    def image(self) -> Any:
        """The photograph in the type in which it was given.

        An array of the same dtype, (H, W, 3), or (H, W, 4) with transparency; a Pillow image, also for a path; bytes of
        a PNG for bytes.
        """
        return given_back(self.photo)


class FramedPhoto:
    """A photograph that was read and framed; its masks are kept once they are known. Made by `Translator.prepare`."""

    def __init__(self, photo: Photo, window: framing.Window, size: int, notes: tuple[str, ...]) -> None:
        self.photo, self.window, self.notes = photo, window, notes
        self.region = framing.cut(photo.rgb, window)  # (h, w, 3) uint8, the guide of the way back
        self.pixels = host.to_model_range(host.resize(self.region, size))  # (S, S, 3) in -1..1
        self.own_masks: np.ndarray | None = None  # (S, S, R), once the network has found them
        self.others: tuple[FramedPhoto, ...] = ()  # further faces of the photograph, each in its own window

    @property
    def faces(self) -> tuple[FramedPhoto, ...]:
        """Each face to translate in its window: itself, and the others of the photograph."""
        return self, *self.others

    def whole(self, part: np.ndarray) -> np.ndarray:
        """A plane (h, w) of the window in one of the photograph's size, 0 elsewhere."""
        out = np.zeros(self.photo.size, np.float32)
        out[self.window.inside(self.photo.size)] = framing.uncut(part, self.window, self.photo.size)
        return out

    def given_masks(
        self, mask: MasksLike, groups: Sequence[str], what: str
    ) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
        """Masks that a person gave, {group: (H, W) float32 in 0..1}, and notes about them.

        Args:
          groups: the model's.
          what: what to call them: "input mask".

        Raises ImageError and CorruptImageError as `imaging.given_masks.read_masks`.
        """
        given = masks.read_masks(mask, groups, self.photo.size, what)
        if not given:
            return {}, ()
        notes = []
        covered = np.max([one.whole(np.ones(one.region.shape[:2])) for one in self.faces], axis=0) > 0
        for group, plane in given.items():
            of = f"{what} of {group}" if len(groups) > 1 else what
            if not plane[covered].any():
                notes.append(f"{of}: nothing is marked" + (" within the crop" if plane.any() else ""))
            elif plane[~covered].any():
                notes.append(f"{of}: what is marked outside of the crop is ignored")
        return given, tuple(notes)

    def network_masks(self, given: Mapping[str, np.ndarray], groups: Sequence[str]) -> np.ndarray:
        """Masks for the network, (S, S, R): its own, with the given ones among them."""
        own = self.own_masks
        if own is None:  # every group is given
            own = np.zeros((*self.pixels.shape[:2], len(groups) + 1), np.float32)
        small = {
            groups.index(group): paste_back.downsample(framing.cut(plane, self.window, edge=True), len(own))
            for group, plane in given.items()
        }
        return masks.replace(own, small)

    def full_masks(self, given: Mapping[str, np.ndarray], groups: Sequence[str]) -> dict[str, np.ndarray]:
        """{group: (H, W) float32}: as found and given, at the photograph's size, 0 outside of all windows."""
        return dict(largest([one.window_masks(given, groups) for one in self.faces]))

    def window_masks(self, given: Mapping[str, np.ndarray], groups: Sequence[str]) -> dict[str, np.ndarray]:
        """The same of its own window alone."""
        if len(given) == len(groups):
            planes = np.zeros((*self.region.shape[:2], len(groups) + 1), np.float32)
        else:
            assert self.own_masks is not None
            found = paste_back.upsample_masks(self.own_masks[..., :-1], self.region.shape[:2])
            left = np.maximum(1.0 - found.sum(axis=-1, keepdims=True), 0.0)  # rounding may leave less than nothing
            planes = np.concatenate([found, left], axis=-1)
        cut = {groups.index(group): framing.cut(plane, self.window) for group, plane in given.items()}
        planes = masks.replace(planes, cut)
        return {group: self.whole(planes[..., g]) for g, group in enumerate(groups)}


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


@dataclasses.dataclass(frozen=True)
class Exemplar:
    """An encoded exemplar. Made by `Translator.encode_exemplar`; may be kept, shared and used from several threads."""

    styles: np.ndarray  # (G, D), zeros for a group of which there is nothing
    masks: dict[str, np.ndarray]  # {group: (H, W) float32}, at the exemplar's own size
    photo: Photo
    window: framing.Window
    notes: tuple[str, ...] = ()
    colour: str = ""  # of `encode_colour`: there is no picture, and nothing of the other groups


@dataclasses.dataclass(frozen=True)
class Request:
    """A photograph to translate, with everything read and checked. Made by `Translator.request`."""

    framed: FramedPhoto
    exemplar: Exemplar
    given: dict[str, np.ndarray]  # masks that a person gave, at the photograph's size
    transfer: np.ndarray  # (G,) 1 for the groups to take from the exemplar
    strength: float = 1.0
    keep_background: bool = True
    notes: tuple[str, ...] = ()
