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

import numpy as np
from PIL import Image

from lomit_tf.data import colour, pixels
from lomit_tf.data.opening import MAX_PIXELS, CorruptImageError, opened
from lomit_tf.imaging.formats import ImageError

ImageLike = Any  # str | os.PathLike | bytes | PIL.Image.Image | np.ndarray | Photo
Kind = Literal["path", "bytes", "pil", "array"]
Part = tuple[slice, slice]  # rows and columns
ALL: Part = (slice(None), slice(None))


@dataclasses.dataclass(frozen=True)
class Photo:
    """One photograph, upright.

    Attributes:
      values: (H, W, 3), red, green, blue, in the file's own colours: uint8, uint16, or floats in 0..1; greyscale is
        repeated.
      alpha: (H, W) of the same type, or None.
      name: what to call it in messages.
      kind: how it was given: path, bytes, pil or array.
      exif, icc, xmp: metadata to write again, without the orientation, which is applied, and without thumbnails;
        empty where there is none. `icc` is the profile of `values`; without one they are sRGB.
      notes: what a person should know about the reading.
      dpi: dots per inch, across and down, or None.
    """

    values: np.ndarray
    alpha: np.ndarray | None = None
    name: str = "image"
    kind: Kind = "array"
    exif: bytes = b""
    icc: bytes = b""
    notes: tuple[str, ...] = ()
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None

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
        """(H, W, 3) uint8 in sRGB, as `preprocess.decode` gives it: what the model sees, transparency over white."""
        return pixels.to_srgb8(self.values, self.alpha, self.icc)

    def srgb(self, part: Part = ALL) -> np.ndarray:
        """Colours (h, w, 3) of the photograph, or of a part of it, in sRGB: floats in 0..1, as exact as the file's.

        float32, or float64 of float64 values. Colours outside of sRGB's gamut are clipped to it. Transparency is left
        out.
        """
        own = self.values[part]
        profile = colour.profile_of(self.icc)
        if profile is not None:
            return profile.to_srgb(own)
        if own.dtype.kind == "f":
            return own.copy()
        return own.astype(np.float32) / np.float32(self.scale)

    def with_srgb(self, srgb: np.ndarray, part: Part = ALL, where: np.ndarray | None = None) -> Photo:
        """The same photograph, where the colours of a part were changed in sRGB; the way back from `srgb`.

        A pixel moves by what the change is in the file's own colours: own + back(changed) - back(before), so that
        colours outside of sRGB's gamut stay outside, and a change of nothing changes nothing.

        Args:
          srgb: (h, w, 3) floats in 0..1: what `srgb(part)` gave, with other colours.
          part: rows and columns.
          where: (h, w) bool: which pixels to change; by default those that differ. All others stay, to the bit.
        """
        before, own = self.srgb(part), self.values[part]
        if srgb.shape != before.shape:
            raise ValueError(f"expected {before.shape} of colours; received {srgb.shape}")
        differs = (srgb != before).any(axis=-1)
        chosen = differs if where is None else differs & where
        changed = np.clip(srgb[chosen], 0, 1)  # (n, 3)
        profile = colour.profile_of(self.icc)
        if profile is not None and len(changed):
            back = profile.from_srgb(np.stack([changed, before[chosen]]))
            changed = own[chosen] / np.float32(self.scale) + (back[0] - back[1])
        moved = (
            np.clip(changed, 0, 1) * own.dtype.type(1)
            if own.dtype.kind == "f"
            else np.round(np.clip(changed, 0, 1) * np.float32(self.scale))
        )
        values = self.values.copy()
        values[part][chosen] = moved.astype(own.dtype)
        return dataclasses.replace(self, values=values)

    def with_floats(self, floats: np.ndarray | None = None) -> Photo:
        """The same photograph in floats of 0..1, with which several changes are made before they are rounded.

        Args:
          floats: (H, W, 3), what became of them: gives the photograph in its own type again. A value that did not
            change comes back as it was.
        """
        if self.values.dtype.kind == "f":
            return self if floats is None else self.with_values(floats)
        white = np.float32(self.scale)
        if floats is None:
            alpha = None if self.alpha is None else self.alpha.astype(np.float32) / white
            return dataclasses.replace(self, values=self.values.astype(np.float32) / white, alpha=alpha)
        return self.with_values(np.round(np.clip(floats, 0, 1) * white).astype(self.values.dtype))

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
        """A Pillow image, RGB or RGBA, of 8 bits (16 bits to their high byte), with the metadata in `info`."""
        image = Image.fromarray(pixels.to_8_bits(self.array()))
        held = {"exif": self.exif, "icc_profile": self.icc, "xmp": self.xmp, "dpi": self.dpi}
        image.info |= {name: value for name, value in held.items() if value}
        return image

    def over_white(self) -> np.ndarray:
        """(H, W, 3) uint8 in the photograph's own colours, transparency laid over white."""
        return pixels.over_white(pixels.to_8_bits(self.values), self.alpha)

    def in_colours_of(self, other: Photo) -> np.ndarray:
        """(H, W, 3) uint8, transparency over white, in the colours of another photograph's profile."""
        profile = colour.profile_of(other.icc)
        if self.icc == other.icc:
            return self.over_white()
        if profile is None:
            return self.rgb
        return np.round(profile.from_srgb(self.rgb / np.float32(255)) * np.float32(255)).astype(np.uint8)


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
        return _from_pil(source, name or getattr(source, "filename", "") or "image", "pil")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_pil(bytes(source), name or "image bytes", "bytes")
    if isinstance(source, (str, os.PathLike)):
        name = name or str(source)
        path = Path(source)
        if path.is_dir():
            raise CorruptImageError(f"{name}: is a folder, not an image")
        if not path.exists():
            raise CorruptImageError(f"{name}: no such file")
        try:
            return _from_pil(path.read_bytes(), name, "path")
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


def _from_pil(source: Image.Image | bytes, name: str, kind: Kind) -> Photo:
    """From an image that Pillow has opened, or encoded bytes."""
    with opened(source, name) as image:
        p = pixels.pixels_of(image)
    return Photo(p.values, p.alpha, name, kind, p.exif, p.icc, p.notes, p.xmp, p.dpi)


def _scale(array: np.ndarray) -> float:
    return {"uint8": 255.0, "uint16": 65535.0}.get(array.dtype.name, 1.0)
