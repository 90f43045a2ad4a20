"""Ctrl-C and SIGTERM: what ends a command at once, and what a training hears at once and heeds between two steps."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Iterator
from typing import Any

from absl import logging

HEARD = "%s: training stops and saves after this step (the first one is compiled: minutes); once more to stop sooner"
_received: list[int] = []  # by the handlers of `interrupting_signals`


@contextlib.contextmanager
def interrupting_signals() -> Iterator[list[int]]:
    """SIGTERM, as SIGINT, raises KeyboardInterrupt in the block; the signals received are listed.

    A signal that is ignored stays so (a shell ignores SIGINT for what it starts in the background), and nothing
    changes outside of the main thread, which alone receives signals.
    """
    before: dict[int, Any] = {}

    def interrupt(number: int, frame: Any) -> None:
        _received.append(number)
        raise KeyboardInterrupt

    _received.clear()
    if threading.current_thread() is threading.main_thread():
        for number in (int(signal.SIGINT), int(signal.SIGTERM)):
            if signal.getsignal(number) != signal.SIG_IGN:
                before[number] = signal.signal(number, interrupt)
    try:
        yield _received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _received.clear()  # they concern no other block


@contextlib.contextmanager
def held_signals() -> Iterator[None]:
    """SIGINT and SIGTERM within the block take effect after it. Off the main thread: nothing.

    For the import of compiled libraries: in the middle of it a KeyboardInterrupt is lost, or ends the program with
    SIGABRT and without a word.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    before = {n: handler for n, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, lambda number, frame: held.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held[0])


def last_received() -> int:
    """The signal that `interrupting_signals` received last; SIGTERM where there was none."""
    return _received[-1] if _received else int(signal.SIGTERM)


def check_interrupt() -> None:
    """Raise KeyboardInterrupt again where one was lost, as in code of a compiled library that swallows exceptions.

    For loops of `interrupting_signals` that would have ended had it reached them.
    """
    if _received and threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


@contextlib.contextmanager
def heard_signals() -> Iterator[list[int]]:
    """Collects the first SIGINT or SIGTERM; at a second one Python ends the program. Off the main thread: nothing.

    Python calls its handlers between two of its own instructions only, and one call of TensorFlow's compiler may take
    minutes. What the interpreter writes to the wakeup descriptor comes at once; a thread reads it and says so.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def note(number: int, frame: Any) -> None:
        if received:
            if callable(handler := before[signal.Signals(number)]):  # the command's, which knows the exit code
                handler(number, frame)
            raise KeyboardInterrupt
        received.append(number)

    reading, writing = socket.socketpair()  # Windows takes nothing but a socket
    writing.setblocking(False)
    thread = threading.Thread(target=_say, args=(reading,), daemon=True)
    thread.start()
    wakeup = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)
        writing.close()  # which ends the thread
        thread.join()
        reading.close()


def _say(reading: socket.socket) -> None:
    """Say that the first SIGINT or SIGTERM was heard; a byte is a signal's number."""
    said = False
    while numbers := reading.recv(1):
        if not said and numbers[0] in (signal.SIGINT, signal.SIGTERM):
            logging.warning(HEARD, signal.Signals(numbers[0]).name)
            said = True
