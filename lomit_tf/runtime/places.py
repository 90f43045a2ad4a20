"""Folders and files for results, and those that are read: whether they can be, before any work is done."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from lomit_tf.settings.options import ConfigError


def check_folder(flag: str, folder: Path) -> None:
    """Raise ConfigError where nothing can be written to a folder, or to the one in which it would be made.

    It leaves nothing behind.

    Args:
      flag: that names the folder, such as "workdir".
    """
    _check(f"--{flag}={folder}", folder, "name another folder")


def check_file(flag: str, path: Path) -> None:
    """The same for a file, which is written whole beside its place and then takes its name (see `atomic`).

    Devices and pipes are left alone.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise ConfigError(f"--{flag}={path} is a folder; name a file")
    if not target.exists() or target.is_file():
        _check(f"--{flag}={path}", target.parent, "name another file")


def check_there(flag: str, path: str, *, folder: bool = False) -> None:
    """Raise ConfigError where a file, or folder, that a flag names is not there. An empty path names none."""
    if path and not (Path(path).expanduser().is_dir() if folder else Path(path).expanduser().is_file()):
        kind = "folder" if folder else "file"
        raise ConfigError(f"--{flag}={path}: no such {kind} (looked for {Path(path).expanduser().absolute()})")


def _check(given: str, folder: Path, advice: str) -> None:
    there = next((path for path in (folder, *folder.absolute().parents) if path.exists()), Path("/"))
    try:
        if not there.is_dir():
            raise ConfigError(f"{given}: {there} is a file, not a folder; {advice}")
        with tempfile.TemporaryDirectory(dir=there):
            pass
    except OSError as error:
        raise ConfigError(f"{given} cannot be written: {error.strerror}; {advice}") from error
