"""Folders for results: whether they can be written, before any work is done."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lomit_tf.settings.options import ConfigError


def check_folder(flag: str, folder: Path) -> None:
    """Raise ConfigError where nothing can be written to a folder, or to the one in which it would be made.

    It leaves nothing behind.

    Args:
      flag: that names the folder, such as "workdir".
    """
    there = next((path for path in (folder, *folder.absolute().parents) if path.exists()), Path("/"))
    try:
        if not there.is_dir():
            raise ConfigError(f"--{flag}={folder}: {there} is a file; name another folder")
        with tempfile.TemporaryDirectory(dir=there):
            pass
    except OSError as error:
        raise ConfigError(f"--{flag}={folder} cannot be written: {error.strerror}; name another folder") from error
