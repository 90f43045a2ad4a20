"""Ctrl-C while a command is imported."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

pytestmark = pytest.mark.quick


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_an_interruption_is_silent_and_has_its_own_exit_status():
    done = run("import lomit_tf.runtime.early; import os, signal; os.kill(os.getpid(), signal.SIGINT)")
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_faults_keep_their_traceback_and_another_hook_stays():
    done = run("import lomit_tf.commands; raise ValueError('ours')")
    assert done.returncode == 1 and "Traceback" in done.stderr and done.stderr.endswith("ValueError: ours\n")
    theirs = "import sys; sys.excepthook = lambda *_: print('theirs'); "
    assert run(f"{theirs}import lomit_tf.runtime.early; raise KeyboardInterrupt").stdout == "theirs\n"
