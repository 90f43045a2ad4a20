"""Decoding, geometry and value ranges: the one copy that training, translation and export use.

`decode` (of host.py) is Pillow and runs on the host; everything after it is TensorFlow and gives the same numbers
eagerly, inside tf.data and in an exported graph. The image is rounded to 8 bits between the resize and the
normalisation, so that a cached training image, a translated photograph and an exported model's input agree to the bit.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from lomit_tf.data.host import decode
from lomit_tf.data.opening import MAX_PIXELS, CorruptImageError, opened

__all__ = [
    "MAX_PIXELS", "CorruptImageError", "centre_crop", "decode", "from_model_range", "opened", "preprocess", "resize",
    "square", "to_model_range",
]  # fmt: skip


def centre_crop(image: tf.Tensor, crop: int) -> tf.Tensor:
    """The centred square of (..., H, W, C), `crop` pixels wide; the largest where crop is 0 or does not fit.

    An odd margin leaves the extra pixel at the bottom or the right: 178x218 with crop 178 keeps rows 20 to 197.
    """
    image = image if isinstance(image, np.ndarray) else tf.convert_to_tensor(image)
    height, width = image.shape[-3:-1]
    if height is None or width is None:
        height, width = tf.shape(image)[-3], tf.shape(image)[-2]
        side = tf.minimum(height, width)
        side = tf.minimum(side, crop) if crop else side
    else:  # in Python: eager arithmetic on the sizes would cost more than the resize
        side = min(height, width, crop or height)
    top, left = (height - side) // 2, (width - side) // 2
    return tf.convert_to_tensor(image[..., top : top + side, left : left + side, :])


def resize(image: tf.Tensor, size: int) -> tf.Tensor:
    """([B,] H, W, C) uint8 -> ([B,] size, size, C) uint8, antialiased bilinear, rounded.

    Antialiased because plain bilinear skips pixels when shrinking, which moves FID and makes hair flicker.
    Bilinear (a triangle of the scale's width) rather than bicubic because it never overshoots: no ringing at the
    edges of hair for the masks to learn, and nothing to clip.
    """
    resized = tf.image.resize(image, (size, size), method="bilinear", antialias=True)
    return tf.cast(tf.round(resized), tf.uint8)


def to_model_range(image: tf.Tensor) -> tf.Tensor:
    """uint8 0..255 -> float32 -1..1."""
    # A multiplication: graph optimisers make one of a division by a constant, and eager would differ by an ulp.
    return (tf.cast(image, tf.float32) - 127.5) * tf.constant(1 / 127.5, tf.float32)


def from_model_range(image: tf.Tensor) -> tf.Tensor:
    """float -1..1 -> uint8 0..255, rounded and clipped (uint8 would wrap). Inverts `to_model_range` exactly."""
    scaled = tf.round((tf.cast(image, tf.float32) + 1.0) * 127.5)
    return tf.cast(tf.clip_by_value(scaled, 0.0, 255.0), tf.uint8)


def square(image: tf.Tensor, crop: int, size: int) -> tf.Tensor:
    """`centre_crop` and `resize`: ([B,] H, W, 3) uint8 -> ([B,] size, size, 3) uint8, as the training cache."""
    return resize(centre_crop(image, crop), size)


def preprocess(image: tf.Tensor, crop: int, size: int) -> tf.Tensor:
    """A decoded image as the model sees it: ([B,] H, W, 3) uint8 -> ([B,] size, size, 3) float32 in -1..1."""
    return to_model_range(square(image, crop, size))
