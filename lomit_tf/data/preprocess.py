"""Decoding, geometry and value ranges: the one copy that training, translation and export use.

`decode` is Pillow and runs on the host; everything after it is TensorFlow and gives the same numbers eagerly,
inside tf.data and in an exported graph. The image is rounded to 8 bits between the resize and the normalisation,
so that a cached training image, a translated photograph and an exported model's input agree to the bit.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import re
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 80_000_000  # below Pillow's own warning limit (89 million); 240 MB once decoded

# What Pillow's readers raise on damaged files; OSError also covers files that cannot be opened.
_DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error,
    zlib.error, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


class CorruptImageError(ValueError):
    """An image that cannot be read; the message names it and says why."""


def decode(source: bytes | str | os.PathLike[str], name: str = "") -> np.ndarray:
    """Reads an image of any format Pillow knows as (H, W, 3) uint8.

    Turned upright by its EXIF orientation. Greyscale is repeated over the channels, 16-bit values keep their
    high byte, CMYK and palettes are converted, transparency is laid over white, and of an animation the first
    frame is taken.

    Args:
      source: the encoded bytes, or the path of a file.
      name: what to call the image in messages; the path, or "image bytes", where empty.

    Raises:
      CorruptImageError: it is missing, empty, truncated, not an image, or has more than MAX_PIXELS pixels.
    """
    with opened(source, name) as image:
        return to_rgb(ImageOps.exif_transpose(image))


@contextlib.contextmanager
def opened(source: bytes | str | os.PathLike[str] | Image.Image, name: str = "") -> Iterator[Image.Image]:
    """The image that Pillow opens, its size checked before anything is decoded; to be decoded within the block.

    Arguments and errors as of `decode`: what Pillow raises within the block becomes CorruptImageError.
    """
    name = name or (str(source) if isinstance(source, (str, os.PathLike)) else "image bytes")
    try:
        with contextlib.ExitStack() as stack:
            if isinstance(source, Image.Image):
                image = source  # open already, and the caller's to close
            else:
                file = io.BytesIO(source) if isinstance(source, bytes) else source
                image = stack.enter_context(Image.open(file, formats=_formats()))
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise CorruptImageError(f"{name}: {width}x{height} pixels, over the limit of {MAX_PIXELS:,} in all")
            yield image
    except CorruptImageError:
        raise
    except FileNotFoundError as error:
        raise CorruptImageError(f"{name}: no such file") from error
    except Image.DecompressionBombError as error:  # Pillow's own limit comes first, and its text speaks of attacks
        pixels = next(iter(re.findall(r"\d+", str(error))), "too many")
        raise CorruptImageError(f"{name}: {pixels} pixels, over the limit of {MAX_PIXELS:,} in all") from error
    except UnidentifiedImageError as error:  # its own text names a Python object, not the file
        raise CorruptImageError(f"{name}: not an image, or of a format that cannot be read") from error
    except _DECODER_ERRORS as error:
        raise CorruptImageError(f"{name}: {error or type(error).__name__}") from error


@functools.cache
def _formats() -> tuple[str, ...]:
    """Pillow's readers, without the one that starts another program: EPS is handed to Ghostscript."""
    Image.init()
    return tuple(format for format in Image.ID if format != "EPS")


def to_rgb(image: Image.Image) -> np.ndarray:
    """Any Pillow mode -> (H, W, 3) uint8."""
    if image.mode.startswith("I"):  # 16-bit grey, as "I;16", "I;16B" or "I"; Pillow's convert() would saturate it
        grey = np.asarray(image).astype(np.int64)
        deep = image.mode != "I" or grey.max() > 255  # "I" has 32 bits, of which a file may use 8 or 16
        grey = np.clip(grey >> 8 if deep else grey, 0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        opaque = Image.new("RGBA", image.size, (255, 255, 255, 255))
        if image.mode in ("RGBa", "La"):
            image = image.convert("RGBA" if image.mode == "RGBa" else "LA")
        opaque.alpha_composite(image.convert("RGBA"))
        image = opaque
    return np.array(image.convert("RGB"), np.uint8)


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
