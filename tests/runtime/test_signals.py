"""Ctrl-C and SIGTERM while the main thread is in C code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lomit_tf.runtime.signals import heard_signals, held_signals, interrupting_signals

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.quick

# The main thread waits for a mutex that it holds: C code that lets other threads run and that no signal interrupts, as
# TensorFlow's compiler is.
STUCK = """
import ctypes
from lomit_tf.runtime.signals import heard_signals
lock, mutex = ctypes.CDLL(None).pthread_mutex_lock, ctypes.create_string_buffer(128)
lock(mutex)
with heard_signals():
    print("stuck", flush=True)
    lock(mutex)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a mutex of glibc keeps the main thread in C code")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_heard_while_the_main_thread_is_in_c_code(number):
    process = subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    late = threading.Timer(60, process.kill)
    late.start()
    try:
        assert process.stdout.readline() == "stuck\n", process.stderr.read()
        process.send_signal(number)
        assert f"{number.name}: training stops and saves after this step" in process.stderr.readline()
        assert process.poll() is None
    finally:
        late.cancel()
        process.kill()
        process.communicate()


def test_the_first_is_collected_and_a_second_ends_the_program(caplog):
    handlers, wakeup = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)], signal.set_wakeup_fd(-1)
    assert wakeup == -1
    with pytest.raises(KeyboardInterrupt), heard_signals() as received:
        os.kill(os.getpid(), signal.SIGTERM)
        assert received == [signal.SIGTERM]
        os.kill(os.getpid(), signal.SIGINT)
    assert caplog.text.count("once more to stop sooner") == 1
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert signal.set_wakeup_fd(-1) == -1


def test_held_ones_take_effect_after_the_block():
    handlers, done = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)], []
    with pytest.raises(KeyboardInterrupt), interrupting_signals() as received:
        with held_signals():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("import")
        done.append("too late")
    assert done == ["import"] and received == []
    with held_signals():
        assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] != handlers
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers


# A library that is interrupted while it is imported, and loses the exception, as TensorFlow does.
IMPORTED = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
    print("imported", flush=True)
except KeyboardInterrupt:
    pass
class config:
    list_physical_devices = list
"""


def test_an_interrupt_while_tensorflow_is_imported_is_not_lost(tmp_path):
    (tmp_path / "tensorflow.py").write_text(IMPORTED)
    code = """
import sys
from lomit_tf.commands import Command
sys.exit(Command("tour", str, list, lambda _: print("worked for days"), "lost", check=lambda _: None).run([]))
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stdout, done.stderr) == (130, "imported\n", "tour: interrupted; lost\n")


def test_other_threads_hear_nothing_and_change_nothing():
    before, found = signal.getsignal(signal.SIGINT), []

    def other() -> None:
        with heard_signals() as received:
            found.extend([received, signal.getsignal(signal.SIGINT)])

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert found == [[], before]
