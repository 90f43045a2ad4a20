"""Writing photographs: encoding with metadata."""

from __future__ import annotations

import io
import os
from typing import Any

import cv2
import numpy as np
from PIL import Image

from lomit_tf.atomic import write_bytes
from lomit_tf.imaging.formats import ImageError, format_of
from lomit_tf.imaging.photo import Photo

# WebP and TIFF without loss, JPEG near to it; PNG's level 3 takes a third of the default's time for 5 % more bytes.
_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 3}, "JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True},
    "TIFF": {"compression": "tiff_lzw"}, "BMP": {},
}  # fmt: skip


def encode(photo: Photo, format: str = "PNG") -> bytes:
    """A photograph as a file of the given format (a value of formats.FORMATS), with its EXIF and ICC profile.

    PNG and TIFF keep 16 bits, and write floats as 16 bits; the others get 8. JPEG and BMP cannot hold transparency,
    which is laid over white there.
    """
    if photo.values.dtype != np.uint8 and format in ("PNG", "TIFF"):
        return _encode_16(photo, format)
    over_white = photo.alpha is not None and format in ("JPEG", "BMP")
    image = Image.fromarray(photo.rgb) if over_white else photo.pil()
    metadata = {k: v for k, v in (("exif", photo.exif), ("icc_profile", photo.icc)) if v and format != "BMP"}
    buffer = io.BytesIO()
    image.save(buffer, format, **_OPTIONS[format], **metadata)
    return buffer.getvalue()


def lost(photo: Photo, format: str) -> tuple[str, ...]:
    """Notes on what a format cannot hold of a photograph."""
    notes = []
    if photo.alpha is not None and format in ("JPEG", "BMP"):
        notes.append(f"{format} has no transparency, which was laid over white")
    if photo.values.dtype == np.uint16 and format not in ("PNG", "TIFF"):
        notes.append(f"{format} has 8 bits a channel; PNG and TIFF would keep 16")
    return tuple(notes)


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


def _encode_16(photo: Photo, format: str) -> bytes:
    array = photo.array()
    if array.dtype != np.uint16:
        array = np.round(array * 65535.0).astype(np.uint16)
    array = np.ascontiguousarray(array[..., [2, 1, 0, 3][: array.shape[-1]]])
    metadata = [
        (cv2.IMAGE_METADATA_EXIF, photo.exif.removeprefix(b"Exif\x00\x00")),
        (cv2.IMAGE_METADATA_ICCP, photo.icc),
    ]
    present = [(kind, np.frombuffer(data, np.uint8)) for kind, data in metadata if data] if format == "PNG" else []
    ending = ".png" if format == "PNG" else ".tiff"
    if present:
        done, data = cv2.imencodeWithMetadata(ending, array, [k for k, _ in present], [d for _, d in present])
    else:
        done, data = cv2.imencode(ending, array)
    if not done:
        raise ImageError(f"{photo.name}: could not be encoded as a 16-bit {format}")
    return data.tobytes()
