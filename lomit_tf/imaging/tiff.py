"""TIFF files of 8 or 16 bits with their metadata: Pillow's writer drops the 16 bits, OpenCV's the metadata."""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

from lomit_tf.data.pixels import DESCRIPTIVE, EXIF_POINTER, GPS_POINTER, INTEROP_POINTER

_STRIP = 1 << 20  # bytes, about, of a strip before compression
_LONG, _UNDEFINED = 4, 7  # types of entries
_DEFLATE, _RGB, _DIFFERENCES, _INCH = 8, 2, 2, 2


def encode_tiff(
    array: np.ndarray, exif: bytes = b"", icc: bytes = b"", xmp: bytes = b"", dpi: tuple[float, float] | None = None
) -> bytes:
    """(H, W, 3 or 4) uint8 or uint16 as a TIFF file, without loss (Deflate, horizontal differences)."""
    height, width, channels = array.shape
    little = array.astype(array.dtype.newbyteorder("<"))
    rows = max(1, min(height, _STRIP // max(1, little[0].nbytes)))
    strips = [_compressed(little[start : start + rows]) for start in range(0, height, rows)]
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    for tag, value in described(exif).items():
        tags[tag] = value
    lengths = [len(strip) for strip in strips]
    layout: dict[int, Any] = {
        256: width, 257: height, 258: (8 * array.itemsize,) * channels, 259: _DEFLATE, 262: _RGB,
        273: tuple(int(n) for n in np.cumsum([0, *lengths[:-1]])), 277: channels, 278: rows, 279: tuple(lengths),
        284: 1, 317: _DIFFERENCES,
    }  # fmt: skip
    if channels == 4:
        layout[338] = 2  # the fourth is transparency, by which the colours are not multiplied
    if dpi:
        layout |= {282: dpi[0], 283: dpi[1], 296: _INCH}
    for tag, value in layout.items():
        tags[tag] = value
    for tag, data in ((34675, icc), (700, xmp)):
        if data:
            tags.tagtype[tag] = _UNDEFINED
            tags[tag] = data
    tags.tagtype[273] = tags.tagtype[279] = _LONG
    file = io.BytesIO()
    tags.save(file)  # adds the place where the strips begin to their offsets
    file.write(b"".join(strips))
    return file.getvalue()


def described(exif: bytes, *, maker_note: bool = True) -> dict[int, Any]:
    """What an EXIF block says, as the tags of a TIFF: those about the picture, and its directories of EXIF and GPS."""
    found = Image.Exif()
    found.load(exif)
    tags: dict[int, Any] = {tag: found[tag] for tag in DESCRIPTIVE & set(found)}
    for pointer in (EXIF_POINTER, GPS_POINTER):
        directory = dict(found.get_ifd(pointer)) if pointer in found else {}
        directory.pop(INTEROP_POINTER, None)
        if not maker_note:
            directory.pop(0x927C, None)
        directory = {tag: value for tag, value in directory.items() if _writes({tag: value}, pointer)}
        if directory:
            tags[pointer] = directory
    return {tag: value for tag, value in tags.items() if _writes({tag: value})}


def rebuilt(exif: bytes) -> bytes:
    """An EXIF block of the same without the camera maker's own notes, which are most of a large one."""
    made = Image.Exif()
    for tag, value in described(exif, maker_note=False).items():
        made[tag] = value
    return made.tobytes()[6:]


def _writes(tags: dict[int, Any], group: int | None = None) -> bool:
    """Whether Pillow can write these tags: it raises anything for values of another type than the tag's."""
    trial = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II", group=group)
    try:
        for tag, value in tags.items():
            trial[tag] = value
        trial.tobytes()
    except Exception:
        return False
    return True


def _compressed(rows: np.ndarray) -> bytes:
    differences = rows.copy()
    differences[:, 1:] -= rows[:, :-1]
    return zlib.compress(differences.tobytes(), 6)
