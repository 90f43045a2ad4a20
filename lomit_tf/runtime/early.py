"""Ctrl-C while a command is still imported: it ends without a traceback, as later (`commands.command`).

Python's exit status is that of a process that SIGINT ended, as without this.
"""

from __future__ import annotations

import sys
from types import TracebackType


def quiet(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """sys.excepthook, which says nothing of a KeyboardInterrupt."""
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)


if sys.excepthook is sys.__excepthook__:  # nobody else has one, such as a notebook
    sys.excepthook = quiet

__all__ = ["quiet"]
