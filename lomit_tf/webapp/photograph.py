"""A photograph that is worked on: at its own size for the download, smaller for the screen, with painted masks."""

from __future__ import annotations

import numpy as np

from lomit_tf.imaging.framing import LEAST_SIDE, cut
from lomit_tf.imaging.photo import Photo
from lomit_tf.photos.translator import Exemplar, FramedPhoto, Translator
from lomit_tf.webapp import mask_edits
from lomit_tf.webapp.mask_edits import resized

SCREEN_SIDE = 1024  # results on the screen are at most this large; the download has the photograph's own size
EDITOR_SIDE = 512  # of the picture that is painted on


class Picture:
    """An input or an exemplar, read once, with what a person made of its masks.

    Attributes:
      name: what to call it in messages and downloads.
      full: the photograph as it was given.
      screen: the same, framed the same, of a smaller copy; `full` itself where that is small enough.
      found: {group: (H, W)}, the masks that the model found, at full size.
      size: height and width at which it is painted on.
      faces: the windows of its faces that are large enough, from left to right; empty where there are not several.
      face: which of them it is framed by; -1 where there are not several.
      version: counts up whenever a mask changes.
    """

    def __init__(self, translator: Translator, image: str | FramedPhoto, name: str, *, exemplar: bool = False) -> None:
        """Read a file, or take what `prepare` gave, and find its masks: of an exemplar, those that are taken.

        Raises:
          CorruptImageError: it cannot be read. ImageError: it cannot be used.
        """
        self.name = name
        self.full = translator.prepare(image, name=name)
        found = translator.faces(self.full) if translator.crop == "face" else ()
        large = tuple(window for window in found if window.width >= LEAST_SIDE)
        self.faces = large if len(large) > 1 else ()
        self.face = self.faces.index(self.full.window) if self.full.window in self.faces else -1
        self.found = translator.masks(self.full, exemplar=exemplar)
        self.screen = screen_copy(self.full, translator.size)
        self.size = mask_edits.editor_size(self.full.photo.size, EDITOR_SIDE)
        self.version = 0
        self._found = {group: mask_edits.layer_of(mask, self.size) for group, mask in self.found.items()}
        self.layers = dict(self._found)

    def by_face(self, translator: Translator, face: int) -> Picture:
        """The same photograph, framed by another of its faces, with the masks that the model finds there."""
        photo = self.full.photo
        overlapping = translator.overlapping_groups
        small = translator.small_groups
        framed = FramedPhoto(photo, self.faces[face], translator.size, photo.notes, overlapping, small)
        return Picture(translator, framed, self.name)

    @property
    def rgb(self) -> np.ndarray:
        """The picture for looking at, (h, w, 3) uint8."""
        return self.screen.photo.rgb

    def encoded(self, translator: Translator) -> Exemplar:
        """Its styles as an exemplar, with the masks as they are now."""
        return translator.encode_exemplar(self.screen, self.masks(full=False))

    def for_browser(self, group: str) -> dict[str, str]:
        """What the browser paints on, as data: URLs: the picture, the group's mask, and the mask that was found."""
        return {
            "picture": mask_edits.picture_url(resized(self.rgb, self.size)),
            "mask": mask_edits.layer_url(self.layers[group]),
            "found": mask_edits.layer_url(self._found[group]),
        }

    def paint(self, group: str, layer: np.ndarray) -> bool:
        """Take a layer (h, w) uint8 as the group's mask; whether it differs from the one before."""
        if np.array_equal(layer, self.layers[group]):
            return False
        self.layers[group] = layer
        self.version += 1
        return True

    def masks(self, *, full: bool) -> dict[str, np.ndarray] | None:
        """The masks of groups that were painted, for the photograph or its screen copy; None where none was."""
        size = (self.full if full else self.screen).photo.size
        painted = {
            group: mask_edits.applied(layer, self._found[group], resized(self.found[group], size))
            for group, layer in self.layers.items()
            if mask_edits.touched_of(layer, self._found[group]).any()
        }
        return painted or None


def screen_copy(framed: FramedPhoto, model_size: int, side: int = SCREEN_SIDE) -> FramedPhoto:
    """The same, framed the same, of a smaller copy of the photograph; itself where it is small enough.

    What the model sees and finds is taken over, so that both lead to the same translation.
    """
    height, width = framed.photo.size
    if max(height, width) <= side:
        return framed
    size = mask_edits.editor_size((height, width), side)
    down, across = size[0] / height, size[1] / width
    small = framed.window.scaled(across, down)
    photo = Photo(resized(framed.photo.rgb, size), name=framed.photo.name)
    copy = FramedPhoto(photo, small, model_size, framed.notes, framed.overlapping, framed.small)
    copy.pixels, copy.own_masks, copy.faceless = framed.pixels, framed.own_masks, framed.faceless
    return copy


def face_thumbnails(picture: Picture, side: int) -> list[dict[str, str]]:
    """The faces of a picture as entries of a strip."""
    rgb = picture.full.photo.rgb
    return [
        {"url": thumbnail(cut(rgb, window), side), "name": f"Face {n}"} for n, window in enumerate(picture.faces, 1)
    ]


def thumbnail(rgb: np.ndarray, side: int) -> str:
    """A picture (h, w, 3) uint8, at most `side` large, in a data: URL."""
    size = rgb.shape[0], rgb.shape[1]
    return mask_edits.picture_url(resized(rgb, mask_edits.editor_size(size, min(side, max(size)))))
