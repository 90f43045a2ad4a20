"""The pixels of a picture in their own depth and colours, with what the file says about them.

Photographs that are translated, training images and the server's all come from here, so that the model sees the same.
"""

from __future__ import annotations

import dataclasses
import io
import math
from typing import Any

import cv2
import numpy as np
from PIL import Image

from lomit_tf.data import colour, exif, jpeg, opening, png_chunks, xmp
from lomit_tf.data.icc import (
    ADOBE_GAMMA,
    ADOBE_PRIMARIES,
    SRGB_PRIMARIES,
    ProfileError,
    colours_of,
    of_grey,
    of_primaries,
)

# What each EXIF orientation asks of an array (H, W, ...) to stand upright.
_TURNS = {
    2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1], 5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1], 7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[::-1],
}  # fmt: skip
_TIFF_TEXTS = (270, 271, 272, 305, 306, 315, 316, 33432)  # description, make, model, software, date, artist, ...
_TIFF_NOTES = (18246, 18249, 40091, 40092, 40093, 40094, 40095)  # ratings, and Windows' title, comment, author, ...
DESCRIPTIVE = frozenset(_TIFF_TEXTS + _TIFF_NOTES)  # of a TIFF's tags, those that do not tell how its pixels lie
EXIF_POINTER, GPS_POINTER, INTEROP_POINTER = 0x8769, 0x8825, 0xA005
# libpng takes gammas within this part of sRGB's for sRGB's, and so do we: 0.45455 stands in files that mean sRGB.
_NEAR_SRGB = 0.05
ROWS = 128  # of an image that are copied at once


@dataclasses.dataclass(frozen=True)
class Pixels:
    """Upright pixels.

    Attributes:
      values: (H, W, 3), red, green, blue, as the file has them: uint8, uint16, or float32 in 0..1.
      alpha: (H, W) of the same type, or None.
      icc: the profile of `values`; empty for sRGB, also of files that say nothing.
      exif: an EXIF block without prefix, orientation and thumbnail; xmp: a packet; dpi: across and down.
      notes: what a person should know about the reading.
    """

    values: np.ndarray
    alpha: np.ndarray | None
    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


def pixels_of(image: Image.Image, *, metadata: bool = True) -> Pixels:
    """The pixels of an image that `opening.opened` gave, within its block.

    Args:
      metadata: whether EXIF, XMP and the density are wanted.

    Raises what Pillow raises, and ValueError for floats outside of 0..1; `opened` makes CorruptImageError of both.
    """
    notes = list(image.info.get(opening.NOTES, ()))
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format == "TIFF":
        notes.append("a file of several pages; the first one is taken")
    elif frames > 1 and image.format == "HEIF":
        notes.append("a file of several pictures; the main one is taken")
    elif frames > 1 and image.format != "MPO":
        notes.append("an animation; its first frame is taken")
    if image.info.get("bit_depth", 8) > 8:
        notes.append(f"{image.info['bit_depth']} bits a channel, of which 8 are read")
    raw_exif, raw_xmp = _raw_exif(image), _bytes(image.info.get("xmp"))
    turn = _orientation(image, raw_exif, raw_xmp)
    by_tag = bool(_tag(image, exif.ORIENTATION))  # OpenCV turns a TIFF by its tag, and Pillow always
    icc, converted = _profile(image, raw_exif, notes)
    deep = _deep_colours(image)  # before anything decodes a PNG, and forgets how it was stored
    if deep is not None:
        values, alpha = deep[..., :3], deep[..., 3] if deep.shape[-1] == 4 else None
    else:
        values, alpha = _split(image if converted is None else converted)
    if turn in _TURNS and not (_is_tiff(image) and (by_tag or deep is None)):
        values, alpha = _TURNS[turn](values), None if alpha is None else _TURNS[turn](alpha)
    values = np.ascontiguousarray(values)
    alpha = None if alpha is None else np.ascontiguousarray(alpha)
    profile = colour.profile_of(icc)
    if profile is not None and profile.one_way:
        values, icc = _converted(values, profile), b""
        notes.append("its colour profile only leads to sRGB, which the result has")
    if not metadata:
        return Pixels(values, alpha, icc, notes=tuple(notes))
    block, exif_notes = exif.cleaned(raw_exif)
    packet, xmp_notes = xmp.cleaned(raw_xmp)
    said = not _is_tiff(image) or _tag(image, 282) is not None  # Pillow gives 1 for a TIFF that says nothing
    dpi = _dpi(image.info.get("dpi")) if said else None
    if dpi and turn >= 5:
        dpi = dpi[::-1]
    return Pixels(values, alpha, icc, block, packet, dpi, (*notes, *exif_notes, *xmp_notes))


def to_srgb8(values: np.ndarray, alpha: np.ndarray | None, icc: bytes) -> np.ndarray:
    """(H, W, 3) uint8 in sRGB, as the model sees it: transparency over white, 16 bits to their high byte."""
    profile = colour.profile_of(icc)
    return over_white(to_8_bits(values) if profile is None else _converted_8(values, profile), alpha)


def over_white(rgb: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """(H, W, 3) uint8 with its transparency (H, W), if any, laid over white."""
    if alpha is None:
        return rgb
    rgba = Image.fromarray(np.dstack([rgb, to_8_bits(alpha)]), "RGBA")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    white.alpha_composite(rgba)
    return np.array(white.convert("RGB"))


def to_8_bits(array: np.ndarray) -> np.ndarray:
    """uint8 as it is, the high byte of uint16, floats in 0..1 rounded."""
    if array.dtype == np.uint16:
        return (array >> 8).astype(np.uint8)
    return array if array.dtype == np.uint8 else np.round(array * 255.0).astype(np.uint8)


def _converted_8(values: np.ndarray, profile: colour.Profile) -> np.ndarray:
    if values.dtype == np.uint8:
        return profile.to_srgb8(values)
    return np.round(profile.to_srgb(values) * np.float32(255)).astype(np.uint8)


def _converted(values: np.ndarray, profile: colour.Profile) -> np.ndarray:
    """The same type, in sRGB."""
    if values.dtype == np.uint8:
        return profile.to_srgb8(values)
    return np.round(profile.to_srgb(values) * np.float32(65535)).astype(np.uint16)


def _bytes(value: Any) -> bytes:
    return value.encode("utf-8", "replace") if isinstance(value, str) else value if isinstance(value, bytes) else b""


def _is_tiff(image: Image.Image) -> bool:
    return hasattr(image, "tag_v2")


def _tag(image: Image.Image, tag: int) -> Any:
    """The value of a TIFF's tag; None where it has none that can be read."""
    try:
        return image.tag_v2.get(tag) if _is_tiff(image) else None  # type: ignore[attr-defined]
    except opening.DECODER_ERRORS:
        return None


def _raw_exif(image: Image.Image) -> bytes:
    """The EXIF block as it is in the file; of a TIFF, one made of its tags."""
    block = _bytes(image.info.get("exif"))
    if not block and "Raw profile type exif" in image.info:  # of a PNG that Pillow has opened alone
        block = png_chunks.hexadecimal(_bytes(image.info["Raw profile type exif"]))
    if block or not _is_tiff(image):
        return exif.without_prefix(block)
    try:
        found, made = image.getexif(), Image.Exif()
        for tag in DESCRIPTIVE & set(found):
            made[tag] = found[tag]
        for pointer in (EXIF_POINTER, GPS_POINTER):
            directory = dict(found.get_ifd(pointer)) if pointer in found else {}
            directory.pop(INTEROP_POINTER, None)
            if directory:
                made[pointer] = directory
        return exif.without_prefix(made.tobytes()) if len(made) else b""
    except opening.DECODER_ERRORS:
        return b"damaged"


def _orientation(image: Image.Image, block: bytes, packet: bytes) -> int:
    """How the picture must be turned, 1 to 8: the file's EXIF says it, else its XMP."""
    if image.format == "HEIF":
        return 1  # libheif has turned it
    own = _tag(image, exif.ORIENTATION) if _is_tiff(image) else exif.orientation(block)
    own = own if isinstance(own, int) and 1 <= own <= 8 else 0
    return own or xmp.orientation(packet) or 1


def _profile(image: Image.Image, block: bytes, notes: list[str]) -> tuple[bytes, Image.Image | None]:
    """The ICC profile under which RGB values of the picture have their colours; and CMYK, already converted."""
    icc, info = _bytes(image.info.get("icc_profile")), image.info
    try:
        if icc:
            kind = colours_of(icc)
            if image.mode == "CMYK":
                if kind != "CMYK":
                    raise ProfileError("it is not of CMYK colours")
                return b"", colour.cmyk_to_srgb(image, icc)
            if kind == "GRAY" and image.mode[0] in "1LI":
                icc = of_grey(icc)
            elif image.mode in ("LAB", "F"):
                raise ProfileError("it does not fit the picture's colours")
        elif image.format == "PNG" and "srgb" not in info and ("gamma" in info or "chromaticity" in info):
            icc = _of_numbers(info.get("gamma"), info.get("chromaticity"))
        elif "srgb" not in info and image.mode == "RGB" and exif.interoperability(block) == "R03":
            icc = of_primaries(ADOBE_GAMMA, ADOBE_PRIMARIES)
        colour.profile_of(icc)
        return icc, None
    except ProfileError as error:
        notes.append(f"its colour profile cannot be used ({error}), and is left out; sRGB is assumed")
        return b"", None


def _of_numbers(gamma: float | None, primaries: tuple[float, ...] | None) -> bytes:
    """The profile that PNG's gAMA and cHRM stand for; none where both are near to sRGB's."""
    near = primaries is None or np.allclose(primaries, SRGB_PRIMARIES, atol=0.002)
    usual = gamma is None or abs(gamma * 2.2 - 1) < _NEAR_SRGB
    if near and usual:
        return b""
    if gamma is not None and gamma <= 0:
        raise ProfileError("a gamma of 0")
    return of_primaries(2.2 if gamma is None else 1 / gamma, primaries or SRGB_PRIMARIES)


def _encoded(image: Image.Image) -> bytes | None:
    """The file of an image that `opening.opened` opened; one that was open already may have been changed since."""
    file = getattr(image, "fp", None)
    return file.getvalue() if opening.NOTES in image.info and isinstance(file, io.BytesIO) else None


def _deep_colours(image: Image.Image) -> np.ndarray | None:
    """(H, W, 3 or 4) uint16 of a PNG or TIFF with 16 bits a channel, which Pillow reads with 8; None of others."""
    data = _encoded(image)
    if data is None:
        return None
    tiles = getattr(image, "tile", None)
    arguments = tiles[0][3] if tiles else ""
    raw = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    if image.mode not in ("RGB", "RGBA", "LA") or ";16" not in str(raw):
        return None
    image.load()  # Pillow's checks come first: OpenCV fills what is missing of a truncated file
    array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16 or array.ndim != 3:
        return None
    if sorted(array.shape[:2]) != sorted(image.size):
        return None
    return array[..., [2, 1, 0, 3][: array.shape[-1]]]


def _split(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Colours (H, W, 3) and transparency (H, W) or None of a Pillow image of any mode."""
    if image.mode.startswith("I"):  # 16-bit grey, as "I;16", "I;16B" or "I"; Pillow's convert() would saturate it
        grey = np.asarray(image).astype(np.int64)
        deep = image.mode != "I" or grey.max() > 255  # "I" has 32 bits, of which a file may use 8 or 16
        values = np.clip(grey, 0, 65535).astype(np.uint16) if deep else np.clip(grey, 0, 255).astype(np.uint8)
        return np.repeat(values[..., None], 3, axis=-1), None
    if image.mode == "F":
        grey = np.asarray(image)
        if not np.isfinite(grey).all():
            raise ValueError(f"a picture of floats, of which {int((~np.isfinite(grey)).sum())} are NaN or infinite")
        if grey.min() < 0 or grey.max() > 1:
            raise ValueError(
                f"a picture of floats, which must lie in 0..1; it has {grey.min():.4g} to {grey.max():.4g} "
                "(save it with 8 or 16 bits)"
            )
        return np.repeat(grey[..., None], 3, axis=-1), None
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        if image.mode in ("RGBa", "La"):
            image = image.convert("RGBA" if image.mode == "RGBa" else "LA")
        rgba = np.array(image.convert("RGBA"))
        return np.ascontiguousarray(rgba[..., :3]), np.ascontiguousarray(rgba[..., 3])
    return _array(image if image.mode == "RGB" else image.convert("RGB")), None


def _array(image: Image.Image) -> np.ndarray:
    """np.array of an RGB image (H, W, 3) uint8.

    A JPEG that is not decoded yet, OpenCV decodes; else some rows at a time: one copy of all of it takes longer.
    """
    data = _encoded(image) if image.format in ("JPEG", "MPO") and getattr(image, "tile", None) else None
    whole = None if data is None else jpeg.decoded(data, *image.size)
    if whole is not None:
        return whole
    image.load()
    values = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, ROWS):
        values[top : top + ROWS] = np.asarray(image.crop((0, top, image.width, min(image.height, top + ROWS))))
    return values


def _dpi(value: Any) -> tuple[float, float] | None:
    """Dots per inch, across and down, where they are two usable numbers."""
    try:
        x, y = (float(n) for n in value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return (x, y) if all(math.isfinite(n) and 1 <= n <= 65535 for n in (x, y)) else None
