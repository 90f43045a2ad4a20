"""Decoding, geometry and value ranges on the host, in Pillow and NumPy: what needs no TensorFlow.

`preprocess.py` has the geometry in TensorFlow, which exported graphs share. The two agree to the bit, but for `square`,
which is within 1 of 255. Training on JAX, and whatever else runs where TensorFlow is not installed, reads here.
"""

from __future__ import annotations

import os

import cv2
import numpy as np
from PIL import Image

from lomit_tf.data import pixels
from lomit_tf.data.opening import opened

__all__ = ["centre_crop", "decode", "from_model_range", "resize", "square", "to_model_range"]

BLOCK = 8192  # values of a line that are worked on at once: with the lines that are summed, they stay within a cache


def decode(
    source: bytes | str | os.PathLike[str], name: str = "", formats: tuple[str, ...] | None = None
) -> np.ndarray:
    """Reads an image of any format that Pillow and pillow-heif know as (H, W, 3) uint8, in sRGB.

    Turned upright by its EXIF orientation, and brought to sRGB from its colour profile. Greyscale is repeated over
    the channels, 16-bit values keep their high byte, CMYK and palettes are converted, floats must lie in 0..1,
    transparency is laid over white, and of an animation the first frame is taken. Metadata that cannot be read count
    as missing.

    Args:
      source: the encoded bytes, or the path of a file.
      name: what to call the image in messages; the path, or "image bytes", where empty.
      formats: Pillow's names of the formats to read; all by default.

    Raises:
      CorruptImageError: it is missing, empty, truncated, not an image, or has more than MAX_PIXELS pixels.
    """
    with opened(source, name, formats) as image:
        found = pixels.pixels_of(image, metadata=False)
        return pixels.to_srgb8(found.values, found.alpha, found.icc)


def centre_crop(images: np.ndarray, crop: int) -> np.ndarray:
    """The centred square of (..., H, W, C), `crop` pixels wide; the largest where crop is 0 or does not fit."""
    height, width = images.shape[-3:-1]
    side = min(height, width, crop or height)
    top, left = (height - side) // 2, (width - side) // 2
    return images[..., top : top + side, left : left + side, :]


def square(images: np.ndarray, crop: int, size: int) -> np.ndarray:
    """(n, H, W, 3) uint8 -> (n, size, size, 3) uint8: centred square, then antialiased bilinear.

    Pillow's bilinear filter is the triangle of the scale's width that `preprocess.resize` takes, with a rounding to 8
    bits between rows and columns: within 1 of it.
    """
    cropped = centre_crop(images, crop)
    out = np.empty((len(images), size, size, 3), np.uint8)
    for i, image in enumerate(cropped):
        picture = Image.fromarray(np.ascontiguousarray(image))
        out[i] = np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))
    return out


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """(H, W, C) uint8 -> (size, size, C) uint8: `preprocess.resize`, to the bit.

    Sums run in TensorFlow's order, rows first, in float32, so that even ties round alike.
    """
    height, width, channels = image.shape
    down = _spans(height, size)
    across = down if width == height else _spans(width, size)
    rows = _summed(image.reshape(height, -1), down)
    # Turned, so that columns are lines, too: they lie in one piece.
    columns = cv2.transpose(rows.reshape(size, width, channels)).reshape(width, -1)
    made = _summed(columns, across).reshape(size, size, channels)
    return np.ascontiguousarray(np.round(made).astype(np.uint8).swapaxes(0, 1))


def _summed(lines: np.ndarray, spans: list[tuple[int, np.ndarray]]) -> np.ndarray:
    """(n, W) -> (places, W) float32: weighted sums of lines, one line after the other."""
    width = lines.shape[1]
    made = np.empty((len(spans), width), np.float32)
    shares = np.empty((max(len(weights) for _, weights in spans), min(BLOCK, width)), np.float32)
    for left in range(0, width, BLOCK):
        block, to = lines[:, left : left + BLOCK], made[:, left : left + BLOCK]
        for place, (start, weights) in enumerate(spans):
            part = shares[: len(weights), : to.shape[1]]
            np.copyto(part, block[start : start + len(weights)])
            part *= weights[:, None]
            np.add.reduce(part, axis=0, out=to[place])
    return made


def _spans(length: int, size: int) -> list[tuple[int, np.ndarray]]:
    """For each of `size` places: where its share of `length` pixels starts, and float32 weights that sum to 1.

    A triangle as wide as the scale, as TensorFlow's ScaleAndTranslate makes it, step by step in float32.
    """
    one, half = np.float32(1), np.float32(0.5)
    inverse = one / (np.float32(size) / np.float32(length))
    scale = max(inverse, one)
    found = []
    for place in range(size):
        middle = (np.float32(place) + half) * inverse
        first = max(0, int(np.ceil(middle - scale - half)))
        last = min(length - 1, int(np.floor(middle + scale - half)))
        away = np.abs((np.arange(first, last + 1, dtype=np.float32) + half - middle) * (one / scale))
        weights = np.maximum(one - away, np.float32(0))
        total = np.add.accumulate(weights)[-1]
        found.append((first, weights * (one / total)))
    return found


def to_model_range(images: np.ndarray) -> np.ndarray:
    """uint8 0..255 -> float32 -1..1."""
    return (images.astype(np.float32) - np.float32(127.5)) * np.float32(1 / 127.5)


def from_model_range(images: np.ndarray) -> np.ndarray:
    """float -1..1 -> uint8 0..255, rounded and clipped. Inverts `to_model_range` exactly."""
    scaled = np.round((np.asarray(images, np.float32) + np.float32(1)) * np.float32(127.5))
    return np.clip(scaled, 0, 255).astype(np.uint8)
