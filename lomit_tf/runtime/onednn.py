"""oneDNN's convolutions on every x86 processor."""

from __future__ import annotations

import os
import platform

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"


def prefer_onednn() -> None:
    """Let TensorFlow use oneDNN, where the environment does not say otherwise. To be called before it is imported.

    By itself TensorFlow 2.21 does so only on processors with AVX-512 and VNNI, although oneDNN's convolutions are
    faster with AVX2 as well (benchmarks/step_time.py). Results differ by the order of sums.
    """
    if platform.machine().lower() in ("x86_64", "amd64"):
        os.environ.setdefault(VARIABLE, "1")
