"""Encoded images of strangers: formats, pixels and memory are limited before anything is decoded."""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image

from lomit_tf.data import pixels, preprocess
from lomit_tf.data.opening import CorruptImageError, TooManyPixelsError, opened, readers
from lomit_tf.serving.wire import RequestError

# Readers that need no other program (EPS starts Ghostscript), and of containers of many pictures only HEIF, as phones
# write it: the main picture is decoded, and no other.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "HEIF")


@functools.cache
def formats() -> tuple[str, ...]:
    """Pillow's names of the formats that are read; HEIF where pillow-heif is installed."""
    return tuple(name for name in _FORMATS if name in readers())


def decode(data: bytes, where: str, max_pixels: int) -> np.ndarray:
    """An encoded image as (H, W, 3) uint8, as `preprocess.decode`.

    Raises RequestError (400): not an image of one of the `formats`, damaged, or more than max_pixels (known from its
    header).
    """
    if not data:
        raise RequestError(400, f"{where}: not an image, as it is empty")
    try:
        with opened(data, where, formats(), max_pixels) as image:
            found = pixels.pixels_of(image, metadata=False)
            return pixels.to_srgb8(found.values, found.alpha, found.icc)
    except TooManyPixelsError as error:
        raise RequestError(400, " ".join(str(error).split()), reason="pixels") from None
    except CorruptImageError as error:
        raise RequestError(400, " ".join(str(error).split())) from None


def encode_png(pixels: np.ndarray) -> bytes:
    """(S, S, 3) float in -1..1 as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(preprocess.from_model_range(pixels).numpy()).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()
