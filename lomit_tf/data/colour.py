"""Colour profiles (ICC): from a file's own colours to sRGB, which the model sees, and back.

LittleCMS (Pillow's ImageCms) does the work for 8 bits. Pillow hands it no more than that, so profiles of the usual
kind, three curves and a matrix, are also computed here in floats, for 16-bit files and for the way back:

    linear = curve(value);   sRGB = encode(M_sRGB^-1 M linear)

They are compared with LittleCMS on a grid of colours first; where both differ, or the profile is a table, LittleCMS
alone is used, with 8 bits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from PIL import Image, ImageCms

from lomit_tf.data.icc import SRGB_TO_XYZ, ProfileError, colours_of, profile_in, tag_of, tone_curve

_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
SAME = 2  # of 255: a profile whose colours differ from sRGB's by no more is sRGB
AGREES = 3  # of 255: our arithmetic and LittleCMS, whose own 8-bit arithmetic is good to about 1
FINE = 1 << 20  # entries of a table of linear light: a step is below one of 16 bits
BAND = 1 << 20  # pixels at once, which bounds the memory of floats


class Profile:
    """A profile of RGB colours, other than sRGB.

    Floats are in 0..1 of the file's own values, or of sRGB; colours outside of sRGB's gamut are clipped to it.
    """

    def __init__(self, icc: bytes) -> None:
        opened = profile_in(icc)
        own, srgb = opened, ImageCms.createProfile("sRGB")
        self._there = _transform(own, srgb, "RGB")
        try:
            self._back: Any = _transform(srgb, own, "RGB")
        except ProfileError:
            self._back = None  # a profile of a scanner or a camera, which leads one way only
        self._shaper = _Shaper.of(icc, opened.profile)
        if self._shaper is not None:
            grid = _grid()
            off = np.abs(self._shaper.to_srgb(grid).astype(np.float64) * 255 - self.to_srgb8(grid))
            if off.max() > AGREES:
                self._shaper = None

    @property
    def one_way(self) -> bool:
        """Whether there is no way back from sRGB."""
        return self._shaper is None and self._back is None

    def to_srgb8(self, values: np.ndarray) -> np.ndarray:
        """(h, w, 3) uint8 of the file -> uint8 of sRGB."""
        return np.array(ImageCms.applyTransform(Image.fromarray(np.ascontiguousarray(values)), self._there))

    def to_srgb(self, values: np.ndarray) -> np.ndarray:
        """(h, w, 3) uint8 or uint16 of the file -> (h, w, 3) float32 of sRGB in 0..1."""
        if self._shaper is not None:
            return _in_bands(self._shaper.to_srgb, values)
        eight = values if values.dtype == np.uint8 else _rounded(values / np.float32(65535))
        return self.to_srgb8(eight).astype(np.float32) / np.float32(255)

    def from_srgb(self, srgb: np.ndarray) -> np.ndarray:
        """(h, w, 3) floats of sRGB in 0..1 -> (h, w, 3) float32 of the file's own values in 0..1."""
        if self._shaper is not None:
            return _in_bands(self._shaper.from_srgb, srgb)
        if self._back is None:
            raise ProfileError("the colour profile has no way back from sRGB")
        image = Image.fromarray(np.ascontiguousarray(_rounded(srgb)))
        return np.asarray(ImageCms.applyTransform(image, self._back)).astype(np.float32) / np.float32(255)


@functools.lru_cache(maxsize=32)
def profile_of(icc: bytes) -> Profile | None:
    """The profile of RGB colours in ICC data; None for none, and where it is sRGB's.

    Raises:
      ProfileError: it cannot be read, or is not of RGB colours.
    """
    if not icc:
        return None
    if colours_of(icc) != "RGB":
        raise ProfileError(f"it is of {colours_of(icc) or 'unknown'} colours, and the picture is RGB")
    profile = Profile(icc)
    grid = _grid()
    off = np.abs(profile.to_srgb8(grid).astype(int) - grid)
    return None if off.max() <= SAME else profile


def cmyk_to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """A CMYK picture through its own profile. Raises ProfileError for a profile that does not fit."""
    transform = _transform(profile_in(icc), ImageCms.createProfile("sRGB"), "CMYK")
    return cast(Image.Image, ImageCms.applyTransform(image, transform))


class _Shaper:
    """Three curves and a matrix."""

    def __init__(self, curves: list[np.ndarray], matrix: np.ndarray) -> None:
        self.curves = [c.astype(np.float32) for c in curves]  # linear values of 0..65535
        places, fine = np.linspace(0, 1, 65536), np.linspace(0, 1, FINE)
        self.inverses = [np.interp(fine, curve, places).astype(np.float32) for curve in curves]
        self.there = (np.linalg.inv(SRGB_TO_XYZ) @ matrix).astype(np.float32)
        self.back = np.linalg.inv(self.there.astype(np.float64)).astype(np.float32)

    @classmethod
    def of(cls, icc: bytes, profile: Any) -> _Shaper | None:
        """Of a profile that is one; else None."""
        colorants = [profile.red_colorant, profile.green_colorant, profile.blue_colorant]
        curves = [c for name in (b"rTRC", b"gTRC", b"bTRC") if (c := tone_curve(tag_of(icc, name))) is not None]
        if len(curves) < 3 or any(c is None for c in colorants):
            return None
        matrix = np.array([c[0] for c in colorants], np.float64).T
        if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-6:
            return None
        if any(bool((np.diff(c) < 0).any()) for c in curves):
            return None
        return cls(curves, matrix)

    def to_srgb(self, values: np.ndarray) -> np.ndarray:
        index = values if values.dtype == np.uint16 else values.astype(np.uint16) * np.uint16(257)
        linear = np.stack([curve[index[..., i]] for i, curve in enumerate(self.curves)], axis=-1)
        return _at(_encoding(), linear @ self.there.T)

    def from_srgb(self, srgb: np.ndarray) -> np.ndarray:
        linear = _at(_decoding(), srgb) @ self.back.T
        return np.stack([_at(curve, linear[..., i]) for i, curve in enumerate(self.inverses)], axis=-1)


def _at(table: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A function of 0..1 in a table of FINE values: the nearest one."""
    return table[(np.clip(x, 0, 1) * np.float32(FINE - 1) + np.float32(0.5)).astype(np.int32)]


@functools.cache
def _encoding() -> np.ndarray:
    """Linear light -> sRGB's curve (IEC 61966-2-1), in a table."""
    x = np.linspace(0, 1, FINE)
    return np.where(x <= 0.0031308, x * 12.92, 1.055 * x ** (1 / 2.4) - 0.055).astype(np.float32)


@functools.cache
def _decoding() -> np.ndarray:
    """sRGB's curve -> linear light, in a table."""
    x = np.linspace(0, 1, FINE)
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _transform(before: Any, after: Any, mode: str) -> Any:
    try:
        return ImageCms.buildTransform(before, after, mode, "RGB", _INTENT, _FLAGS)
    except (OSError, ValueError, TypeError, ImageCms.PyCMSError) as error:
        raise ProfileError("a profile of other colours, or an incomplete one") from error


def _grid() -> np.ndarray:
    """(9, 81, 3) uint8: colours all over the cube."""
    steps = np.round(np.linspace(0, 255, 9)).astype(np.uint8)
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(9, 81, 3)


def _in_bands(function: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> np.ndarray:
    """A function of pixels, over some rows at once."""
    out = np.empty(values.shape, np.float32)
    rows = max(1, BAND // max(1, int(np.prod(values.shape[1:-1]))))
    for start in range(0, len(values), rows):
        out[start : start + rows] = function(values[start : start + rows])
    return out


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.round(np.clip(values, 0, 1) * np.float32(255)).astype(np.uint8)
