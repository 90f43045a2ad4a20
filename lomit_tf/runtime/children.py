"""A command of this package in a process of its own, which is told when we are stopped and ends when we are gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from lomit_tf.runtime.signals import last_received

PARENT = "LOMIT_COMPARE_PARENT"  # the process that started this one and waits for it


def child(command: Sequence[str]) -> int:
    """Run a command of this package with our terminal; its exit code.

    Raises KeyboardInterrupt after Ctrl-C or SIGTERM, once the command, which is told, has saved and ended; after a
    second one it ends at once.
    """
    environment = os.environ | {PARENT: str(os.getpid())}
    # In a session of its own: a terminal's Ctrl-C is for us, who pass it on, once.
    process = subprocess.Popen([sys.executable, "-m", *command], env=environment, start_new_session=True)
    stopped: KeyboardInterrupt | None = None
    while True:
        try:
            code = process.wait()
            break
        except KeyboardInterrupt as error:
            stopped = error
            process.send_signal(last_received())
    if stopped is not None:
        raise stopped
    return code


def has_parent() -> bool:
    """Whether `child` started this process, and says for it what an interruption means."""
    return os.environ.get(PARENT) == str(os.getppid())


def end_with_parent() -> None:
    """Watch, in a thread, for the end of the process that started this one; save and end then, as after SIGTERM.

    Else the same command, given again, would train in the same folder beside this one.
    """
    parent = os.environ.get(PARENT)
    if parent is None:
        return

    def watch() -> None:
        while str(os.getppid()) == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="lomit-parent", daemon=True).start()
