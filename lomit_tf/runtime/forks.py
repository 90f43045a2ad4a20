"""A forked process cannot use a TensorFlow that has run before the fork: noticed here, before it waits for ever.

A fork copies one thread. TensorFlow's others, which do the work, are missing in the child, so that its first operation
never returns. Where TensorFlow was only imported before the fork, nothing is lost.
"""

from __future__ import annotations

import os
import sys


class ForkedError(RuntimeError):
    """TensorFlow is asked to work in a process that was forked from one in which it had worked."""


_forked_from = 0  # the process whose running TensorFlow this one has a copy of; 0 for none


def check_fork() -> None:
    """Raise ForkedError where TensorFlow cannot work any more in this process."""
    if _forked_from:
        raise ForkedError(
            f"process {os.getpid()} was forked from process {_forked_from} after TensorFlow had worked there, and "
            'TensorFlow would hang here; start the workers with multiprocessing.get_context("spawn") (a Translator '
            "that was made by name can be handed to them), or translate many files with lomit-translate --runner=beam"
        )


def _note_fork() -> None:
    global _forked_from
    if not _forked_from and _has_worked():
        _forked_from = os.getppid()


def _has_worked() -> bool:
    """Whether TensorFlow's runtime has been started, which importing it does not do."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = module.context_safe() if module is not None else None
    return getattr(context, "_context_handle", None) is not None  # TensorFlow has no public question for it


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_note_fork)
