"""Files that are written whole or not at all. Imports nothing heavy, so that reports and studies start at once."""

from __future__ import annotations

import contextlib
import os
import stat
import uuid
from pathlib import Path

PART = ".part"  # ending of files that are being written


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file so that its name stands for the whole of it or for what was there before, whenever we are stopped.

    Devices and pipes are written to directly; a link's target is replaced, not the link.

    Raises OSError where it cannot be written; nothing is left of it then.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not stat.S_ISREG(target.stat().st_mode):
        if target.is_dir():
            raise IsADirectoryError(21, "is a folder", str(target))
        with open(target, "wb") as file:
            file.write(data)
        return
    # Not after the target's name, which may be as long as a name can be.
    temporary = target.with_name(f".lomit-{uuid.uuid4().hex}{PART}")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename == str(temporary):
            error.filename = str(target)  # the name that was asked for
        raise


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """`write_bytes` of a text in UTF-8, into a folder that is made where it is missing.

    What UTF-8 cannot hold (the undecodable bytes of a file name) is written as a backslash escape.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, text.encode("utf-8", "backslashreplace"))
