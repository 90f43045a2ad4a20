"""Opening pictures with Pillow: sizes are checked before anything is decoded, and what is wrong is said by name."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import cv2
from PIL import Image, UnidentifiedImageError

from lomit_tf.data import exif, png_chunks

MAX_PIXELS = 80_000_000  # below Pillow's own warning limit (89 million); 240 MB once decoded

# What Pillow's readers raise on damaged files; OSError also covers files that cannot be opened.
DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, AttributeError,
    RuntimeError, struct.error, zlib.error, cv2.error,
)  # fmt: skip
# How files begin that people take for pictures, and that no reader here knows.
_KNOWN_STARTS = (
    (b"\xff\x0a", "JPEG XL"), (b"\0\0\0\x0cJXL ", "JPEG XL"), (b"FUJIFILMCCD-RAW", "a raw photograph"),
    (b"IIRO", "a raw photograph"), (b"IIRS", "a raw photograph"), (b"MMOR", "a raw photograph"),
    (b"IIU\0", "a raw photograph"), (b"\x76\x2f\x31\x01", "OpenEXR"), (b"gimp xcf", "a picture of GIMP"),
    (b"<svg", "a drawing in SVG"),
)  # fmt: skip
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
ADVICE = "save it as JPEG, PNG, TIFF, WebP or HEIC"
_SUBFILE_TYPE, _DNG_VERSION = 254, 50706
NOTES = "lomit_tf notes"  # in an opened image's info: what was wrong with its metadata


class CorruptImageError(ValueError):
    """An image that cannot be read; the message names it and says why."""


class TooManyPixelsError(CorruptImageError):
    """An image that is too large to be decoded."""


@contextlib.contextmanager
def opened(
    source: bytes | str | os.PathLike[str] | Image.Image,
    name: str = "",
    formats: tuple[str, ...] | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Image.Image]:
    """The image that Pillow opens, its size checked before anything is decoded; to be decoded within the block.

    Args:
      source: the encoded bytes, the path of a file, or an image that is open already.
      name: what to call the image in messages; the path, or "image bytes", where empty.
      formats: Pillow's names of the formats to read; all by default.
      max_pixels: how many are taken, at most.

    Raises:
      CorruptImageError: it is missing, empty, truncated, or not an image; also for what Pillow raises within the block.
      TooManyPixelsError: it has more than max_pixels pixels.
    """
    name = name or (str(source) if isinstance(source, (str, os.PathLike)) else "image bytes")
    data = b""
    try:
        with contextlib.ExitStack() as stack:
            if isinstance(source, Image.Image):
                image = source  # open already, and the caller's to close
            else:
                data, info, notes = sound(_read(source))
                if not data:
                    raise CorruptImageError(f"{name}: the file is empty")
                image = stack.enter_context(_open(data, formats or readers()))
                image.info.update(info)  # type: ignore[arg-type]
                image.info[NOTES] = (*image.info.get(NOTES, ()), *notes)
                _refuse_previews(image, data, name)
            width, height = image.size
            if width * height > max_pixels:
                raise TooManyPixelsError(f"{name}: {width}x{height} pixels, {_over(max_pixels)}")
            yield image
    except CorruptImageError:
        raise
    except FileNotFoundError as error:
        raise CorruptImageError(f"{name}: no such file") from error
    except (
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:  # Pillow's own limit comes first, and its text speaks of attacks
        pixels = next(iter(re.findall(r"\d+", str(error))), "too many")
        raise TooManyPixelsError(f"{name}: {pixels} pixels, {_over(max_pixels)}") from error
    except UnidentifiedImageError as error:  # its own text names a Python object, not the file
        raise CorruptImageError(f"{name}: {_unknown(data, formats)}") from error
    except DECODER_ERRORS as error:
        why = " ".join(str(error).split()) or type(error).__name__
        if "truncated" in why:  # Pillow's text counts bytes that nobody can look up
            why = "truncated, its end is missing; copy it again"
        raise CorruptImageError(f"{name}: {why}") from error


def _over(limit: int) -> str:
    return f"over the limit of {limit:,} in all; make it smaller first"


def sound(data: bytes) -> tuple[bytes, dict[str, Any], tuple[str, ...]]:
    """A file without damaged metadata that would keep Pillow from its pixels; what it said, for `info`; and notes."""
    if data[:4] in exif.TIFF_HEADERS:
        repaired = exif.repaired(data)
        return repaired, {}, () if repaired is data else (png_chunks.DAMAGED,)
    return png_chunks.split(data)


def _open(data: bytes, formats: tuple[str, ...]) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=formats)
    except UnidentifiedImageError:
        if b"avif" not in data[4:32]:
            raise
    # Pillow reads the EXIF data of an AVIF before anything else, and gives up where they are damaged: rename them.
    image = Image.open(io.BytesIO(data.replace(b"Exif\0", b"none\0", 1)), formats=formats)
    image.info[NOTES] = (png_chunks.DAMAGED,)
    return image


def _read(source: bytes | str | os.PathLike[str]) -> bytes:
    if isinstance(source, bytes):
        return source
    with open(source, "rb") as file:
        return file.read()


def _unknown(data: bytes, formats: tuple[str, ...] | None) -> str:
    """What to say of a file that no reader takes."""
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS and "HEIF" not in readers():
        return "HEIC, which needs pillow-heif: pip install 'lomit_tf[photos]'"
    if formats:
        return f"not an image in {', '.join(formats)}"
    for start, kind in _KNOWN_STARTS:
        if data.startswith(start):
            return f"{kind}, which cannot be read; {ADVICE}"
    if data[4:12] == b"ftypcrx ":
        return f"a raw photograph, which cannot be read; {ADVICE}"
    return "not an image, or of a format that cannot be read"


def _refuse_previews(image: Image.Image, data: bytes, name: str) -> None:
    """Raw photographs are TIFF files whose first page is often a small preview: it must not pass for the photograph."""
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return
    subfile = tags.get(_SUBFILE_TYPE, 0)
    preview = isinstance(subfile, int) and subfile & 1
    if _DNG_VERSION in tags or preview or data[8:10] == b"CR":
        raise CorruptImageError(f"{name}: a raw photograph, which cannot be read; {ADVICE}")


@functools.cache
def readers() -> tuple[str, ...]:
    """Pillow's readers, HEIF among them, without the one that starts another program: EPS is handed to Ghostscript."""
    with contextlib.suppress(ImportError):  # the extra `photos`
        import pillow_heif

        pillow_heif.register_heif_opener()
    Image.init()
    return tuple(format for format in Image.ID if format != "EPS")
