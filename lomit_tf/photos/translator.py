"""Translate photographs: `Translator`, around a trained model.

    translator = Translator("celeba_hair")
    translator.set_exemplar("star.jpg")
    result = translator.translate("photo.jpg")
    result.image.save("out.png")

The part of the photograph that the model is to see is cropped and brought to the model's size (imaging/framing.py and
data/preprocess.py); what the model changes is brought back to full size and added to the photograph
(imaging/paste_back.py). Everything else of the photograph stays as it was, to the bit.
"""

from __future__ import annotations

import collections
import dataclasses
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from absl import logging

import lomit_tf
from lomit_tf import zoo
from lomit_tf.imaging import framing
from lomit_tf.imaging.formats import ImageError
from lomit_tf.imaging.given_masks import MasksLike
from lomit_tf.imaging.photo import ImageLike, read
from lomit_tf.imaging.writing import given_back
from lomit_tf.inference import Inference, PaintedArrays
from lomit_tf.model import Lomit
from lomit_tf.photos import pasting
from lomit_tf.photos.swatches import chosen_groups, swatch_exemplar
from lomit_tf.photos.translation import CheckedRequest, Exemplar, FramedPhoto, NoExemplarError, Request, Result
from lomit_tf.runtime.forks import check_fork

__all__ = ["Exemplar", "NoExemplarError", "FramedPhoto", "Request", "Result", "Translator"]

FACE_DATASETS = ("celeb_a", "labelled_folder")  # whose models may know faces in CelebA's framing
KEPT_EXEMPLARS = 16


class Translator:
    """Translates photographs after exemplars, with one model.

    Safe to use from several threads, apart from `set_exemplar`: with several exemplars at once, keep what
    `encode_exemplar` gives and pass it to `translate`. Workers in other processes must be started with "spawn" (a
    forked one raises ForkedError); a Translator made by name can be pickled for them, with settings and exemplar.

    Args:
      model_or_name: a Lomit; or what `lomit_tf.load` takes: the name of shipped weights, a workdir, a checkpoint.
      crop: which part of a photograph the model sees, where a call does not say: "face", "center", "none", "x,y,w,h".
      log_notes: also log notes as warnings.

    Raises:
      ConfigError: there is no such model.
      ImageError: a crop that cannot be read.
    """

    def __init__(
        self, model_or_name: Lomit | str | os.PathLike[str], *, crop: Any = "face", log_notes: bool = True
    ) -> None:
        framing.parse_crop(crop)
        by_name = isinstance(model_or_name, (str, os.PathLike))
        self._name = zoo.lasting_name(model_or_name) if by_name else None  # type: ignore[arg-type]
        model = lomit_tf.load(model_or_name) if by_name else model_or_name
        self.inference = Inference(model)
        self.crop, self.log_notes = crop, log_notes
        self._exemplar: Exemplar | None = None
        self._of_files: collections.OrderedDict[Any, Exemplar] = collections.OrderedDict()
        self._colour = model.inference_generator.colour_groups
        data = model.config.data
        self._faces = data.dataset in FACE_DATASETS
        cropped = data.dataset == "celeb_a" and 0 < data.crop < framing.CELEBA_CROP
        self._zoom = data.crop / framing.CELEBA_CROP if cropped else 1.0

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by the model's name: whoever unpickles it loads the model anew.

        Raises TypeError for a translator that was made from a Lomit: there is nothing to load it from.
        """
        if self._name is None:
            raise TypeError(
                "this Translator was made from a Lomit object and cannot be pickled; make it from a name or a path, "
                'Translator("drawn_faces"), or save the model with zoo.save_folder and make it from that folder'
            )
        return _again, (self._name, self.crop, self.log_notes, self._exemplar)

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the attribute groups, in the order of the model's mask channels."""
        return self.inference.model.group_names

    @property
    def colour_groups(self) -> tuple[str, ...]:
        """Names of the groups that are painted by colour curves: those that `encode_colour` takes."""
        return tuple(self.groups[g] for g in self._colour)

    @property
    def knows_faces(self) -> bool:
        """Whether the model was trained on photographs of faces, so that crop="face" looks for one."""
        return self._faces

    @property
    def size(self) -> int:
        """Side of the model's images, in pixels."""
        return self.inference.size

    @property
    def exemplar(self) -> Exemplar | None:
        """The exemplar of the last `set_exemplar`."""
        return self._exemplar

    def prepare(
        self, image: ImageLike | FramedPhoto, *, crop: Any = None, name: str = "", face: int | str = "largest"
    ) -> FramedPhoto:
        """Read and frame a photograph once, to use it several times.

        Args:
          face: with crop="face" which one: "largest", "all", or a number from 1 on, counted from the left.

        Raises:
          CorruptImageError: it cannot be read. ImageError: it cannot be used, or the crop or face does not fit.
        """
        if isinstance(image, FramedPhoto):
            return image
        check_fork()
        photo = read(image, name)
        crop = self.crop if crop is None else crop
        windows, notes = framing.choose(photo.rgb, crop, faces=self._faces, zoom=self._zoom, face=face)
        self._log(photo.name, notes)
        prepared = [FramedPhoto(photo, window, self.size, photo.notes + notes) for window in windows]
        prepared[0].others = tuple(prepared[1:])
        return prepared[0]

    def faces(self, image: ImageLike | FramedPhoto) -> tuple[framing.Window, ...]:
        """The windows of all faces in a photograph, as `face` counts them; none for a model that knows no faces."""
        photo = image.photo if isinstance(image, FramedPhoto) else read(image)
        return framing.all_faces(photo.rgb, self._zoom) if self._faces else ()

    def masks(
        self, image: ImageLike | FramedPhoto, *, crop: Any = None, face: int | str = "largest"
    ) -> dict[str, np.ndarray]:
        """Where each group lies: {group: (H, W) float32 in 0..1}, at the photograph's own size, 0 outside the crop.

        These may be edited and given to `translate` or `set_exemplar`. Arguments and errors as of `prepare`.
        """
        prepared = self.prepare(image, crop=crop, face=face)
        self._find_masks([prepared, *prepared.others])
        return prepared.full_masks({}, self.groups)

    def set_exemplar(self, image: ImageLike | FramedPhoto, mask: MasksLike = None, *, crop: Any = None) -> Exemplar:
        """Take, from now on, the style of this exemplar; it is encoded once, here. See `encode_exemplar`."""
        self._exemplar = self.encode_exemplar(image, mask, crop=crop)
        return self._exemplar

    def encode_exemplar(self, image: ImageLike | FramedPhoto, mask: MasksLike = None, *, crop: Any = None) -> Exemplar:
        """The styles of an exemplar's regions.

        Args:
          image: the exemplar.
          mask: what to take of it, as of `translate`; the network's own masks by default.
          crop: the part that the model sees; the translator's by default.
        """
        prepared = self.prepare(image, crop=crop)
        given, notes = self._given(prepared, mask, "exemplar mask")
        if len(given) < len(self.groups):
            self._find_masks([prepared])
        network = prepared.network_masks(given, self.groups)
        styles = self.inference.styles(prepared.pixels[None], network[None])[0]
        notes = tuple(f"exemplar: {note}" for note in prepared.notes + notes)
        return Exemplar(styles, prepared.full_masks(given, self.groups), prepared.photo, prepared.window, notes)

    def set_colour(self, colour: str, groups: Sequence[str] | str | None = None) -> Exemplar:
        """Give, from now on, this colour instead of an exemplar's style. See `encode_colour`."""
        self._exemplar = self.encode_colour(colour, groups)
        return self._exemplar

    def encode_colour(self, colour: str, groups: Sequence[str] | str | None = None) -> Exemplar:
        """The style of a colour that a person names, as an exemplar.

        Args:
          colour: "#8a3b12", "rgb(138, 59, 18)" or a name of CSS.
          groups: which groups get it; the model's first colour group by default.

        Raises:
          ImageError: a colour that cannot be read; a group that is painted freely, or a model of such groups only.
        """
        return swatch_exemplar(self.inference.model, colour, groups)

    def exemplar_of_file(self, path: str | os.PathLike[str], mask: MasksLike = None, *, crop: Any = None) -> Exemplar:
        """`encode_exemplar` of a file and mask files, remembered (the last KEPT_EXEMPLARS) until a file changes."""
        files = {"": path} | (dict(mask) if isinstance(mask, Mapping) else {"mask": mask} if mask else {})
        states = tuple((group, str(f), os.stat(f)[6:9] if os.path.exists(f) else None) for group, f in files.items())
        key = (states, str(crop))
        found = self._of_files.get(key) or self.encode_exemplar(path, mask, crop=crop)
        self._of_files[key] = found
        while len(self._of_files) > KEPT_EXEMPLARS:
            self._of_files.popitem(last=False)
        return found

    def translate(
        self,
        image: ImageLike | FramedPhoto,
        mask: MasksLike = None,
        groups: Sequence[str] | str | None = None,
        strength: float = 1.0,
        keep_background: bool = True,
        *,
        crop: Any = None,
        face: int | str = "largest",
        exemplar: Exemplar | None = None,
    ) -> Result:
        """Translate one photograph.

        Args:
          image: a path, encoded bytes, a Pillow image, an array ((H, W), (H, W, 3) or (H, W, 4); uint8, uint16, or
            floats in 0..1), or what `prepare` gave.
          mask: where to change it, instead of the network's masks: (H, W) in 0..1 at the photograph's own size (an
            array, a Pillow image, a path), or {group: mask}. Groups that are not named share what is left.
          groups: which groups to take from the exemplar; all by default.
          strength: how much of the change to make: 0 leaves the photograph as it is, more than 1 exaggerates.
          keep_background: False gives what the network itself paints, also outside of the masks.
          crop: which part the model sees; the translator's by default.
          face: with crop="face" which one: "largest"; a number from 1 on, counted from the left; or "all", one after
            the other, each in its own window.
          exemplar: what `encode_exemplar` gave, instead of the exemplar of `set_exemplar`.

        Raises:
          NoExemplarError: no exemplar was given or set.
          CorruptImageError: the image cannot be read.
          ImageError: image, mask, groups, strength or crop cannot be used. Both are ValueErrors.
        """
        return self.translate_batch([Request(image, exemplar, mask, groups, strength, keep_background, crop, face)])[0]

    def translate_many(
        self,
        images: Iterable[ImageLike | FramedPhoto],
        masks: Sequence[MasksLike] | None = None,
        groups: Sequence[str] | str | None = None,
        strength: float = 1.0,
        keep_background: bool = True,
        *,
        crop: Any = None,
        face: int | str = "largest",
        exemplar: Exemplar | Sequence[Exemplar] | None = None,
    ) -> list[Result]:
        """Translate several photographs, of any sizes, in one pass of the network.

        Args as of `translate`; `masks` has one entry (or None) for each image, and so may `exemplar`.
        """
        images = list(images)
        edits = [None] * len(images) if masks is None else list(masks)
        exemplars = [exemplar] * len(images) if exemplar is None or isinstance(exemplar, Exemplar) else list(exemplar)
        for name, given in (("masks", edits), ("exemplars", exemplars)):
            if len(given) != len(images):
                raise ImageError(f"{len(images)} images need as many {name}; received {len(given)}")
        return self.translate_batch(
            [
                Request(image, chosen, mask, groups, strength, keep_background, crop, face)
                for image, mask, chosen in zip(images, edits, exemplars, strict=True)
            ]
        )

    def translate_batch(self, requests: Sequence[Request]) -> list[Result]:
        """Translate requests that may differ in everything, in one pass of the network. Errors as of `translate`."""
        ready = [self.check(request) for request in requests]
        return [self.composite(r, painted) for r, painted in zip(ready, self.paint(ready), strict=True)]

    # The three steps of a translation, for those who want to do the first and the last in threads.

    def check(self, request: Request) -> CheckedRequest:
        """Read, frame and check everything of a request; errors as of `translate`."""
        exemplar = request.exemplar or self._exemplar
        if exemplar is None:
            raise NoExemplarError("there is no exemplar yet: call set_exemplar(image) before translate(image)")
        self.check_settings(request.groups, request.strength)
        transfer = chosen_groups(self.groups, request.groups)
        notes_of_groups: tuple[str, ...] = ()
        for i, group in enumerate(self.groups):
            if transfer[i] and not exemplar.styles[i].any():  # as core.without_empty leaves it
                transfer[i] = 0
                if not exemplar.colour:
                    notes_of_groups += (f"the exemplar's mask of {group} is empty: nothing of it is transferred",)
        prepared = self.prepare(request.image, crop=request.crop, face=request.face)
        given, notes = self._given(prepared, request.mask, "input mask")
        notes = prepared.notes + notes + exemplar.notes + notes_of_groups
        return CheckedRequest(prepared, exemplar, given, transfer, request, notes)

    def check_settings(self, groups: Sequence[str] | str | None, strength: float, *crops: Any) -> None:
        """Raise ImageError for groups that the model has not, a negative strength, or crops that cannot be read."""
        if not (isinstance(strength, (int, float, np.number)) and math.isfinite(strength) and strength >= 0):
            raise ImageError(f"strength must be a number of at least 0; received {strength!r}")
        chosen_groups(self.groups, groups)
        for crop in crops:
            framing.parse_crop(crop)

    def paint(self, ready: Sequence[CheckedRequest]) -> list[PaintedArrays]:
        """What the painters make of checked requests, in one pass of the network; one for each."""
        if not ready:
            return []
        # Every face is a picture of its own to the network.
        each = [(r, one) for r in ready for one in (r.prepared, *r.prepared.others)]
        images = np.stack([one.pixels for _, one in each])
        styles = np.stack([r.exemplar.styles for r, _ in each])
        transfer = np.stack([r.transfer for r, _ in each])
        if any(r.given or one.own_masks is not None for r, one in each):
            self._find_masks([one for r, one in each if len(r.given) < len(self.groups)])
            network = np.stack([one.network_masks(r.given, self.groups) for r, one in each])
            painted = self.inference.paint(images, network, styles, transfer)
        else:
            painted = self.inference.translate(images, styles, transfer)
            for (_, one), found in zip(each, painted.masks, strict=True):
                one.own_masks = found
        parts = iter([painted.one(i) for i in range(len(each))])
        return [dataclasses.replace(next(parts), others=tuple(next(parts) for _ in r.prepared.others)) for r in ready]

    def composite(self, ready: CheckedRequest, painted: PaintedArrays) -> Result:
        """Bring what was painted back to the photograph's size: the changes, within the masks."""
        photo, masks = pasting.paste(ready, painted, self.inference.model)
        return Result(given_back(photo), masks, ready.exemplar.masks, photo, ready.notes)

    def _given(
        self, prepared: FramedPhoto, mask: MasksLike, what: str
    ) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
        """Masks that a person gave, and notes about them."""
        given, notes = prepared.given_masks(mask, self.groups, what)
        self._log(prepared.photo.name, notes)
        return given, notes

    def _find_masks(self, prepared: Sequence[FramedPhoto]) -> None:
        """Let the network find the masks of those that lack them."""
        lacking = [p for p in prepared if p.own_masks is None]
        if lacking:
            for p, found in zip(lacking, self.inference.masks(np.stack([p.pixels for p in lacking])), strict=True):
                p.own_masks = found

    def _log(self, name: str, notes: Iterable[str]) -> None:
        if self.log_notes:
            for note in notes:
                logging.warning("%s: %s", name, note)


def _again(name: str, crop: Any, log_notes: bool, exemplar: Exemplar | None) -> Translator:
    """An unpickled translator."""
    translator = Translator(name, crop=crop, log_notes=log_notes)
    translator._exemplar = exemplar
    return translator
