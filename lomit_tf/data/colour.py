"""Colour profiles (ICC): from a file's own colours to sRGB, which the model sees, and back.

LittleCMS (Pillow's ImageCms) does the work for 8 bits. Pillow hands it no more than that, so profiles of the usual
kind, three curves and a matrix, are also computed here in floats, for 16-bit files and for the way back:

    linear = curve(value);   sRGB = encode(M_sRGB^-1 M linear)

They are compared with LittleCMS on a grid of colours first; where both differ, or the profile is a table, LittleCMS
alone is used, with 8 bits.
"""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from PIL import Image, ImageCms

# sRGB's primaries in the profile connection space (D50), as in the profiles that HP and the ICC publish.
SRGB_TO_XYZ = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)  # x, y of white, red, green and blue
ADOBE_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
ADOBE_GAMMA = 563 / 256
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
SAME = 2  # of 255: a profile whose colours differ from sRGB's by no more is sRGB
AGREES = 3  # of 255: our arithmetic and LittleCMS, whose own 8-bit arithmetic is good to about 1
FINE = 1 << 20  # entries of a table of linear light: a step is below one of 16 bits
BAND = 1 << 20  # pixels at once, which bounds the memory of floats


class ProfileError(ValueError):
    """A colour profile that cannot be read, or of other colours than the picture's."""


class Profile:
    """A profile of RGB colours, other than sRGB.

    Floats are in 0..1 of the file's own values, or of sRGB; colours outside of sRGB's gamut are clipped to it.
    """

    def __init__(self, icc: bytes) -> None:
        opened = _opened(icc)
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


def colours_of(icc: bytes) -> str:
    """What a profile's values are: RGB, GRAY, CMYK, Lab, ... Raises ProfileError where it cannot be read."""
    _opened(icc)
    return icc[16:20].decode("latin-1").strip()


def cmyk_to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """A CMYK picture through its own profile. Raises ProfileError for a profile that does not fit."""
    transform = _transform(_opened(icc), ImageCms.createProfile("sRGB"), "CMYK")
    return cast(Image.Image, ImageCms.applyTransform(image, transform))


def of_grey(icc: bytes) -> bytes:
    """The RGB profile under which a grey value, repeated three times, has the colour that a grey profile gives it.

    Raises:
      ProfileError: the profile has no curve.
    """
    _opened(icc)
    curve = _tag(icc, b"kTRC")
    if curve is None:
        raise ProfileError("a grey profile without a curve")
    return _written(SRGB_TO_XYZ, curve)


def of_primaries(gamma: float, primaries: tuple[float, ...] = SRGB_PRIMARIES) -> bytes:
    """An RGB profile of a gamma and of the x, y of white, red, green and blue, as PNG's gAMA and cHRM give them.

    Raises:
      ProfileError: numbers that describe no colours.
    """
    xy = np.array(primaries, np.float64).reshape(4, 2)
    if not (np.isfinite(xy).all() and (xy[:, 1] > 1e-5).all() and 0.1 <= gamma <= 10):
        raise ProfileError("primaries or gamma that describe no colours")
    columns = np.stack([xy[:, 0] / xy[:, 1], np.ones(4), (1 - xy.sum(axis=1)) / xy[:, 1]])  # X, Y, Z of Y = 1
    white, primary = columns[:, 0], columns[:, 1:]
    if abs(np.linalg.det(primary)) < 1e-6:
        raise ProfileError("primaries that describe no colours")
    matrix = primary * np.linalg.solve(primary, white)
    ratio = (_BRADFORD @ _D50) / (_BRADFORD @ white)
    matrix = np.linalg.inv(_BRADFORD) @ np.diag(ratio) @ _BRADFORD @ matrix
    return _written(matrix, struct.pack(">4sLLH", b"curv", 0, 1, round(gamma * 256)) + b"\0\0")


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
        curves = [c for name in (b"rTRC", b"gTRC", b"bTRC") if (c := _curve(_tag(icc, name))) is not None]
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


def _curve(tag: bytes | None) -> np.ndarray | None:
    """A tone curve at 65536 places in 0..1; None for one that cannot be read."""
    if tag is None or len(tag) < 12:
        return None
    x = np.linspace(0, 1, 65536)
    if tag[:4] == b"curv":
        count = struct.unpack_from(">L", tag, 8)[0]
        if count == 0:
            return x
        if len(tag) < 12 + 2 * count:
            return None
        table = np.frombuffer(tag, ">u2", count, 12)
        if count == 1:
            return x ** (float(table[0]) / 256)
        return np.interp(x, np.linspace(0, 1, count), table.astype(np.float64) / 65535)
    if tag[:4] == b"para":
        kind = struct.unpack_from(">H", tag, 8)[0]
        numbers = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}.get(kind, 0)
        if not numbers or len(tag) < 12 + 4 * numbers:
            return None
        return _parametric(kind, [n / 65536 for n in struct.unpack_from(f">{numbers}l", tag, 12)], x)
    return None


def _parametric(kind: int, p: list[float], x: np.ndarray) -> np.ndarray | None:
    """ICC.1:2022, 10.18: the five kinds of parametric curves."""
    g, a, b, c, d, e, f = [*p, *[0.0] * (7 - len(p))]
    if kind == 0:
        a, y = 1.0, x**g
        return y
    if kind in (1, 2):
        if a == 0:
            return None
        y = np.where(x >= -b / a, np.maximum(a * x + b, 0) ** g, 0) + (c if kind == 2 else 0.0)
    else:
        y = np.where(x >= d, np.maximum(a * x + b, 0) ** g + e, c * x + f)
    return np.clip(y, 0, 1)


def _opened(icc: bytes) -> ImageCms.ImageCmsProfile:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(icc))
    except (OSError, ValueError, TypeError, ImageCms.PyCMSError) as error:
        raise ProfileError("not an ICC profile") from error


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


def _tag(icc: bytes, name: bytes) -> bytes | None:
    """The data of a profile's tag; None where it lacks it."""
    try:
        for i in range(min(100, struct.unpack_from(">L", icc, 128)[0])):
            found, offset, size = struct.unpack_from(">4sLL", icc, 132 + 12 * i)
            if found == name:
                return icc[offset : offset + size]
    except struct.error:
        pass
    return None


def _written(matrix: np.ndarray, curve: bytes) -> bytes:
    """An RGB profile (ICC version 2) of the primaries' XYZ, in columns, and one curve for all three."""

    def numbers(values: Any) -> bytes:
        return b"".join(struct.pack(">l", round(float(v) * 65536)) for v in values)

    text = b"RGB of a file without a profile\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">L", len(text)) + text + bytes(79),
        b"cprt": b"text\0\0\0\0no copyright\0",
        b"wtpt": b"XYZ \0\0\0\0" + numbers(_D50),
        b"rXYZ": b"XYZ \0\0\0\0" + numbers(matrix[:, 0]),
        b"gXYZ": b"XYZ \0\0\0\0" + numbers(matrix[:, 1]),
        b"bXYZ": b"XYZ \0\0\0\0" + numbers(matrix[:, 2]),
        b"rTRC": curve,
    }
    body, table = b"", b""
    start = 128 + 4 + 12 * (len(tags) + 2)
    places = {}
    for name, data in tags.items():
        places[name] = (start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    places[b"gTRC"] = places[b"bTRC"] = places[b"rTRC"]
    for name, place in places.items():
        table += name + struct.pack(">LL", *place)
    size = start + len(body)
    header = struct.pack(">L4sL", size, b"\0\0\0\0", 0x02100000) + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + numbers(_D50)
    return header.ljust(128, b"\0") + struct.pack(">L", len(places)) + table + body
