"""What goes into a translation and what comes out: photographs made ready, exemplars, requests and results."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lomit_tf.data import host
from lomit_tf.imaging import framing, given_masks, paste_back
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

    def __init__(
        self,
        photo: Photo,
        window: framing.Window,
        size: int,
        notes: tuple[str, ...],
        overlapping: Sequence[str] = (),
        small: Sequence[str] = (),
    ) -> None:
        self.photo, self.window, self.notes = photo, window, notes
        self.overlapping = tuple(overlapping)  # names of the model's groups whose masks lie on those of others
        self.small = tuple(small)  # and of those whose masks are not continued beyond the window
        self.region = framing.cut(photo.rgb, window)  # (h, w, 3) uint8, the guide of the way back
        self.pixels = host.to_model_range(host.resize(self.region, size))  # (S, S, 3) in -1..1
        self.own_masks: np.ndarray | None = None  # (S, S, R), once the network has found them
        self.others: tuple[FramedPhoto, ...] = ()  # further faces of the photograph, each in its own window
        self.faceless = False  # a face was looked for, and none was found

    @property
    def faces(self) -> tuple[FramedPhoto, ...]:
        """Each face to translate in its window: itself, and the others of the photograph."""
        return self, *self.others

    def whole(self, part: np.ndarray) -> np.ndarray:
        """A plane (h, w) of the window in one of the photograph's size, 0 elsewhere."""
        out = np.zeros(self.photo.size, np.float32)
        out[self.window.inside(self.photo.size)] = framing.uncut(part, self.window, self.photo.size)
        return out

    def network_masks(
        self, given: Mapping[str, np.ndarray], groups: Sequence[str], same: Mapping[str, np.ndarray] | None = None
    ) -> np.ndarray:
        """Masks for the network, (S, S, R): its own, with the given ones among them.

        `same` as of `photo_masks.as_found`: where all of a cell is, it has the network's own value, which given masks,
        brought to the photograph's size and back, would blur.
        """
        own = self.own_masks
        if own is None:  # every group is given
            own = np.zeros((*self.pixels.shape[:2], len(groups) + 1), np.float32)
        small = {
            groups.index(group): paste_back.downsample(framing.cut(plane, self.window, edge=True), len(own))
            for group, plane in given.items()
        }
        for group, where in (same or {}).items():
            kept = paste_back.downsample(framing.cut(where.astype(np.float32), self.window, edge=True), len(own))
            g = groups.index(group)
            small[g] = np.where(kept > 1 - 1e-3, own[..., g], small[g])
        return given_masks.replace(own, small, [groups.index(group) for group in self.overlapping])


Seen = tuple[np.ndarray, np.ndarray, np.ndarray]  # what networks saw of an exemplar's face, its masks, and its light


@dataclasses.dataclass(frozen=True)
class Exemplar:
    """An encoded exemplar. Made by `Translator.encode_exemplar`; may be kept, shared and used from several threads."""

    styles: np.ndarray  # (G, D), zeros for a group of which there is nothing
    masks: dict[str, np.ndarray]  # {group: (H, W) float32}, at the exemplar's own size
    photo: Photo
    window: framing.Window
    notes: tuple[str, ...] = ()
    colour: str = ""  # of `encode_colour`: there is no picture, and nothing of the other groups
    colourable: tuple[str, ...] = ()  # groups that it could have been set for
    seen: Seen | None = None  # of a face that was found
    left_out: tuple[str, ...] = ()  # groups that are parts of faces, where none was found: their styles are zeros


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
    same: dict[str, np.ndarray] = dataclasses.field(default_factory=dict, compare=False)  # see `photo_masks.as_found`
    spent: bool = False  # the photograph is needed for nothing else: what is made of it may take its pixels' place
