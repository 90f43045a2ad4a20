"""Encoded images of strangers: formats, pixels and memory are limited before anything is decoded."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from lomit_tf.data import pixels, preprocess
from lomit_tf.data.opening import CorruptImageError, TooManyPixelsError, opened
from lomit_tf.serving.wire import RequestError

# Readers that need no other program (EPS starts Ghostscript) and no container of many pictures.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")


def decode(data: bytes, where: str, max_pixels: int) -> np.ndarray:
    """An encoded image as (H, W, 3) uint8, as `preprocess.decode`.

    Raises RequestError (400): not an image of FORMATS, damaged, or more than max_pixels (known from its header).
    """
    if not data:
        raise RequestError(400, f"{where}: not an image, as it is empty")
    try:
        with opened(data, where, FORMATS, max_pixels) as image:
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
