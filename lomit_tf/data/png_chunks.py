"""PNG: what is said about the picture, taken out of the file, so that its damage cannot spoil sound pixels.

Pillow refuses a PNG for a wrong checksum or a text that is too long, wherever it stands.
"""

from __future__ import annotations

import binascii
import contextlib
import struct
import zlib
from typing import Any

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST = 16 << 20  # bytes of a profile or a text, once it is decompressed
# Chunks that decide about the pixels: all with a capital letter first, transparency, and the frames of an animation.
_OF_PIXELS = (b"tRNS", b"acTL", b"fcTL", b"fdAT")
_XMP = b"XML:com.adobe.xmp\0"
_RAW_EXIF = (b"Raw profile type exif\0", b"Raw profile type APP1\0")  # as ImageMagick wrote it before eXIf
DAMAGED = "some of its metadata are damaged, and are left out"


def split(data: bytes) -> tuple[bytes, dict[str, Any], tuple[str, ...]]:
    """A PNG of its pixels alone; what it says about them, by the names that Pillow uses in `info`; and notes.

    The file comes back as it is where it is no PNG, or its chunks cannot be followed.
    """
    if not data.startswith(SIGNATURE):
        return data, {}, ()
    kept, notes = [SIGNATURE], []
    info: dict[str, Any] = {}
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">L", data, at)
        kind, end = data[at + 4 : at + 8], at + 12 + length
        if end > len(data) or not kind.isalpha():
            kept.append(data[at:])  # cut short: Pillow says so
            break
        if kind[0] & 0x20 and kind not in _OF_PIXELS:
            body = data[at + 8 : end - 4]
            try:
                if struct.unpack_from(">L", data, end - 4)[0] != zlib.crc32(body, zlib.crc32(kind)):
                    raise ValueError("the checksum does not match")
                if kind in _READERS:
                    for name, value in _READERS[kind](body).items():
                        info.setdefault(name, value)
            except (ValueError, struct.error, zlib.error, IndexError, UnicodeError):
                notes = [DAMAGED]
        else:
            kept.append(data[at:end])
        at = end
        if kind == b"IEND":
            break
    else:
        kept.append(data[at:])
    return b"".join(kept), info, tuple(notes)


def with_chunks(data: bytes, chunks: list[tuple[bytes, bytes]]) -> bytes:
    """A PNG with further chunks after its header, where all of them may stand."""
    made = [
        struct.pack(">L", len(body)) + kind + body + struct.pack(">L", zlib.crc32(body, zlib.crc32(kind)))
        for kind, body in chunks
    ]
    start = len(SIGNATURE) + 25  # the signature and IHDR
    return data[:start] + b"".join(made) + data[start:]


def chunks_of(exif: bytes, icc: bytes, xmp: bytes, dpi: tuple[float, float] | None) -> list[tuple[bytes, bytes]]:
    """The chunks that hold these; none for what is empty."""
    chunks = []
    if icc:
        chunks.append((b"iCCP", b"ICC Profile\0\0" + zlib.compress(icc)))
    if dpi:
        chunks.append((b"pHYs", struct.pack(">LLB", *(round(n / 0.0254) for n in dpi), 1)))
    if exif:
        chunks.append((b"eXIf", exif))
    if xmp:
        chunks.append((b"iTXt", _XMP + b"\0\0\0\0" + xmp))
    return chunks


def _inflated(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    out = stream.decompress(data, LARGEST)
    if stream.unconsumed_tail or not stream.eof:
        raise ValueError("too large, or cut short")
    return out


def _profile(body: bytes) -> dict[str, Any]:
    name, _, rest = body.partition(b"\0")
    if not name or rest[:1] != b"\0":
        raise ValueError("unknown compression")
    return {"icc_profile": _inflated(rest[1:])}


def _primaries(body: bytes) -> dict[str, Any]:
    return {"chromaticity": tuple(n / 100000 for n in struct.unpack(">8L", body))}


def _density(body: bytes) -> dict[str, Any]:
    x, y, unit = struct.unpack(">LLB", body)
    return {"dpi": (x * 0.0254, y * 0.0254)} if unit == 1 else {}


def _text(body: bytes) -> dict[str, Any]:
    """iTXt: XMP."""
    if not body.startswith(_XMP):
        return {}
    compressed, method = body[len(_XMP)], body[len(_XMP) + 1]
    packet = body[len(_XMP) + 2 :].split(b"\0", 2)[2]
    if compressed and method != 0:
        raise ValueError("unknown compression")
    return {"xmp": _inflated(packet) if compressed else packet}


def _compressed_text(body: bytes) -> dict[str, Any]:
    """zTXt: EXIF as ImageMagick wrote it."""
    for name in _RAW_EXIF:
        if body.startswith(name):
            return _hexadecimal(_inflated(body[len(name) + 1 :]))
    return {}


def _plain_text(body: bytes) -> dict[str, Any]:
    for name in _RAW_EXIF:
        if body.startswith(name):
            return _hexadecimal(body[len(name) :])
    return {}


def _hexadecimal(text: bytes) -> dict[str, Any]:
    """Lines: an empty one, the kind, the length, and the digits."""
    found = hexadecimal(text)
    if not found:
        raise ValueError("not hexadecimal")
    return {"exif": found}


def hexadecimal(text: bytes) -> bytes:
    """The bytes of such a text; empty where it is none."""
    with contextlib.suppress(binascii.Error):
        return binascii.unhexlify(b"".join(text.split(b"\n")[3:]))
    return b""


_READERS = {
    b"iCCP": _profile,
    b"sRGB": lambda body: {"srgb": body[0]},
    b"gAMA": lambda body: {"gamma": struct.unpack(">L", body)[0] / 100000},
    b"cHRM": _primaries,
    b"pHYs": _density,
    b"eXIf": lambda body: {"exif": body},
    b"iTXt": _text,
    b"zTXt": _compressed_text,
    b"tEXt": _plain_text,
}
