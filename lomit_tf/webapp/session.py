"""One person's work on the page: a picture, exemplars, and their translations, each computed once."""

from __future__ import annotations

import dataclasses
import io
import itertools
import re
import threading
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lomit_tf.core import Painting
from lomit_tf.imaging.formats import ImageError
from lomit_tf.imaging.writing import encode, encode_mask
from lomit_tf.photos.translator import Exemplar, Translator
from lomit_tf.webapp.mask_edits import read_layer
from lomit_tf.webapp.photograph import Picture
from lomit_tf.webapp.swatch import Swatch

SIDES = ("input", "exemplar")  # of the page
MAX_EXEMPLARS = 8


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to translate: the groups to take from the exemplars (None: all), and the strength of the change."""

    groups: tuple[str, ...] | None = None
    strength: float = 1.0


@dataclasses.dataclass(frozen=True)
class ScreenView:
    """Translations for the screen.

    Attributes:
      before: the picture, (h, w, 3) uint8.
      after: for each exemplar, its name and the translation (h, w, 3) uint8.
      seconds: how long they took.
      encoded: how many exemplars had to be encoded for it; the others were kept from before.
      painted: how many passes through the network were needed; 0 where only the strength changed.
      notes: what a person should know.
    """

    before: np.ndarray
    after: tuple[tuple[str, np.ndarray], ...]
    seconds: float
    encoded: int
    painted: int
    notes: tuple[str, ...]


class Session:
    """A picture, up to MAX_EXEMPLARS exemplars, pictures and colours, and what was computed of them.

    Safe to use from several threads.
    """

    def __init__(self, translator: Translator) -> None:
        self.translator = translator
        self.input: Picture | None = None
        self.exemplars: list[Picture | Swatch] = []
        self.chosen = 0
        self.lock = threading.RLock()
        self._encoded: dict[int, tuple[int, Exemplar]] = {}  # of a Picture's id, with its version
        self._numbers = itertools.count(1)
        self._shown: dict[tuple[str, int, str], int] = {}  # (side, a Picture's id, group): the last number it was given
        # What the network painted of a Picture's id, with what it depends on.
        self._painted: dict[int, tuple[object, Sequence[Painting]]] = {}

    @property
    def exemplar(self) -> Picture | Swatch | None:
        """The exemplar that is chosen."""
        return self.exemplars[self.chosen] if self.exemplars else None

    def picture(self, which: str) -> Picture | Swatch | None:
        """The picture of a side of the page: "input" or "exemplar"."""
        return self.input if which == "input" else self.exemplar

    def open(self, which: str, path: str, name: str, *, add: bool = False) -> Picture:
        """Take a file as the input, or as the exemplar; with `add`, as one exemplar more, which is then chosen.

        Raises ImageError and CorruptImageError, naming the picture; what was there before stays.
        """
        if which == "exemplar" and add:
            self._check_room(name)
        picture = Picture(self.translator, path, name, exemplar=which == "exemplar")
        with self.lock:
            if which == "input":
                self.input = picture
                self._painted.clear()
                self._forget()
            else:
                self._take(picture, add)
        return picture

    def open_colour(self, colour: str, group: str = "") -> Swatch:
        """Take a colour as one exemplar more, which is then chosen; for a group, see `Swatch`.

        Raises ImageError for one that cannot be read, where there is no room, and where no group takes colours.
        """
        self._check_room(colour)
        swatch = Swatch(self.translator, colour, group)
        with self.lock:
            self._take(swatch, True)
        return swatch

    def _check_room(self, name: str) -> None:
        if len(self.exemplars) >= MAX_EXEMPLARS:
            raise ImageError(f"{name}: there are {MAX_EXEMPLARS} exemplars already; remove one first")

    def _take(self, exemplar: Picture | Swatch, add: bool) -> None:
        self.exemplars = [*self.exemplars, exemplar] if add else [exemplar]
        self.chosen = len(self.exemplars) - 1
        self._forget()

    def choose(self, index: int) -> bool:
        """Choose an exemplar by its place; False where that changes nothing: it is not there, or chosen already."""
        with self.lock:
            if not 0 <= index < len(self.exemplars) or index == self.chosen:
                return False
            self.chosen = index
            return True

    def choose_face(self, index: int) -> bool:
        """Frame the input by another of its faces, by its place; False where that changes nothing."""
        with self.lock:
            picture = self.input
            if picture is None or not 0 <= index < len(picture.faces) or index == picture.face:
                return False
            self.input = picture.by_face(self.translator, index)
            self._painted.clear()
            self._forget()
            return True

    def remove_chosen(self) -> bool:
        """Remove the chosen exemplar and choose the one before it; False where it is the only one, which stays."""
        with self.lock:
            if len(self.exemplars) < 2:
                return False
            self.exemplars = self.exemplars[: self.chosen] + self.exemplars[self.chosen + 1 :]
            self.chosen = max(0, self.chosen - 1)
            self._forget()
            return True

    def keep_chosen(self) -> None:
        """Remove all exemplars but the chosen one."""
        with self.lock:
            self.exemplars, self.chosen = self.exemplars[self.chosen :][:1], 0
            self._forget()

    def for_browser(self, which: str, group: str) -> dict[str, Any] | None:
        """What a brush of the page shows, see `Picture.for_browser`, with a number that `paint` asks for; None where
        there is no picture."""
        with self.lock:
            picture = self.picture(which)
            if picture is None:
                return None
            number = next(self._numbers)
            self._shown[which, id(picture), group] = number
            return {"id": number, **picture.for_browser(group)}

    def paint(self, which: str, number: int, url: str) -> bool:
        """Take a layer that the browser painted, for the picture and group that the brush showed then.

        A person may have painted while the page was already on its way to another group or exemplar.

        Args:
          which: the side of the page.
          number: what the brush was given with what it shows.
          url: the layer, see `mask_edits.read_layer`.

        Returns:
          False where that picture is gone, or its mask was shown anew since then; the layer is dropped.

        Raises LayerError for what is no layer of the picture.
        """
        with self.lock:
            for picture in [self.input] if which == "input" else self.exemplars:
                for group in self.translator.groups:
                    if picture is not None and self._shown.get((which, id(picture), group)) == number:
                        picture.paint(group, read_layer(url, picture.size))
                        return True
            return False

    def show(self, settings: Settings) -> ScreenView | None:
        """The translations after every exemplar, for the screen; None as long as a picture or exemplar is missing.

        Raises ImageError for settings that cannot be used.
        """
        with self.lock:
            if self.input is None or not self.exemplars:
                return None
            start = time.perf_counter()
            kept = [self._encoded.get(id(p), (None,))[0] == p.version for p in self.exemplars]
            screen = self.input.screen
            masks = self.input.masks(full=False)
            requests = [
                self.translator.request(screen, masks, settings.groups, settings.strength, exemplar=self._exemplar(p))
                for p in self.exemplars
            ]
            keys = [(self.input.version, p.version, settings.groups) for p in self.exemplars]
            missing = [
                n for n, (p, key) in enumerate(zip(self.exemplars, keys, strict=True))
                if self._painted.get(id(p), (None,))[0] != key
            ]  # fmt: skip
            painted = self.translator.paint([requests[n] for n in missing])
            for n, one in zip(missing, painted, strict=True):
                self._painted[id(self.exemplars[n])] = keys[n], one
            results = [
                self.translator.composite(r, self._painted[id(p)][1])
                for r, p in zip(requests, self.exemplars, strict=True)
            ]
            notes = dict.fromkeys(note.removeprefix("exemplar: ") for result in results for note in result.notes)
            for p in self.exemplars:
                if isinstance(p, Swatch) and settings.groups is not None and p.group not in settings.groups:
                    notes[f"{p.name} is a colour of {p.group}, which is not taken"] = None
            return ScreenView(
                screen.photo.rgb,
                tuple((p.name, r.photo.rgb) for p, r in zip(self.exemplars, results, strict=True)),
                time.perf_counter() - start,
                kept.count(False),
                len(missing),
                tuple(notes),
            )

    def save(self, settings: Settings, folder: Path) -> tuple[Path, Path]:
        """Write the translation after the chosen exemplar at full size, and the masks of both, into a folder.

        A colour has no masks: after one, the input's are all.

        Returns:
          The picture as PNG, in the photograph's own depth, and a ZIP of grey PNGs, one for each mask, named as
          `lomit-translate --save_masks` names them.

        Raises:
          ImageError: a picture or exemplar is missing, or settings that cannot be used. OSError: it cannot be written.
        """
        with self.lock:
            if self.input is None or self.exemplar is None or self.show(settings) is None:
                raise ImageError("open a picture and an exemplar first")
            request = self.translator.request(
                self.input.full, self.input.masks(full=True), settings.groups, settings.strength,
                exemplar=self._exemplar(self.exemplar),
            )  # fmt: skip
            result = self.translator.composite(request, self._painted[id(self.exemplar)][1])
            exemplar_masks = self.exemplar.found  # none of a colour
            if isinstance(self.exemplar, Picture) and (edited := self.exemplar.masks(full=True)):
                # the other groups share what is left
                exemplar_masks = self.translator.encode_exemplar(self.exemplar.full, edited).masks
        name = f"{plain(self.input.name)}_as_{plain(self.exemplar.name)}.png"
        folder.mkdir(parents=True, exist_ok=True)
        picture, archive = folder / name, folder / f"{name}.masks.zip"
        picture.write_bytes(encode(result.photo))
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as file:
            for kind, masks in (("input_mask", result.input_masks), ("exemplar_mask", exemplar_masks)):
                for group, mask in masks.items():
                    file.writestr(f"{name}.{kind}.{group}.png", encode_mask(mask))
        archive.write_bytes(packed.getvalue())
        return picture, archive

    def _forget(self) -> None:
        """Drop what was kept of pictures that are gone: their ids may come back."""
        present = {id(picture) for picture in self.exemplars}
        for known in (self._encoded, self._painted):
            for gone in known.keys() - present:
                del known[gone]  # type: ignore[attr-defined]
        present.add(id(self.input))
        self._shown = {key: number for key, number in self._shown.items() if key[1] in present}

    def _exemplar(self, picture: Picture | Swatch) -> Exemplar:
        """The exemplar's styles, encoded anew only after its masks changed."""
        version, exemplar = self._encoded.get(id(picture), (None, None))
        if exemplar is None or version != picture.version:
            exemplar = picture.encoded(self.translator)
            self._encoded[id(picture)] = picture.version, exemplar
        return exemplar


def plain(name: str) -> str:
    """A picture's name without its ending and without what file systems dislike; at most 60 characters."""
    stem = re.sub(r"[^\w.-]+", "_", Path(name).stem).strip("._")
    return stem[:60] or "picture"
