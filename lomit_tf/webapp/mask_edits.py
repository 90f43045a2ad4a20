"""Masks as a person paints them in the browser, and what that means for the mask at the photograph's size.

The browser shows a picture at a size of its own, and over it the mask as a layer of one tint whose opacity is the mask.
What a person left as the model found it stays the model's mask, at full size and to the bit; the rest is taken from
the layer.
"""

from __future__ import annotations

import base64
import binascii
import io

import cv2
import numpy as np
from PIL import Image

TINT = (255, 45, 85)
# Opacities (of 255) that differ by no more were not touched: some browsers add a little noise to what scripts read.
TOLERANCE = 2
PNG_URL = "data:image/png;base64,"


class LayerError(ValueError):
    """What the browser sent is no layer of this picture."""


def editor_size(size: tuple[int, int], side: int) -> tuple[int, int]:
    """Height and width at which a picture (height, width) is edited: its longer side is `side`."""
    scale = side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def layer_of(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A mask (H, W) in 0..1 as a layer's opacity, uint8 of the editor's size."""
    return np.round(np.clip(resized(mask, size), 0.0, 1.0) * 255.0).astype(np.uint8)


def applied(layer: np.ndarray, found: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The mask that a person made of the model's.

    Args:
      layer: (h, w) uint8, the opacity as it is now.
      found: (h, w) uint8, the opacity that stands for the model's mask, `layer_of(mask)`.
      mask: (H, W) in 0..1, the model's mask.

    Returns:
      (H, W) float32 in 0..1: the layer where it differs from `found` by more than TOLERANCE, the mask elsewhere; where
      the sizes differ, blended over the pixels that the border between the two falls on.
    """
    touched = touched_of(layer, found)
    if not touched.any():
        return np.asarray(mask, np.float32)
    weight = touched.astype(np.float32)
    value = resized(weight * (layer.astype(np.float32) / 255.0), mask.shape)
    return np.clip(mask * (1.0 - resized(weight, mask.shape)) + value, 0.0, 1.0).astype(np.float32)


def touched_of(layer: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Which pixels of a layer (h, w) uint8 a person has changed, bool."""
    return np.abs(layer.astype(np.int16) - found.astype(np.int16)) > TOLERANCE


def layer_url(layer: np.ndarray) -> str:
    """A layer's opacity (h, w) uint8 as a PNG in a data: URL, in TINT."""
    rgba = np.empty((*layer.shape, 4), np.uint8)
    rgba[..., :3], rgba[..., 3] = TINT, layer
    return PNG_URL + _encoded(rgba, "PNG", compress_level=3)


def picture_url(rgb: np.ndarray) -> str:
    """A picture (h, w, 3) uint8 for looking at, in a data: URL."""
    return "data:image/webp;base64," + _encoded(rgb, "WEBP", quality=90, method=1)


def read_layer(url: str, size: tuple[int, int]) -> np.ndarray:
    """The opacity (h, w) uint8 of a layer that the browser sent.

    Args:
      url: PNG in a data: URL, as a canvas gives it.
      size: height and width that it must have; checked before anything is decoded.

    Raises:
      LayerError: anything else.
    """
    limit = 8 * size[0] * size[1] + 4096  # a PNG of RGBA noise in base64 takes less
    if not isinstance(url, str) or not url.startswith(PNG_URL) or len(url) > limit:
        raise LayerError("expected a painted layer as a PNG in a data: URL")
    try:
        data = base64.b64decode(url[len(PNG_URL) :], validate=True)
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if image.size != size[::-1]:
                raise LayerError(f"expected a layer of {size[1]}x{size[0]}; received {image.width}x{image.height}")
            return np.array(image.convert("RGBA"))[..., 3]
    except LayerError:
        raise
    except (Image.DecompressionBombError, binascii.Error, OSError, SyntaxError, ValueError) as error:
        raise LayerError(f"the painted layer cannot be read: {error}") from error


def resized(plane: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """(h, w[, C]) at another size (height, width): averaged where it shrinks, linearly interpolated where it grows."""
    if plane.shape[:2] == tuple(size):
        return plane
    shrinks = plane.shape[0] >= size[0] and plane.shape[1] >= size[1]
    return cv2.resize(plane, tuple(size[::-1]), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _encoded(array: np.ndarray, format: str, **options: int) -> str:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format, **options)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
