"""Encoded images of strangers: formats, pixels and memory are limited before anything is decoded."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lomit_tf.data import preprocess
from lomit_tf.data.preprocess import CorruptImageError
from lomit_tf.serving.wire import RequestError

# Readers that need no other program (EPS starts Ghostscript) and no container of many pictures.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")


def decode(data: bytes, where: str, max_pixels: int) -> np.ndarray:
    """An encoded image as (H, W, 3) uint8, as `preprocess.decode`.

    Raises RequestError (400): not an image of FORMATS, damaged, or more than max_pixels (known from its header).
    """
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        raise RequestError(400, f"{where}: not an image in {', '.join(FORMATS)}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise RequestError(400, f"{where}: more than {max_pixels:,} pixels", reason="pixels") from None
    except (OSError, SyntaxError, ValueError, EOFError, OverflowError) as error:
        raise RequestError(400, f"{where}: {error}") from None
    with image:
        width, height = image.size
        if width * height > max_pixels:
            raise RequestError(
                400, f"{where}: {width}x{height} pixels; at most {max_pixels:,} in all are taken", reason="pixels"
            )
        try:
            with preprocess.opened(image, where) as checked:
                return preprocess.to_rgb(ImageOps.exif_transpose(checked))
        except CorruptImageError as error:
            raise RequestError(400, " ".join(str(error).split())) from None


def encode_png(pixels: np.ndarray) -> bytes:
    """(S, S, 3) float in -1..1 as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(preprocess.from_model_range(pixels).numpy()).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()
