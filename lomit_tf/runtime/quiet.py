"""Importing TensorFlow without the lines that its libraries write to standard error on every start."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

from lomit_tf.runtime.backend import check_backend
from lomit_tf.runtime.forks import check_fork
from lomit_tf.runtime.signals import held_signals


def import_tensorflow() -> None:
    """Import TensorFlow, and let it look for devices, with standard error held back.

    On a machine without a GPU, TensorFlow 2.21 writes half a dozen lines whatever TF_CPP_MIN_LOG_LEVEL says, one of
    them an error. What it writes later is seen, and all of it where the import fails.

    Raises ConfigError where Keras is set to a backend that this package's models do not run on, and ForkedError where
    TensorFlow cannot work in this process. Ctrl-C and SIGTERM are heard when the import is done.
    """
    check_fork()
    check_backend()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" in sys.modules:
        return
    with held_signals(), held_back():
        import tensorflow as tf

        tf.config.list_physical_devices()  # starts CUDA's driver, where the error comes from


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Keep what is written to file descriptor 2 within the block, and write it after all where the block fails."""
    try:
        sys.stderr.flush()
        shown = os.dup(2)
    except (AttributeError, OSError, ValueError):  # there is no standard error
        yield
        return
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except Exception:
            kept.seek(0)
            os.write(shown, kept.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(shown, 2)
            os.close(shown)
