"""A forked process cannot use a TensorFlow that has run before the fork: noticed here, before it waits for ever.

A fork copies one thread. TensorFlow's others, which do the work, are missing in the child, so that its first operation
never returns. Where TensorFlow was only imported before the fork, nothing is lost.

Forks after this module was imported are seen as they happen. A child that is the first to import it is recognised by
what it inherited: a TensorFlow that has been started, and none of the threads that starting it makes.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from pathlib import Path

_THREADS = Path("/proc/self/task")  # Linux: a folder for each thread of this process
_TENSORFLOWS = "tf_"  # how the names of TensorFlow's threads begin: tf_Compute, tf_graph_runner
_FORKED = 0x40  # PF_FORKNOEXEC among Linux's flags of a process: it was forked, and runs no program of its own since


class ForkedError(RuntimeError):
    """TensorFlow is asked to work in a process that was forked from one in which it had worked."""


_worked_before_fork = False  # in the parent, from just before a fork: whether TensorFlow had worked
_lost = False  # whether this process has a copy of a running TensorFlow, without its threads


def check_fork() -> None:
    """Raise ForkedError where TensorFlow cannot work any more in this process."""
    if _lost:
        raise ForkedError(
            f"process {os.getpid()} was forked after TensorFlow had worked in its parent process, and TensorFlow "
            'would hang here; start the workers with multiprocessing.get_context("spawn") (a Translator that was '
            "made by name can be handed to them), or translate many files with lomit-translate --runner=beam"
        )


def _before_fork() -> None:
    global _worked_before_fork
    _worked_before_fork = _lost or _has_context() or _has_threads() is True


def _after_fork_in_child() -> None:
    global _lost
    _lost = _worked_before_fork


def _has_context() -> bool:
    """Whether TensorFlow's eager runtime has been started, here or before a fork; importing it does not start it."""
    module = sys.modules.get("tensorflow.python.eager.context")
    context = module.context_safe() if module is not None else None
    return getattr(context, "_context_handle", None) is not None  # TensorFlow has no public question for it


def _has_threads() -> bool | None:
    """Whether threads of TensorFlow run in this process; None where the system does not tell."""
    try:
        if _THREADS.is_dir():
            names = [_text(thread / "comm") for thread in _THREADS.iterdir()]
            return any(name.startswith(_TENSORFLOWS) for name in names)
        if sys.platform == "darwin":
            return _mach_threads() > threading.active_count()  # macOS tells how many threads there are
    except (OSError, ValueError, AttributeError):
        pass
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:  # the thread has ended
        return ""


def _mach_threads() -> int:
    libc = ctypes.CDLL(None)
    threads, number = ctypes.c_void_p(), ctypes.c_uint()
    if libc.task_threads(ctypes.c_uint.in_dll(libc, "mach_task_self_"), ctypes.byref(threads), ctypes.byref(number)):
        raise OSError("the threads of this process cannot be counted")
    return number.value


def _may_be_forked() -> bool:
    """False only where the system says that this process was not forked: it keeps a false alarm away should
    TensorFlow's threads once have other names."""
    try:
        flags = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[6])
    except (OSError, ValueError, IndexError):
        return True
    return not flags or bool(flags & _FORKED)  # systems that imitate Linux tell no flags at all


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    _lost = _has_context() and _has_threads() is False and _may_be_forked()
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
