"""Translate photographs: `Translator`, around a trained model.

translator = Translator("celeba_hair")
translator.set_exemplar("star.jpg")
result = translator.translate("photo.jpg")
result.image.save("out.png")
"""

from __future__ import annotations

import collections
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lomit_tf import zoo
from lomit_tf.engines import choice
from lomit_tf.imaging import framing
from lomit_tf.imaging.formats import ImageError
from lomit_tf.imaging.given_masks import MasksLike
from lomit_tf.imaging.photo import ImageLike
from lomit_tf.photos.steps import FACE_DATASETS, Steps
from lomit_tf.photos.translation import Exemplar, FramedPhoto, NoExemplarError, Request, Result

if TYPE_CHECKING:
    from lomit_tf.model import Lomit

__all__ = ["FACE_DATASETS", "Exemplar", "NoExemplarError", "FramedPhoto", "Request", "Result", "Translator"]

KEPT_EXEMPLARS = 16


class Translator(Steps):
    """Translates photographs after exemplars, with one model.

    Safe to use from several threads, apart from `set_exemplar`: with several exemplars at once, keep what
    `encode_exemplar` gives and pass it to `translate`. Workers in other processes must be started with "spawn" (a
    forked one raises ForkedError); a Translator made by name can be pickled for them, with settings and exemplar.

    Args:
      model_or_name: a Lomit; or what `lomit_tf.load` takes: the name of shipped weights, a workdir, a checkpoint.
      crop: which part of a photograph the model sees, where a call does not say: "face", "center", "none",
        "x,y,width,height".
      log_notes: also log notes as warnings.
      engine: what computes the networks: "litert" starts at once, and takes shipped models; "tensorflow" takes any;
        "auto" is litert wherever it can be. Pictures are the same within 1 of 255.

    Raises:
      ConfigError: there is no such model, or litert cannot run it.
      ImageError: a crop that cannot be read.
    """

    def __init__(
        self, model_or_name: Lomit | str | os.PathLike[str], *, crop: Any = "face", log_notes: bool = True,
        engine: str = "auto",
    ) -> None:  # fmt: skip
        framing.parse_crop(crop)
        named = isinstance(model_or_name, (str, os.PathLike))
        self._name = zoo.lasting_name(model_or_name) if named else None
        self.engine = engine
        super().__init__(choice.networks_of(model_or_name, engine), crop=crop, log_notes=log_notes)
        self._exemplar: Exemplar | None = None
        self._of_files: collections.OrderedDict[Any, Exemplar] = collections.OrderedDict()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled by the model's name: whoever unpickles it loads the model anew.

        Raises TypeError for a translator that was made from a Lomit: there is nothing to load it from.
        """
        if self._name is None:
            raise TypeError(
                "this Translator was made from a Lomit object and cannot be pickled; make it from a name or a path, "
                'Translator("drawn_faces"), or save the model with zoo.save_folder and make it from that folder'
            )
        return _again, (self._name, self.crop, self.log_notes, self._exemplar, self.engine)

    @property
    def exemplar(self) -> Exemplar | None:
        """The exemplar of the last `set_exemplar`."""
        return self._exemplar

    def set_exemplar(self, image: ImageLike | FramedPhoto, mask: MasksLike = None, *, crop: Any = None) -> Exemplar:
        """Take, from now on, the style of this exemplar; it is encoded once, here. See `encode_exemplar`."""
        self._exemplar = self.encode_exemplar(image, mask, crop=crop)
        return self._exemplar

    def set_colour(self, colour: str, groups: Sequence[str] | str | None = None) -> Exemplar:
        """Give, from now on, this colour instead of an exemplar's style. See `encode_colour`."""
        self._exemplar = self.encode_colour(colour, groups)
        return self._exemplar

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
          strength: how much of the change to make: 0 leaves the photograph as it is, more than 1, up to 2, exaggerates.
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
        asked = self.request(image, mask, groups, strength, keep_background, crop=crop, face=face, exemplar=exemplar)
        return self.translate_batch([asked])[0]

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
                self.request(image, mask, groups, strength, keep_background, crop=crop, face=face, exemplar=chosen)
                for image, mask, chosen in zip(images, edits, exemplars, strict=True)
            ]
        )

    def translate_batch(self, requests: Sequence[Request]) -> list[Result]:
        """Translate what `request` made, each in its own way, in one pass of the network."""
        painted = self.paint(requests)
        return [self.composite(request, of) for request, of in zip(requests, painted, strict=True)]

    def request(
        self, image: ImageLike | FramedPhoto, *args: Any, exemplar: Exemplar | None = None, **more: Any
    ) -> Request:
        """A translation, read and checked, for `translate_batch`. Arguments and errors as of `translate`."""
        if (exemplar := exemplar or self._exemplar) is None:
            raise NoExemplarError("there is no exemplar yet: call set_exemplar(image) before translate(image)")
        return super().request(image, *args, exemplar=exemplar, **more)


def _again(name: str, crop: Any, log_notes: bool, exemplar: Exemplar | None, engine: str = "auto") -> Translator:
    """An unpickled translator."""
    translator = Translator(name, crop=crop, log_notes=log_notes, engine=engine)
    translator._exemplar = exemplar
    return translator
