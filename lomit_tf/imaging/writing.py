"""Writing photographs: encoding with metadata."""

from __future__ import annotations

import io
import os
from typing import Any

import cv2
import numpy as np
from PIL import Image

from lomit_tf.data import colour, jpeg, pixels, png_chunks
from lomit_tf.data.exif import PREFIX
from lomit_tf.imaging import tiff
from lomit_tf.imaging.formats import ImageError, format_of
from lomit_tf.imaging.photo import Photo
from lomit_tf.runtime.atomic import write_bytes

# WebP and TIFF without loss, JPEG near to it; PNG's level 3 takes a third of the default's time for 5 % more bytes.
_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 3}, "JPEG": {"quality": 95, "subsampling": 0}, "BMP": {},
    "WEBP": {"lossless": True, "exact": True},
}  # fmt: skip
LONGEST_SIDE = {"WEBP": 16383, "JPEG": 65500}  # pixels; libjpeg's limit is a little below the format's own 65,535
_SEGMENT = {"exif": 65533 - 6, "xmp": 65533 - 29}  # bytes, at most, in a JPEG, whose segments have a name in front


def encode(photo: Photo, format: str = "PNG", *, spent: bool = False) -> bytes:
    """A photograph as a file of the given format (a value of formats.FORMATS), with its metadata.

    EXIF, ICC profile, XMP and density are kept where the format has a place for them; BMP keeps the density alone, and
    is written in sRGB. PNG and TIFF keep 16 bits, and write floats as 16 bits; the others get 8. JPEG and BMP cannot
    hold transparency, which is laid over white there. `lost` says what of this concerns a photograph.

    Args:
      spent: the photograph is not needed again, and its pixels may be overwritten.

    Raises:
      ImageError: more pixels a side than the format can hold.
    """
    limit = LONGEST_SIDE.get(format)
    if limit and max(photo.size) > limit:
        height, width = photo.size
        raise ImageError(
            f"{photo.name}: {format} holds at most {limit:,} pixels a side, and this is {width:,}x{height:,}; "
            "write PNG or TIFF (--format=png)"
        )
    held, _ = _metadata(photo, format)
    if format == "TIFF":
        return tiff.encode_tiff(_deep(photo), **held)
    if format == "PNG":
        array = _deep(photo)
        return png_chunks.with_chunks(_png(array, photo.name), png_chunks.chunks_of(**held))
    flat = format in ("JPEG", "BMP")
    if format == "BMP" and photo.icc:
        array = photo.rgb
    else:
        array = photo.over_white() if flat else pixels.to_8_bits(photo.array())
    prefix = PREFIX if format == "JPEG" and held["exif"] else b""
    named = {"exif": prefix + held["exif"], "icc_profile": held["icc"], "xmp": held["xmp"], "dpi": held["dpi"]}
    known = {k: v for k, v in named.items() if v}
    if format == "JPEG":
        return jpeg.encoded(array, spent=spent or array is not photo.values, **_OPTIONS[format], **known)
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format, **_OPTIONS[format], **known)
    return buffer.getvalue()


def lost(photo: Photo, format: str) -> tuple[str, ...]:
    """Notes on what a format cannot hold of a photograph."""
    notes = []
    if photo.alpha is not None and format in ("JPEG", "BMP"):
        notes.append(f"{format} has no transparency, which was laid over white")
    if photo.values.dtype == np.uint16 and format not in ("PNG", "TIFF"):
        notes.append(f"{format} has 8 bits a channel; PNG and TIFF would keep 16")
    return (*notes, *_metadata(photo, format)[1])


def _metadata(photo: Photo, format: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What is written of a photograph's metadata, and notes on what is not."""
    exif, icc, xmp, notes = photo.exif, photo.icc, photo.xmp, []
    if format == "BMP":
        if colour.profile_of(icc) is not None:
            notes.append("BMP has no colour profile; it was written in sRGB")
        return {"exif": b"", "icc": b"", "xmp": b"", "dpi": photo.dpi}, tuple(notes)
    if format == "JPEG" and len(exif) > _SEGMENT["exif"]:
        smaller = tiff.rebuilt(exif)
        exif = smaller if len(smaller) <= _SEGMENT["exif"] else b""
        what = "the camera maker's notes among them were left out" if exif else "they were left out"
        notes.append(f"JPEG holds at most 64 KB of EXIF data; {what}")
    if format == "JPEG" and len(xmp) > _SEGMENT["xmp"]:
        xmp = b""
        notes.append("JPEG holds at most 64 KB of XMP data; they were left out")
    return {"exif": exif, "icc": icc, "xmp": xmp, "dpi": photo.dpi}, tuple(notes)


def given_back(photo: Photo) -> Any:
    """The photograph in the type in which it was given: array, Pillow image (also for a path), or a PNG's bytes."""
    if photo.kind == "array":
        return photo.array()
    return encode(photo) if photo.kind == "bytes" else photo.pil()


def encode_mask(mask: np.ndarray) -> bytes:
    """A mask (H, W) in 0..1 as an 8-bit grey PNG."""
    buffer = io.BytesIO()
    Image.fromarray(np.round(np.clip(mask, 0, 1) * 255).astype(np.uint8)).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def save(photo: Photo, path: str | os.PathLike[str]) -> None:
    """Write a photograph, in the format that the name's ending asks for.

    Raises:
      ImageError: an ending that cannot be written. OSError: the file cannot be written.
    """
    write_bytes(path, encode(photo, format_of(path)))


def _deep(photo: Photo) -> np.ndarray:
    """The photograph's array, uint8 or uint16."""
    array = photo.array()
    return array if array.dtype in (np.uint8, np.uint16) else np.round(array * 65535.0).astype(np.uint16)


def _png(array: np.ndarray, name: str) -> bytes:
    """(H, W, 3 or 4) uint8 or uint16 as a PNG without metadata."""
    if array.dtype == np.uint8:
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, "PNG", **_OPTIONS["PNG"])
        return buffer.getvalue()
    done, data = cv2.imencode(".png", np.ascontiguousarray(array[..., [2, 1, 0, 3][: array.shape[-1]]]))
    if not done:
        raise ImageError(f"{name}: could not be encoded as a 16-bit PNG")
    return data.tobytes()
