"""Colour profiles as bytes (ICC): what one says of its colours and curves, and RGB profiles that are written here."""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from PIL import ImageCms

# sRGB's primaries in the profile connection space (D50), as in the profiles that HP and the ICC publish.
SRGB_TO_XYZ = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)  # x, y of white, red, green and blue
ADOBE_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
ADOBE_GAMMA = 563 / 256
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])


class ProfileError(ValueError):
    """A colour profile that cannot be read, or of other colours than the picture's."""


def colours_of(icc: bytes) -> str:
    """What a profile's values are: RGB, GRAY, CMYK, Lab, ... Raises ProfileError where it cannot be read."""
    profile_in(icc)
    return icc[16:20].decode("latin-1").strip()


def of_grey(icc: bytes) -> bytes:
    """The RGB profile under which a grey value, repeated three times, has the colour that a grey profile gives it.

    Raises:
      ProfileError: the profile has no curve.
    """
    profile_in(icc)
    curve = tag_of(icc, b"kTRC")
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


def tone_curve(tag: bytes | None) -> np.ndarray | None:
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


def profile_in(icc: bytes) -> ImageCms.ImageCmsProfile:
    """LittleCMS' own of ICC data. Raises ProfileError where it cannot be read."""
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(icc))
    except (OSError, ValueError, TypeError, ImageCms.PyCMSError) as error:
        raise ProfileError("not an ICC profile") from error


def tag_of(icc: bytes, name: bytes) -> bytes | None:
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
