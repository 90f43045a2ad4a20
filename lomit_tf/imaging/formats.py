"""File formats by their endings, and the error of everything here. Imports nothing heavy."""

from __future__ import annotations

import os
from pathlib import Path

FORMATS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP",
}  # fmt: skip


class ImageError(ValueError):
    """An image or mask that cannot be used; the message names it and says what was received and what to do."""


def format_of(path: str | os.PathLike[str]) -> str:
    """The format that a file name's ending asks for. Raises ImageError for one that cannot be written."""
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        what = f": cannot write pictures ending in {ending!r}" if ending else " has no ending"
        raise ImageError(f"{path}{what}; use one of {', '.join(sorted(FORMATS))}")
    return FORMATS[ending]
