"""The parts of a translation as compiled functions on arrays, each traced once for all batch sizes."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from lomit_tf import objectives
from lomit_tf.forks import check_fork
from lomit_tf.model import Lomit


class Inference:
    """A model's averaged networks, ready to be called often and from several threads.

    Below, S is the model's image size, G its groups, R = G + 1 the regions with the background last, and D the length
    of a style code. Images are (B, S, S, 3) float32 in -1..1, masks (B, S, S, R) float32 summing to 1, styles
    (B, R, D).
    """

    def __init__(self, model: Lomit) -> None:
        check_fork()
        model.build()
        self.model = model
        self.size: int = model.config.data.image_size
        g = model.inference_generator
        image = tf.TensorSpec((None, self.size, self.size, 3), tf.float32)
        masks = tf.TensorSpec((None, self.size, self.size, g.num_groups + 1), tf.float32)
        styles = tf.TensorSpec((None, g.num_groups + 1, model.config.model.style_dim), tf.float32)
        transfer = tf.TensorSpec((None, g.num_groups), tf.float32)

        def own_masks(images: tf.Tensor) -> tf.Tensor:
            return g.masks(g.encode_content(images), images)

        def own_styles(images: tf.Tensor, masks: tf.Tensor) -> tf.Tensor:
            return objectives.without_empty(g.styles(images, masks), masks)

        def paint(images: tf.Tensor, masks: tf.Tensor, exemplar: tf.Tensor, transfer: tf.Tensor) -> tf.Tensor:
            mixed = objectives.mix_styles(g.styles(images, masks), exemplar, transfer)
            return g.decode(g.encode_content(images), masks, mixed)

        def translate(images: tf.Tensor, exemplar: tf.Tensor, transfer: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            content = g.encode_content(images)
            masks = g.masks(content, images)
            mixed = objectives.mix_styles(g.styles(images, masks), exemplar, transfer)
            return masks, g.decode(content, masks, mixed)

        def compiled(function, *signature):  # type: ignore[no-untyped-def]
            return tf.function(function, input_signature=signature, autograph=False)

        self._masks = compiled(own_masks, image)
        self._styles = compiled(own_styles, image, masks)
        self._paint = compiled(paint, image, masks, styles, transfer)
        self._translate = compiled(translate, image, styles, transfer)

    def masks(self, images: np.ndarray) -> np.ndarray:
        """m: images -> masks."""
        check_fork()
        return _array(self._masks(tf.constant(images)))

    def styles(self, images: np.ndarray, masks: np.ndarray) -> np.ndarray:
        """E_s of every region m_r * x, 0 for empty regions: images, masks -> styles."""
        check_fork()
        return _array(self._styles(tf.constant(images), tf.constant(masks)))

    def paint(self, images: np.ndarray, masks: np.ndarray, styles: np.ndarray, transfer: np.ndarray) -> np.ndarray:
        """G itself, without the composite, for given masks: images, masks, the exemplar's styles, and transfer
        (B, G), 1 for each group to take from the exemplar -> (B, S, S, 3) in -1..1."""
        check_fork()
        return _array(self._paint(tf.constant(images), tf.constant(masks), tf.constant(styles), tf.constant(transfer)))

    def translate(self, images: np.ndarray, styles: np.ndarray, transfer: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The images' own masks, and `paint` with them, in one pass."""
        check_fork()
        masks, bare = self._translate(tf.constant(images), tf.constant(styles), tf.constant(transfer))
        return _array(masks), _array(bare)


def _array(tensor: tf.Tensor) -> np.ndarray:
    return tf.cast(tensor, tf.float32).numpy()
