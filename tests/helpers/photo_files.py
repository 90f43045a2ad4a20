"""Photographs as cameras, phones and programs write them, and their faults: files that the tests make themselves."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageCms, TiffImagePlugin

from lomit_tf.data.icc import of_primaries
from lomit_tf.data.opening import readers

D65 = (0.3127, 0.329)
PRIMARIES = {
    "Display P3": (*D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    "AdobeRGB": (*D65, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06),
    "ProPhoto": (0.3457, 0.3585, 0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001),
}
GAMMAS = {"Display P3": 2.2, "AdobeRGB": 563 / 256, "ProPhoto": 1.8}
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="1"><dc:format>image/x</dc:format>'
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)
JPEG_START = b"\xff\xd8\xff"


def profile(name: str) -> bytes:
    """A profile of PRIMARIES as ICC data."""
    return of_primaries(GAMMAS[name], PRIMARIES[name])


def icc(space: bytes, connection: bytes, kind: bytes, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile (version 2) of the given tags."""
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">L", 5) + b"test\0" + bytes(79),
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3l", 63190, 65536, 54061),
        **tags,
    }
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">LL", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">L4sL", start + len(body), b"\0\0\0\0", 0x02100000) + kind + space + connection
    header = header.ljust(36, b"\0") + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">3l", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + struct.pack(">L", len(tags)) + table + body


def grey_profile(gamma: float) -> bytes:
    curve = struct.pack(">4sLLH", b"curv", 0, 1, round(gamma * 256))
    return icc(b"GRAY", b"XYZ ", b"mntr", {b"kTRC": curve})


def table_profile(space: bytes, corners: np.ndarray, *, kind: bytes = b"prtr") -> bytes:
    """A profile that leads one way, by a table: corners (2, ..., 2, 3) uint8 of Lab, one axis for each channel."""
    channels = corners.ndim - 1
    identity = struct.pack(">9l", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    ramp = bytes(range(256))
    table = struct.pack(">4sLBBBB", b"mft1", 0, channels, 3, 2, 0) + identity + ramp * channels
    return icc(space, b"Lab ", kind, {b"A2B0": table + corners.astype(np.uint8).tobytes() + ramp * 3})


def cmyk_profile() -> bytes:
    """A press that prints paler than the plain formula: no ink is a yellowish white, black ink a dark grey."""
    ink = np.indices((2, 2, 2, 2)).reshape(4, -1).T  # (16, 4) of cyan, magenta, yellow, black
    lightness = 240 - 50 * ink[:, :3].sum(axis=1) - 60 * ink[:, 3]
    lab = np.stack(
        [np.clip(lightness, 20, 255), 128 + 40 * (ink[:, 1] - ink[:, 0]), 140 + 40 * (ink[:, 2] - ink[:, 0])], -1
    )
    return table_profile(b"CMYK", np.clip(lab, 0, 255).reshape(2, 2, 2, 2, 3))


def encoded(image: Image.Image | np.ndarray, format: str = "PNG", **options: Any) -> bytes:
    readers()
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, format, **options)
    return buffer.getvalue()


# EXIF blocks, without the prefix of a JPEG


def block(entries: list[tuple[int, int, int, bytes]], thumbnail: bytes = b"", order: str = "<") -> bytes:
    """Entries (tag, type, count, data), and a thumbnail; by hand, as no library writes what is wrong."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "L", 8)
    after = 8 + 2 + 12 * len(entries) + 4
    directory, data = struct.pack(order + "H", len(entries)), b""
    for tag, type, count, value in entries:
        if len(value) <= 4:
            directory += struct.pack(order + "HHL", tag, type, count) + value.ljust(4, b"\0")
        else:
            directory += struct.pack(order + "HHLL", tag, type, count, after + len(data))
            data += value + bytes(len(value) % 2)
    if not thumbnail:
        return head + directory + struct.pack(order + "L", 0) + data
    second = after + len(data)
    picture = second + 2 + 24 + 4
    data += struct.pack(order + "H", 2)
    data += struct.pack(order + "HHLL", 0x0201, 4, 1, picture) + struct.pack(
        order + "HHLL", 0x0202, 4, 1, len(thumbnail)
    )
    return head + directory + struct.pack(order + "L", second) + data + struct.pack(order + "L", 0) + thumbnail


def exif(
    orientation: int | None = None,
    *,
    maker: bytes = b"Maker\0",
    note: bytes = b"",
    thumbnail: bytes = b"",
    order: str = "<",
) -> bytes:
    """A sound block with a maker, an orientation, and further what is asked for."""
    entries = [(0x010F, 2, len(maker), maker)]
    if orientation is not None:
        entries.append((0x0112, 3, 1, struct.pack(order + "H", orientation)))
    if note:
        inner = struct.pack(order + "H", 2)
        at = 8 + 2 + 12 * (len(entries) + 1) + 4 + len(maker) + len(maker) % 2
        inner += struct.pack(order + "HHLL", 0x9003, 2, 20, at + 2 + 24 + 4)
        inner += struct.pack(order + "HHLL", 0x927C, 7, len(note), at + 2 + 24 + 4 + 20)
        inner += struct.pack(order + "L", 0) + b"2020:01:01 00:00:00\0" + note
        made = block([*entries, (0x8769, 4, 1, struct.pack(order + "L", at))], b"", order)
        return made + inner
    return block(entries, thumbnail, order)


DAMAGED = {  # blocks of which nothing, or not all, can be read
    "text": b"this is no EXIF at all",
    "cut": exif(6)[:20],
    "beyond": b"II*\0\xff\xff\xff\xff" + bytes(20),
    "only a header": b"MM\0*",
    "an entry beyond": block([(0x010F, 2, 500_000, b"\0\0\xff\x7f"), (0x0110, 2, 3, b"ok\0")]),
    "a pointer to nowhere": block([(0x010F, 2, 4, b"abc\0"), (0x8769, 4, 1, b"\xff\xff\xff\x7f")]),
    "in circles": block([(0x010F, 2, 4, b"abc\0"), (0x8769, 4, 1, struct.pack("<L", 8))]),
    "an unknown type": block([(0x010F, 99, 4, b"abc\0"), (0x0110, 2, 3, b"ok\0")]),
    "a maker of numbers": block([(0x010F, 5, 1, struct.pack("<LL", 1, 0)), (0x0131, 3, 2, b"\1\0\2\0")]),
}


def png_chunk(kind: bytes, data: bytes, *, sound: bool = True) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data) ^ (not sound))


def png_with(data: bytes, *chunks: bytes, last: bool = False) -> bytes:
    """A PNG with further chunks, after its header or before its end."""
    at = len(data) - 12 if last else 33
    return data[:at] + b"".join(chunks) + data[at:]


def jpeg_with_exif(data: bytes, body: bytes) -> bytes:
    """A JPEG with EXIF data in as many segments as they take."""
    pieces = [body[i : i + 65_000] for i in range(0, len(body), 65_000)] or [b""]
    segments = [b"\xff\xe1" + struct.pack(">H", len(p) + 8) + b"Exif\0\0" + p for p in pieces]
    return data[:2] + b"".join(segments) + data[2:]


def tiff(array: np.ndarray, tags: dict[int, Any] | None = None) -> bytes:
    """(H, W, 3 or 4) uint8 or uint16 as a plain TIFF with the given tags, without lomit_tf's own writer."""
    ifd = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    ifd[256], ifd[257], ifd[258] = array.shape[1], array.shape[0], (8 * array.itemsize,) * array.shape[2]
    ifd[259], ifd[262], ifd[277], ifd[278], ifd[284] = 1, 2, array.shape[2], array.shape[0], 1
    if array.shape[2] == 4:
        ifd[338] = 2
    ifd[273], ifd[279] = 0, len(data)
    ifd.tagtype[273] = ifd.tagtype[279] = 4
    for tag, value in (tags or {}).items():
        if isinstance(value, bytes):
            ifd.tagtype[tag] = 7
        ifd[tag] = value
    file = io.BytesIO()
    ifd.save(file)
    file.write(data)
    return file.getvalue()


def stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """What a camera stores of an upright picture, so that turning by the orientation gives it again."""
    turns = {
        1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1), 6: np.rot90, 7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }  # fmt: skip
    return np.ascontiguousarray(turns[orientation](upright))


def unreadable(kind: str, rgb: np.ndarray) -> bytes:
    """Files that people take for pictures: jxl, cr3, dng, and a raw photograph whose preview could pass for it."""
    if kind == "dng":
        return tiff(rgb, {50706: b"\1\4\0\0", 254: 1})
    if kind == "nef":
        return tiff(rgb, {254: 1})
    starts = {
        "jxl": b"\xff\x0a" + bytes(60),
        "cr3": b"\0\0\0\x18ftypcrx " + bytes(60),
        "raf": b"FUJIFILMCCD-RAW " + bytes(60),
    }
    return starts[kind]


def as_read(path: str) -> np.ndarray:
    """A written file in its own depth, upright, without lomit_tf's reader: (H, W, 3 or 4) uint8 or uint16."""
    import cv2

    array = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype == np.uint8:
        return np.asarray(Image.open(path))
    return array[..., [2, 1, 0, 3][: array.shape[-1]]]
