"""Which files are pictures, by the endings of their names. Imports nothing heavy."""

from __future__ import annotations

from pathlib import Path

# What Pillow and pillow-heif read.
READABLE = frozenset({
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif",
    ".heic", ".heif", ".hif", ".avif", ".jp2", ".j2k", ".jpx", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".ico", ".psd",
})  # fmt: skip
# What a person takes for pictures as well, and nothing here can read: a run names them instead of leaving them out.
UNREADABLE = frozenset({
    ".jxl", ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".srf", ".orf", ".rw2", ".raf", ".pef",
    ".srw", ".3fr", ".iiq", ".erf", ".kdc", ".mrw", ".x3f", ".rwl", ".raw", ".heics", ".avifs", ".exr", ".xcf", ".svg",
})  # fmt: skip
PICTURES = READABLE | UNREADABLE


def is_picture(name: str) -> bool:
    """Whether a file is taken for a picture, by its name; files that begin with a dot are left alone."""
    return Path(name).suffix.lower() in PICTURES and not Path(name).name.startswith(".")
