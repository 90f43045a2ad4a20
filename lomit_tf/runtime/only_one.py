"""One command at a time in a folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from lomit_tf.settings.options import ConfigError

LOCK = ".lock"


@contextlib.contextmanager
def only_one(flag: str, folder: Path) -> Iterator[None]:
    """Hold a folder while a command works in it; where another one does, raise ConfigError that names the flag.

    The operating system lets go of the lock when the process ends, however it ends. Windows, which has no such locks,
    holds nothing.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(
                f"--{flag}={folder}: another command works in it; wait until it has ended, or name another folder"
            ) from None
        yield
