"""The parts of a translation as compiled functions on arrays, each traced once for all batch sizes."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from lomit_tf import core
from lomit_tf.engines.outline import Outline, Painting
from lomit_tf.model import Lomit
from lomit_tf.runtime.forks import check_fork
from lomit_tf.settings.methods import need_lomit


class Inference:
    """`outline.Networks` on TensorFlow; each function is traced once for all batch sizes."""

    def __init__(self, model: Lomit) -> None:
        check_fork()
        need_lomit(model.config.model.method, "translating photographs within masks")
        model.build()
        self.model = model
        self.outline = Outline.of(model.config)
        size = self.outline.size
        g = model.inference_generator
        image = tf.TensorSpec((None, size, size, 3), tf.float32)
        masks = tf.TensorSpec((None, size, size, g.num_groups + 1), tf.float32)
        styles = tf.TensorSpec((None, g.num_groups, g.style_size), tf.float32)
        transfer = tf.TensorSpec((None, g.num_groups), tf.float32)

        def own_masks(images: tf.Tensor) -> tf.Tensor:
            return core.masks(g, images)

        def own_styles(images: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
            return core.encode_exemplar(g, images, masks)[0]

        def paint(images: tf.Tensor, styles: tf.Tensor, transfer: tf.Tensor, masks: tf.Tensor | None = None) -> dict:
            painting = core.apply_styles(g, images, styles, transfer, masks)
            parts = {name: getattr(painting, name) for name in ("masks", "raw", "displacement", "curves")}
            return {name: part for name, part in parts.items() if part is not None}

        def compiled(function, *signature):  # type: ignore[no-untyped-def]
            return tf.function(function, input_signature=signature, autograph=False)

        self._masks = compiled(own_masks, image)
        self._styles = compiled(own_styles, image, masks)
        self._paint = compiled(lambda i, m, s, t: paint(i, s, t, m), image, masks, styles, transfer)
        self._translate = compiled(paint, image, styles, transfer)

    def masks(self, images: np.ndarray) -> np.ndarray:
        """m: images -> masks."""
        check_fork()
        return _array(self._masks(tf.constant(images)))

    def styles(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """The groups' styles of exemplars, 0 for empty regions: images, masks -> styles."""
        check_fork()
        return _array(self._styles(tf.constant(images), tf.constant(masks)))

    def paint(self, images: np.ndarray, masks: np.ndarray, styles: np.ndarray, transfer: np.ndarray) -> list[Painting]:
        """Translate within given masks."""
        check_fork()
        parts = self._paint(tf.constant(images), tf.constant(masks), tf.constant(styles), tf.constant(transfer))
        return _painted(parts)

    def translate(self, images: np.ndarray, styles: np.ndarray, transfer: np.ndarray) -> list[Painting]:
        """`paint` with the images' own masks, in one pass."""
        check_fork()
        parts = self._translate(tf.constant(images), tf.constant(styles), tf.constant(transfer))
        return _painted(parts)


def _painted(parts: dict[str, tf.Tensor]) -> list[Painting]:
    arrays = {name: _array(part) for name, part in parts.items()}
    return [Painting(**{name: array[i] for name, array in arrays.items()}) for i in range(len(arrays["masks"]))]


def _array(tensor: tf.Tensor) -> np.ndarray:
    return tf.cast(tensor, tf.float32).numpy()
