"""EXIF blocks as cameras and programs write them: checked entry by entry, never trusted.

An EXIF block is a small TIFF: directories of entries, which point to values within the block. What is changed is
changed in place, so that everything else stays where it is: camera makers' own notes (MakerNote) hold offsets that
count from the start of the block, and would be lost if a library wrote the block anew.
"""

from __future__ import annotations

import dataclasses
import struct

PREFIX = b"Exif\x00\x00"  # in front of the block in a JPEG; some programs also write it elsewhere, or twice
TIFF_HEADERS = (b"II*\x00", b"MM\x00*")
ORIENTATION, MAKER_NOTE = 0x0112, 0x927C
_EXIF, _GPS, _INTEROP = 0x8769, 0x8825, 0xA005  # entries that point to a further directory
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}  # bytes of each type
_INTEGERS = {1: "B", 3: "H", 4: "L", 6: "b", 8: "h", 9: "l", 13: "L"}
_PICTURES = ((0x0201, 0x0202), (0x0111, 0x0117))  # offsets and lengths of a thumbnail's data
_JPEG = b"\xff\xd8\xff"


class ExifError(ValueError):
    """An EXIF block that cannot be read at all."""


@dataclasses.dataclass
class _Entry:
    """An entry: its tag and type, and where its values lie in the block."""

    tag: int
    type: int
    count: int
    at: int

    @property
    def size(self) -> int:
        return self.count * _SIZES[self.type]


def without_prefix(data: bytes) -> bytes:
    """The block itself, without what stands in front of it in a JPEG."""
    while data.startswith(PREFIX):
        data = data[len(PREFIX) :]
    return data


def orientation(data: bytes) -> int:
    """The orientation that an EXIF block asks for, 1 to 8; 0 where it says nothing that can be used."""
    try:
        block = _Block(without_prefix(data))
        found = [block.integers(e) for e in block.directories.get("main", []) if e.tag == ORIENTATION]
    except ExifError:
        return 0
    value = found[0][0] if found and found[0] else 0
    return value if 1 <= value <= 8 else 0


def interoperability(data: bytes) -> str:
    """The interoperability index: R98 for sRGB, R03 for Adobe RGB; "" where there is none."""
    try:
        block = _Block(without_prefix(data))
    except ExifError:
        return ""
    texts = [block.data[e.at : e.at + e.size] for e in block.directories.get("interop", []) if e.tag == 1]
    return texts[0].rstrip(b"\0 ").decode("latin-1") if texts else ""


def cleaned(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """An EXIF block to be written with other pixels, upright, and notes on what was wrong with it.

    Without the orientation, without thumbnails, which would show the picture as it was before, and without entries
    that point outside of the block. Empty where nothing can be read. The rest stays as it was, to the bit.
    """
    if not without_prefix(data):
        return b"", ()
    try:
        block = _Block(without_prefix(data))
    except ExifError as error:
        return b"", (f"its EXIF data cannot be read ({error}), and are left out",)
    notes: tuple[str, ...] = ()
    if block.damaged:
        notes = (f"its EXIF data are damaged: {block.damaged} entries that cannot be read are left out",)
    block.remove("main", ORIENTATION)
    block.remove_thumbnail()
    if _JPEG in block.data:  # a preview among the maker's notes
        block.remove("exif", MAKER_NOTE)
        notes += ("the camera maker's notes in its EXIF data hold a preview, and are left out",)
    if _JPEG in block.data:
        return b"", (*notes, "its EXIF data hold a preview of the picture as it was, and are left out")
    return bytes(block.data[: block.end()]), notes


def repaired(data: bytes) -> bytes:
    """A TIFF file without those entries of its first directory, and of its EXIF data, that cannot be read."""
    try:
        block = _Block(data)
    except ExifError:
        return data
    return bytes(block.data) if block.damaged else data


class _Block:
    """A block with its directories; what points outside of it is taken out at once, and counted."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        if data[:4] not in TIFF_HEADERS:
            raise ExifError("not a TIFF header")
        self.order = "<" if data[:2] == b"II" else ">"
        self.damaged = 0
        self.starts: dict[str, int] = {}
        self.directories: dict[str, list[_Entry]] = {}
        self._read("main", self._number("L", 4))
        for name, parent, tag in (
            ("exif", "main", _EXIF),
            ("gps", "main", _GPS),
            ("interop", "exif", _INTEROP),
        ):
            self._follow(name, parent, tag)
        following = self._next("main")
        if following:
            try:
                self._read("thumbnail", following)
            except ExifError:
                self.damaged += 1

    def integers(self, entry: _Entry) -> list[int]:
        """The values of an entry of whole numbers; none for other types."""
        kind = _INTEGERS.get(entry.type)
        if kind is None:
            return []
        return list(struct.unpack_from(f"{self.order}{entry.count}{kind}", self.data, entry.at))

    def remove(self, name: str, tag: int) -> None:
        """Take an entry out of a directory, and wipe its values."""
        gone = [e for e in self.directories.get(name, []) if e.tag == tag]
        for entry in gone:
            self.data[entry.at : entry.at + entry.size] = bytes(entry.size)
        if gone:
            self._keep(name, [e for e in self.directories[name] if e.tag != tag])

    def remove_thumbnail(self) -> None:
        """Wipe the second directory and the picture that it points to."""
        entries = {e.tag: e for e in self.directories.pop("thumbnail", [])}
        for offsets, lengths in _PICTURES:
            if offsets in entries and lengths in entries:
                for start, length in zip(
                    self.integers(entries[offsets]), self.integers(entries[lengths]), strict=False
                ):
                    end = min(len(self.data), start + length)
                    if 0 <= start < end and not self._holds_entries(start, end):
                        self.data[start:end] = bytes(end - start)
        self._set_next("main", 0)

    def end(self) -> int:
        """Where the last directory or value ends."""
        ends = [8]
        for name, entries in self.directories.items():
            ends.append(self.starts[name] + 2 + 12 * len(entries) + 4)
            ends += [e.at + e.size for e in entries]
        return max(ends)

    def _holds_entries(self, start: int, end: int) -> bool:
        """Whether a stretch overlaps a directory: a thumbnail that claims it is damaged, and wiping would be, too."""
        if start < 8:
            return True
        return any(
            start < self.starts[name] + 6 + 12 * len(entries) and self.starts[name] < end
            for name, entries in self.directories.items()
        )

    def _number(self, kind: str, at: int) -> int:
        try:
            return struct.unpack_from(self.order + kind, self.data, at)[0]
        except struct.error:
            raise ExifError("it ends too early") from None

    def _read(self, name: str, start: int) -> None:
        """Read a directory; entries of unknown types, or outside of the block, are taken out."""
        count = self._number("H", start)
        if start < 8 or start in self.starts.values() or start + 2 + 12 * count > len(self.data):
            raise ExifError("a directory lies outside of it, or twice at one place")
        if start + 6 + 12 * count > len(self.data):  # some writers leave out the last pointer
            self.data += bytes(4)
        self.starts[name] = start
        entries, good = [], []
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, type, length, at = struct.unpack_from(f"{self.order}HHLL", self.data, place)
            entry = _Entry(tag, type, length, at)
            if type in _SIZES and entry.size <= 4:
                entry.at = place + 8
            entries.append((place, entry))
            if type in _SIZES and (entry.size <= 4 or 8 <= entry.at <= len(self.data) - entry.size):
                good.append(entry)
        self.damaged += len(entries) - len(good)
        self.directories[name] = [entry for _, entry in entries]
        if len(good) < len(entries):
            self._keep(name, good)

    def _follow(self, name: str, parent: str, tag: int) -> None:
        pointers = [e for e in self.directories.get(parent, []) if e.tag == tag]
        for pointer in pointers:
            values = self.integers(pointer)
            try:
                if name in self.directories or len(values) != 1:
                    raise ExifError("a pointer is out of range")
                self._read(name, values[0])
            except ExifError:
                self.damaged += 1
                self._keep(parent, [e for e in self.directories[parent] if e is not pointer])

    def _keep(self, name: str, kept: list[_Entry]) -> None:
        """Write a directory with some of its entries only, at its place."""
        start, old = self.starts[name], self.directories[name]
        following = self._next(name)
        body = b""
        moved: list[_Entry] = []
        kept_ids = {id(e) for e in kept}
        for i, entry in enumerate(old):
            if id(entry) not in kept_ids:
                continue
            place = start + 2 + 12 * i
            body += bytes(self.data[place : place + 12])
            inline = entry.type in _SIZES and entry.size <= 4
            at = start + 2 + 12 * len(moved) + 8 if inline else entry.at
            moved.append(dataclasses.replace(entry, at=at))
        self.data[start : start + 6 + 12 * len(old)] = bytes(6 + 12 * len(old))
        struct.pack_into(f"{self.order}H", self.data, start, len(moved))
        self.data[start + 2 : start + 2 + len(body)] = body
        self.directories[name] = moved
        self._set_next(name, following)

    def _next(self, name: str) -> int:
        return self._number("L", self.starts[name] + 2 + 12 * len(self.directories[name]))

    def _set_next(self, name: str, value: int) -> None:
        struct.pack_into(f"{self.order}L", self.data, self.starts[name] + 2 + 12 * len(self.directories[name]), value)
