"""Latency and memory of one artefact, in a process of its own: `python -m export.measure PATH PART FEED.npz THREADS`.

Prints one JSON object: wall_ms and cpu_ms, medians of the runs after a warm-up (cpu_ms is the processor time of all
threads, which a busy machine disturbs least), runs, and peak_mb, what loading and running added to the process.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

WARM, LEAST, SECONDS = 3, 10, 1.5  # runs before measuring, least runs measured, and for how long


def measure(path: Path, part: str, feed_file: Path, threads: int) -> dict[str, Any]:
    """In this process; see the module."""
    from export import runtimes

    feed = {name: value[:1] for name, value in np.load(feed_file).items()}
    if path.suffix not in (".tflite", ".onnx"):
        import tensorflow  # noqa: F401  so that its own memory is not counted as the model's
    elif path.suffix == ".onnx":
        import onnxruntime  # noqa: F401
    else:
        import ai_edge_litert.interpreter  # noqa: F401
    before = _peak_kb()
    runtime = runtimes.load(path, part, threads)
    for _ in range(WARM):
        runtime.run(feed)
    wall: list[float] = []
    cpu: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(wall) < LEAST or time.perf_counter() < end:
        start, used = time.perf_counter(), time.process_time()
        runtime.run(feed)
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    return {
        "wall_ms": 1e3 * float(np.median(wall)), "cpu_ms": 1e3 * float(np.median(cpu)), "runs": len(wall),
        "peak_mb": (_peak_kb() - before) / 1024,
    }  # fmt: skip


def _peak_kb() -> float:
    status = Path("/proc/self/status")
    if status.exists():  # and not ru_maxrss: on Linux a child starts with its parent's
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 if sys.platform == "darwin" else peak  # bytes there, kilobytes elsewhere


def measure_apart(path: Path, part: str, feed_file: Path, threads: int) -> dict[str, Any]:
    """The same in a fresh process. Raises RuntimeError with what it wrote when it fails."""
    command = [
        sys.executable,
        "-m",
        "export.measure",
        str(path.resolve()),
        part,
        str(feed_file.resolve()),
        str(threads),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False)
    if done.returncode:
        raise RuntimeError(f"measuring {path} failed: {done.stderr.strip()[-500:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))))
