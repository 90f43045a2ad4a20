"""XMP packets: the orientation that they ask for, and what may be written again."""

from __future__ import annotations

import re
from xml.etree import ElementTree

_ORIENTATION = re.compile(rb"tiff:Orientation(=[\"']|>)\s*([0-9])\s*([\"']|</tiff:Orientation>)")
# Pictures within the packet, which would show the picture as it was before.
_PICTURES = (
    re.compile(rb"<xmp:Thumbnails\b.*?</xmp:Thumbnails>", re.DOTALL),
    re.compile(rb"<(\w+:(?:Data|image))>[^<]{64,}</\1>"),
    re.compile(rb"\s\w+:(?:Data|image)=\"[^\"]{64,}\""),
)
_JPEG_IN_BASE64 = re.compile(rb"/9j/[A-Za-z0-9+/\s]{60}")


def orientation(packet: bytes) -> int:
    """The orientation that a packet asks for, 1 to 8; 0 where it says nothing that can be used."""
    found = _ORIENTATION.search(packet)
    value = int(found[2]) if found else 0
    return value if 1 <= value <= 8 else 0


def cleaned(packet: bytes) -> tuple[bytes, tuple[str, ...]]:
    """A packet to be written with other pixels, upright, and notes on what was wrong with it.

    Its orientation becomes 1, and thumbnails are taken out. Empty where it is not XML.
    """
    packet = packet.strip(b"\0 \t\r\n")
    if not packet:
        return b"", ()
    packet = _ORIENTATION.sub(rb"tiff:Orientation\g<1>1\g<3>", packet)
    for picture in _PICTURES:
        packet = picture.sub(b"", packet)
    try:
        ElementTree.fromstring(packet)
    except (ElementTree.ParseError, ValueError, LookupError):
        return b"", ("its XMP data cannot be read, and are left out",)
    if _JPEG_IN_BASE64.search(packet):
        return b"", ("its XMP data hold a preview of the picture as it was, and are left out",)
    return packet, ()
