"""What refines masks, ready for a model's group: GrabCut, competing regions, or the place where labels show.

Competing regions and places of labels are learned from the training images first. docs/method.md, 9.2 to 9.4.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import logging

from lomit_tf import core
from lomit_tf.config import ConfigError
from lomit_tf.data.image_set import ImageSet
from lomit_tf.data.preprocess import resize, to_model_range
from lomit_tf.data.store import ImageStore
from lomit_tf.imaging import label_places, mask_cut
from lomit_tf.imaging.face_layouts import Layouts
from lomit_tf.imaging.paste_back import upsample_masks
from lomit_tf.model import Lomit
from lomit_tf.runtime.atomic import write_bytes
from lomit_tf.settings.close_ups import parse_box
from lomit_tf.settings.mask_teacher import PLACE_VALUES, RefineConfig

BATCH = 32  # images that the model sees at once


class Refiners:
    """A model's masks of images at the size of refinement, and their refinements."""

    def __init__(self, model: Lomit, group: int, options: RefineConfig) -> None:
        g, self.size, self.options = model.inference_generator, model.config.data.image_size, options
        self.group = model.group_names[group]
        self.middle = label_places.MIDDLE
        if model.config.data.close_up:
            left, top, width = map(float, parse_box("close_up", model.config.data.close_up))
            self.middle = label_places.in_close_up(self.middle, (left, top, width))
        self.labels = model.config.data.group_labels[self.group]
        as_is = mask_cut.photograph_refiner if options.by == "photographs" else mask_cut.cut_refiner
        self.refiner = as_is(options.refine_size, options)

        @tf.function(autograph=False, input_signature=[tf.TensorSpec((None, self.size, self.size, 3), tf.float32)])
        def masks(images: tf.Tensor) -> tf.Tensor:
            return core.masks(g, images, 0.0)[..., group]  # as they are, not sharpened

        self.network = masks

    def prepare(self, pool: ThreadPoolExecutor, store: ImageStore, usable: np.ndarray, place: Path) -> None:
        """Learn what --by=regions and labels need from images spread over the usable (n,), or read an earlier run's."""
        by = self.options.by
        if by in ("cut", "photographs"):
            return
        if place.exists():
            learned = dict(np.load(place))
        else:
            if not len(usable):
                raise ConfigError(f"--by={by} learns from images, and --refuse and --absent leave none; name fewer")
            chosen = usable[np.linspace(0, len(usable) - 1, min(len(usable), self.options.layout_images)).astype(int)]
            pictures, found = store.readable(np.unique(chosen))
            if by == "regions":
                logging.info("learning layouts of faces from %d images", len(pictures))
                layouts = Layouts.learn(pictures, self.masks(pictures), self.options.layouts, pool.map)
                learned = dataclasses.asdict(layouts)
            else:
                logging.info("learning from %d images where the labels of %s show", len(pictures), self.group)
                learned = self._place(pictures, store.images, found)
            write_bytes(place, as_bytes(learned))
        if by == "regions":
            self.refiner = mask_cut.region_refiner(Layouts(**learned), self.options.refine_size, self.options)
        elif self.options.place_competes:
            self.refiner = label_places.competing_refiner(
                learned["where"], self.options.place_competes, self.options.place_far, int(learned.get("along", 0))
            )
        else:
            self.refiner = label_places.place_refiner(learned["where"])

    def _place(self, pictures: np.ndarray, images: ImageSet, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Where the group's labels show in pictures (n, S, S, 3) uint8 of the rows (n,) of a set: (S, S) in 0..1.

        And, where one value of one label counts, the direction in which it changes there (`competing_refiner`).
        """
        wanted = [images.label_names.index(label) for label in self.labels]
        try:
            values = [PLACE_VALUES.index(value) for value in self.options.place_values]
            found = label_places.t_statistics(pictures, images.labels[rows], wanted, values, self.middle)
        except ValueError as error:
            raise ConfigError(f"--by=labels: {error}; use more images, or name fewer --controls") from None
        where, along = label_places.found_place(found, values, self.options.place_share, self.options.place_edge)
        return {"where": where, "along": np.array(along)}

    def all(
        self, pool: ThreadPoolExecutor, pictures: np.ndarray, refused: np.ndarray, absent: np.ndarray, bare: np.ndarray
    ) -> Iterator[mask_cut.MaskRefinement]:
        """Refined masks of pictures (n, S, S, 3) uint8, in order; refused, absent and bare (n,) bool."""

        def one(i: int) -> mask_cut.MaskRefinement:
            return mask_cut.refine(
                pictures[i], masks[i], self.refiner, self.options, refused=bool(refused[i]), absent=bool(absent[i]),
                bare=bool(bare[i]),
            )  # fmt: skip

        masks = self.masks(pictures)
        return pool.map(one, range(len(pictures)))

    def masks(self, pictures: np.ndarray) -> np.ndarray:
        """The model's masks (n, S, S) float32 of pictures (n, S, S, 3) uint8, S the size of refinement."""
        side = self.options.refine_size
        found = np.zeros((len(pictures), side, side), np.float32)
        for start in range(0, len(pictures), BATCH):
            part = to_model_range(resize(pictures[start : start + BATCH], self.size))
            for i, mask in enumerate(self.network(part).numpy()):
                found[start + i] = upsample_masks(mask[..., None], (side, side))[..., 0]
        return found


def as_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """An .npz file of arrays."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()
