"""LiteRT's interpreter, without the line that it writes to standard error once in a process."""

from __future__ import annotations

import threading
from typing import Any

from lomit_tf.runtime.quiet import held_back

_lock = threading.Lock()
_spoken = False  # "Created TensorFlow Lite XNNPACK delegate for CPU", whatever the log level


def interpreter(**options: Any) -> Any:
    """`ai_edge_litert.interpreter.Interpreter(**options)`, its tensors allocated. Raises what that raises."""
    global _spoken
    from ai_edge_litert.interpreter import Interpreter

    def made() -> Any:
        found = Interpreter(**options)
        found.allocate_tensors()
        return found

    with _lock:
        if _spoken:
            return made()
        with held_back():
            found = made()
        _spoken = True
    return found
