"""A photograph as it was given: pixels in their own depth, transparency, metadata, and what type to hand back.

The model sees `Photo.rgb`, which equals `preprocess.decode` of the same file; changes are added to `Photo.values`,
which keep the file's own depth, so that what is not changed stays as it was to the bit.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from PIL import Image, ImageOps

from lomit_tf.data.preprocess import MAX_PIXELS, CorruptImageError, opened, to_rgb
from lomit_tf.imaging.formats import ImageError

ImageLike = Any  # str | os.PathLike | bytes | PIL.Image.Image | np.ndarray | Photo
Kind = Literal["path", "bytes", "pil", "array"]
ORIENTATION, ICC_FREE_MODES = 0x0112, ("CMYK", "L", "LA", "La", "LAB", "YCbCr", "1", "F")
# What each EXIF orientation asks of an array (H, W, ...) to stand upright.
_TURNS = {
    2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1], 5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1], 7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[::-1],
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Photo:
    """One photograph, upright.

    Attributes:
      values: (H, W, 3), red, green, blue: uint8, uint16, or floats in 0..1; greyscale is repeated.
      alpha: (H, W) of the same type, or None.
      name: what to call it in messages.
      kind: how it was given: path, bytes, pil or array.
      exif, icc: metadata to write again, without the orientation, which is applied; empty where there is none.
      notes: what a person should know about the reading.
    """

    values: np.ndarray
    alpha: np.ndarray | None = None
    name: str = "image"
    kind: Kind = "array"
    exif: bytes = b""
    icc: bytes = b""
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.values.shape[0], self.values.shape[1]

    @property
    def scale(self) -> float:
        """The value of white: 255, 65535 or 1."""
        return _scale(self.values)

    @functools.cached_property
    def rgb(self) -> np.ndarray:
        """(H, W, 3) uint8 as `preprocess.decode` gives it: 16 bits to their high byte, transparency over white."""
        rgb = _to_8_bits(self.values)
        if self.alpha is None:
            return rgb
        rgba = Image.fromarray(np.dstack([rgb, _to_8_bits(self.alpha)]), "RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        white.alpha_composite(rgba)
        return np.array(white.convert("RGB"))

    def with_values(self, values: np.ndarray) -> Photo:
        """The same photograph with other pixels (H, W, 3) of the same type."""
        if values.shape != self.values.shape or values.dtype != self.values.dtype:
            raise ValueError(
                f"expected {self.values.shape} {self.values.dtype}; received {values.shape} {values.dtype}"
            )
        return dataclasses.replace(self, values=values)

    def array(self) -> np.ndarray:
        """(H, W, 3), or (H, W, 4) with transparency, in the photograph's own type."""
        return self.values if self.alpha is None else np.dstack([self.values, self.alpha])

    def pil(self) -> Image.Image:
        """A Pillow image, RGB or RGBA, of 8 bits (16 bits to their high byte), with EXIF and ICC in `info`."""
        image = Image.fromarray(_to_8_bits(self.array()))
        image.info |= {k: v for k, v in (("exif", self.exif), ("icc_profile", self.icc)) if v}
        return image


def read(source: ImageLike, name: str = "") -> Photo:
    """Any image as a Photo: a path, encoded bytes, a Pillow image, an array, or a Photo, which is given back.

    Arrays are (H, W), (H, W, 1), (H, W, 3) or (H, W, 4): uint8, uint16, bool, or floats in 0..1.

    Raises:
      CorruptImageError: a file or bytes that cannot be read, or more than preprocess.MAX_PIXELS pixels.
      ImageError: an array of another shape, type or range, or of NaN; anything that is no image.
    """
    if isinstance(source, Photo):
        return source
    if isinstance(source, np.ndarray):
        return from_array(source, name or "image array")
    if isinstance(source, Image.Image):
        return _from_pil(source, b"", name or getattr(source, "filename", "") or "image", "pil")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_bytes(bytes(source), name or "image bytes", "bytes")
    if isinstance(source, (str, os.PathLike)):
        name = name or str(source)
        path = Path(source)
        if path.is_dir():
            raise CorruptImageError(f"{name}: is a folder, not an image")
        if not path.exists():
            raise CorruptImageError(f"{name}: no such file")
        try:
            return _from_bytes(path.read_bytes(), name, "path")
        except OSError as error:
            raise CorruptImageError(f"{name}: {error.strerror or error}") from error
    raise ImageError(
        f"{name or 'image'}: expected a path, bytes, a Pillow image or a NumPy array; received {type(source).__name__}"
    )


def from_array(array: np.ndarray, name: str = "image array") -> Photo:
    """A Photo of an array; see `read`."""
    array = check_array(array, name)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4) or 0 in array.shape:
        raise ImageError(f"{name}: expected (H, W), (H, W, 3) or (H, W, 4); received shape {array.shape}")
    if array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise CorruptImageError(f"{name}: {array.shape[1]}x{array.shape[0]} pixels, over the limit of {MAX_PIXELS:,}")
    alpha = array[..., 3].copy() if array.shape[-1] == 4 else None
    colours = array[..., :3] if array.shape[-1] > 1 else np.repeat(array, 3, axis=-1)
    return Photo(np.array(colours), alpha, name)


def check_array(array: np.ndarray, name: str) -> np.ndarray:
    """The array as uint8, uint16 or float in 0..1 (bool becomes 0 and 255), or ImageError with what is wrong."""
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype in (np.uint8, np.uint16):
        return array
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise ImageError(f"{name}: {int((~np.isfinite(array)).sum())} values are NaN or infinite")
        if array.size and (array.min() < 0 or array.max() > 1):
            raise ImageError(
                f"{name}: floats must lie in 0..1; received {array.min():.4g} to {array.max():.4g} "
                "(for 0..255, give uint8)"
            )
        return array.astype(np.float32) if array.dtype == np.float16 else array
    raise ImageError(f"{name}: expected uint8, uint16, bool, or floats in 0..1; received {array.dtype}")


def _from_bytes(data: bytes, name: str, kind: Kind) -> Photo:
    if not data:
        raise CorruptImageError(f"{name}: the file is empty")
    with opened(data, name) as image:
        return _from_pil(image, data, name, kind)


def _from_pil(source: Image.Image, data: bytes, name: str, kind: Kind) -> Photo:
    """From an image that Pillow has opened; `data`, its file, is read again where Pillow would drop 16-bit colours."""
    with opened(source, name) as image:
        notes = []
        if getattr(image, "is_animated", False) and image.format != "MPO":
            notes.append("an animation; its first frame is taken")
        icc = b"" if image.mode in ICC_FREE_MODES else image.info.get("icc_profile") or b""
        deep = _deep_colours(image, data)  # before getexif, which decodes a PNG and forgets how it was stored
        orientation = image.getexif().get(ORIENTATION, 1)
        upright = ImageOps.exif_transpose(image)
        exif = upright.info.get("exif") or b""
        if deep is None:
            values, alpha = _split(upright)
        else:
            turned = np.ascontiguousarray(_TURNS.get(orientation, lambda a: a)(deep))
            values, alpha = turned[..., :3], turned[..., 3] if turned.shape[-1] == 4 else None
    return Photo(values, alpha, name, kind, exif, icc, tuple(notes))


def _deep_colours(image: Image.Image, data: bytes) -> np.ndarray | None:
    """(H, W, 3 or 4) uint16 of a PNG or TIFF with 16 bits a channel, which Pillow reads with 8; None of others."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0][3] if tiles else ""
    raw = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    if image.mode not in ("RGB", "RGBA", "LA") or ";16" not in str(raw) or not data:
        return None
    image.load()  # Pillow's checks come first: OpenCV fills what is missing of a truncated file
    array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16 or array.ndim != 3 or array.shape[:2] != image.size[::-1]:
        return None
    return array[..., [2, 1, 0, 3][: array.shape[-1]]]


def _split(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Colours (H, W, 3) and transparency (H, W) or None of an upright Pillow image, by the rules of `to_rgb`."""
    if image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.int64)
        deep = image.mode != "I" or grey.max() > 255
        values = np.clip(grey, 0, 65535).astype(np.uint16) if deep else np.clip(grey, 0, 255).astype(np.uint8)
        return np.repeat(values[..., None], 3, axis=-1), None
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        if image.mode in ("RGBa", "La"):
            image = image.convert("RGBA" if image.mode == "RGBa" else "LA")
        rgba = np.array(image.convert("RGBA"))
        return np.ascontiguousarray(rgba[..., :3]), np.ascontiguousarray(rgba[..., 3])
    return to_rgb(image), None


def _scale(array: np.ndarray) -> float:
    return {"uint8": 255.0, "uint16": 65535.0}.get(array.dtype.name, 1.0)


def _to_8_bits(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint16:
        return (array >> 8).astype(np.uint8)
    return array if array.dtype == np.uint8 else np.round(array * 255.0).astype(np.uint8)
