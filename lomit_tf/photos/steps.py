"""The steps of a translation around a trained model: frame, find masks, encode exemplars, paint, compose.

The part of the photograph that the model is to see is cropped and brought to the model's size (imaging/framing.py and
data/preprocess.py); what the model changes is brought back to full size and added to the photograph
(imaging/paste_back.py). Everything else of the photograph stays as it was, to the bit.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from absl import logging

from lomit_tf.engines.outline import Networks, Painting
from lomit_tf.imaging import framing
from lomit_tf.imaging.formats import ImageError
from lomit_tf.imaging.found_masks import found
from lomit_tf.imaging.given_masks import MasksLike
from lomit_tf.imaging.photo import ImageLike, read
from lomit_tf.photos import changeable, exemplar_styles, pasting, photo_masks, second_look
from lomit_tf.photos.file_plan import MOST_STRENGTH
from lomit_tf.photos.swatches import chosen_groups, swatch_exemplar
from lomit_tf.photos.translation import Exemplar, FramedPhoto, Request, Result
from lomit_tf.runtime.forks import check_fork

FACE_DATASETS = ("celeb_a", "labelled_folder")  # whose models may know faces in CelebA's framing

NOT_ASKED = "{} is not among the groups to change"


class Steps:
    """What `Translator` does, step by step and without an exemplar of its own. Safe to use from several threads.

    Args:
      networks: of the model.
      crop, log_notes: as of `Translator`.
    """

    def __init__(self, networks: Networks, *, crop: Any = "face", log_notes: bool = True) -> None:
        self.inference = networks
        self.crop, self.log_notes = crop, log_notes
        outline = networks.outline
        self._faces = outline.dataset in FACE_DATASETS
        cropped = outline.dataset == "celeb_a" and 0 < outline.crop < framing.CELEBA_CROP
        self._zoom = outline.crop / framing.CELEBA_CROP if cropped else 1.0

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the attribute groups, in the order of the model's mask channels."""
        return self.inference.outline.groups

    @property
    def colour_groups(self) -> tuple[str, ...]:
        """Names of the groups that are painted by colour curves: those that `encode_colour` takes."""
        return tuple(self.groups[g] for g in self.inference.outline.coloured)

    @property
    def overlapping_groups(self) -> tuple[str, ...]:
        """Names of the groups that are painted from near: their masks may lie on those of others."""
        return tuple(self.groups[g] for g in self.inference.outline.overlapping)

    @property
    def small_groups(self) -> tuple[str, ...]:
        """Names of the groups whose regions are small, as lips are: their masks are not continued beyond the crop."""
        return tuple(self.groups[g] for g in self.inference.outline.small)

    @property
    def parts_of_faces(self) -> tuple[str, ...]:
        """Names of the groups that only a face has, such as lips: without one, what is taken for them is anything."""
        of = self.inference.outline
        return tuple(self.groups[g] for g in sorted({*of.overlapping, *of.small})) if self._faces else ()

    @property
    def knows_faces(self) -> bool:
        """Whether the model was trained on photographs of faces, so that crop="face" looks for one."""
        return self._faces

    @property
    def size(self) -> int:
        """Side of the model's images, in pixels."""
        return self.inference.outline.size

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
        names, small = self.overlapping_groups, self.small_groups
        framed = [FramedPhoto(photo, window, self.size, photo.notes + notes, names, small) for window in windows]
        framed[0].others = tuple(framed[1:])
        framed[0].faceless = self._faces and framing.parse_crop(crop)[0] == "face" and not windows[0].of_face
        return framed[0]

    def faces(self, image: ImageLike | FramedPhoto) -> tuple[framing.Window, ...]:
        """The windows of all faces in a photograph, as `face` counts them; none for a model that knows no faces."""
        photo = image.photo if isinstance(image, FramedPhoto) else read(image)
        return framing.all_faces(photo.rgb, self._zoom) if self._faces else ()

    def masks(
        self,
        image: ImageLike | FramedPhoto,
        *,
        crop: Any = None,
        face: int | str = "largest",
        exemplar: bool = False,
    ) -> dict[str, np.ndarray]:
        """Where each group lies: {group: (H, W) float32 in 0..1}, at the photograph's own size.

        These may be edited and given to `translate` or `set_exemplar`. Groups that are painted by colour curves go on
        beyond the crop, as far as a translation changes them; small ones, as lips, and those that are painted freely
        are 0 there.

        Args:
          image, crop, face: as of `prepare`, which also says what it raises.
          exemplar: what is taken of it as an exemplar instead, which is 0 outside of the crop for every group.
        """
        framed = self.prepare(image, crop=crop, face=face)
        self._find_masks(framed.faces)
        return dict(photo_masks.of_photo(framed, {}, self.groups, () if exemplar else self.colour_groups))

    def encode_exemplar(self, image: ImageLike | FramedPhoto, mask: MasksLike = None, *, crop: Any = None) -> Exemplar:
        """The styles of an exemplar's regions.

        Args:
          image: the exemplar.
          mask: what to take of it, as of `translate`; the network's own masks by default.
          crop: the part that the model sees; the translator's by default. Where it is "face" and none is found,
            nothing of `parts_of_faces` is taken but what `mask` names.
        """
        framed = self.prepare(image, crop=crop)
        given, notes = self._given(framed, mask, "exemplar mask")
        if len(given) < len(self.groups):
            self._find_masks([framed])
        network = framed.network_masks(given, self.groups)
        styles, seen = exemplar_styles.encode(self.inference, framed, network)
        left_out = changeable.left_out(framed, given, self.parts_of_faces)
        styles[[self.groups.index(group) for group in left_out]] = 0
        notes = tuple(f"exemplar: {note}" for note in framed.notes + notes)
        masks = dict(photo_masks.of_photo(framed, given, self.groups))
        return Exemplar(styles, masks, framed.photo, framed.window, notes, seen=seen, left_out=left_out)

    def encode_colour(self, colour: str, groups: Sequence[str] | str | None = None) -> Exemplar:
        """The style of a colour that a person names, as an exemplar.

        Args:
          colour: "#8a3b12", "rgb(138, 59, 18)" or a name of CSS.
          groups: which groups get it; the model's first colour group by default.

        Raises:
          ImageError: a colour that cannot be read; a group that is painted freely, or a model of such groups only.
        """
        return swatch_exemplar(self.inference.outline, colour, groups)

    # A translation: `request` and `composite` may run in threads, `paint` takes many requests at once.

    def request(
        self,
        image: ImageLike | FramedPhoto,
        mask: MasksLike = None,
        groups: Sequence[str] | str | None = None,
        strength: float = 1.0,
        keep_background: bool = True,
        *,
        crop: Any = None,
        face: int | str = "largest",
        exemplar: Exemplar,
    ) -> Request:
        """Read, frame and check everything of one translation; arguments and errors as of `Translator.translate`."""
        changeable.check_exemplar(exemplar, self.groups, self.inference.outline.style_size)
        self.check_settings(groups, strength)
        framed = self.prepare(image, crop=crop, face=face)
        wanted = {name for name, one in zip(self.groups, chosen_groups(self.groups, groups), strict=True) if one}
        given, notes = self._given(framed, mask, "input mask", self.colour_groups, wanted)
        transfer, without = changeable.transfer(framed, exemplar, given, self.groups, groups, self.parts_of_faces)
        unused = self._unused_masks(framed, given, groups)
        of_exemplar = tuple(note for note in exemplar.notes if photo_masks.concerns(note, wanted, self.groups))
        notes = framed.notes + notes + unused + of_exemplar + without
        return Request(framed, exemplar, given, transfer, strength, keep_background, notes)

    def check_settings(self, groups: Sequence[str] | str | None, strength: float, *crops: Any) -> None:
        """Raise ImageError for groups that the model has not, a strength out of bounds, or crops that are none."""
        if not (isinstance(strength, (int, float, np.number)) and 0 <= strength <= MOST_STRENGTH):
            raise ImageError(f"strength must be a number from 0 to {MOST_STRENGTH}; received {strength!r}")
        chosen_groups(self.groups, groups)
        for crop in crops:
            framing.parse_crop(crop)

    def paint(self, requests: Sequence[Request]) -> list[tuple[Painting, ...]]:
        """What the painters make of each face of requests, all in one batch."""
        if not requests:
            return []
        # Every face is a picture of its own to the network.
        each = [(request, one) for request in requests for one in request.framed.faces]
        images = np.stack([one.pixels for _, one in each])
        exemplars, faces_of = [request.exemplar for request, _ in each], [one for _, one in each]
        styles = exemplar_styles.for_faces(self.inference, exemplars, faces_of)
        transfer = np.stack([request.transfer for request, _ in each])
        of = self.inference.outline
        if of.connected or of.competing or any(request.given or one.own_masks is not None for request, one in each):
            self._find_masks([one for _, one in each])
            for request in requests:
                self._compare(request)
            network = np.stack([one.network_masks(request.given, self.groups, request.same) for request, one in each])
            strengths = np.array([request.strength for request, _ in each], np.float32)
            given = np.array([[name in request.given for name in self.groups] for request, _ in each])
            faces = np.array([one.window.of_face for _, one in each])
            painted = second_look.paint(self.inference, images, network, styles, transfer, strengths, given, faces)
        else:
            painted = self.inference.translate(images, styles, transfer)
            for (_, one), made in zip(each, painted, strict=True):
                one.own_masks = made.masks
        parts = iter(painted)
        return [tuple(next(parts) for _ in request.framed.faces) for request in requests]

    def composite(self, request: Request, painted: Sequence[Painting]) -> Result:
        """Bring what was painted back to the photograph's size: the changes, within the masks."""
        self._compare(request)
        photo, masks = pasting.paste(request, painted, self.inference.outline)
        taken_away = photo_masks.nothing_left(request.framed, request.given, self.groups, request.transfer)
        self._log(request.framed.photo.name, taken_away)
        return Result(masks, request.exemplar.masks, photo, request.notes + taken_away)

    def _compare(self, request: Request) -> None:
        """Let a request know, once, where its given masks are those that were found."""
        found = all(one.own_masks is not None for one in request.framed.faces)
        if request.given and found and not request.same:
            request.same.update(photo_masks.as_found(request.framed, request.given, self.groups, self.colour_groups))

    def _given(
        self,
        framed: FramedPhoto,
        mask: MasksLike,
        what: str,
        beyond: Sequence[str] = (),
        asked: Collection[str] | None = None,
    ) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
        """Masks that a person gave, and notes about them."""
        given, notes = photo_masks.read_given(framed, mask, self.groups, what, beyond, asked)
        self._log(framed.photo.name, notes)
        return given, notes

    def _unused_masks(
        self, framed: FramedPhoto, given: Mapping[str, np.ndarray], groups: Sequence[str] | str | None
    ) -> tuple[str, ...]:
        """Notes about given masks in which nothing can change."""
        asked = chosen_groups(self.groups, groups)
        names, boxes, notes = self.groups, self.inference.outline.boxes, []
        for group in given:
            g = names.index(group)
            if not asked[g]:
                limits = any(asked[n] and names[n] not in given for n in range(len(names)) if n not in boxes)
                effect = "only keeps others out" if limits and g not in boxes else "has no effect"
                notes.append(f"input mask of {group}: {NOT_ASKED.format(group)}, and its mask {effect}")
            elif g in boxes:
                left, top, side = boxes[g]
                planes = [one.network_masks({group: given[group]}, names)[..., g] for one in framed.faces]
                marked = any(plane.any() for plane in planes)
                if marked and not any(plane[top : top + side, left : left + side].any() for plane in planes):
                    notes.append(
                        f"input mask of {group}: what is marked lies outside of the square in which {group} is "
                        "painted; nothing changes there"
                    )
        self._log(framed.photo.name, notes)
        return tuple(notes)

    def _find_masks(self, framed: Sequence[FramedPhoto]) -> None:
        """Let the network find the masks of those that lack them, and make of them what photographs do."""
        lacking = [p for p in framed if p.own_masks is None]
        if lacking:
            images, of = np.stack([p.pixels for p in lacking]), self.inference.outline
            masks = found(
                images, self.inference.masks(images),
                competing=of.competing, connected=of.connected, overlapping=of.overlapping,
                faces=[p.window.of_face for p in lacking],
            )  # fmt: skip
            for p, own in zip(lacking, masks, strict=True):
                p.own_masks = own

    def _log(self, name: str, notes: Iterable[str]) -> None:
        if self.log_notes:
            for note in notes:
                logging.warning("%s: %s", name, note)
