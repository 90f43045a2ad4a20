"""What `allocator.keep_freed_memory` saves: page faults, kernel time and seconds of a step, and what memory it takes.

    python -m benchmarks.page_faults

Each variant runs in a process of its own, twice and in turns; the figures are medians over the steps of both. "up to
32 MiB" leaves larger buffers to mmap, as glibc does whatever its threshold is set to.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time

from benchmarks.help import explain

WARM, STEPS = 20, 20


def measure(variant: str) -> list[dict[str, float]]:
    """In this process: per step of the real training loop the seconds, page faults, kernel seconds and peak MiB."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    from lomit_tf.commands.flags import parse
    from lomit_tf.runtime import allocator
    from lomit_tf.training.loop import train

    if variant == "up to 32 MiB":
        del allocator._SETTINGS[allocator._MMAP_MAX]
    if variant != "default" and not allocator.keep_freed_memory():
        raise SystemExit("page_faults: this C library has no mallopt; there is nothing to compare")
    marks: list[tuple[float, int, float]] = []

    class Recorder(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: object = None) -> None:
            used = resource.getrusage(resource.RUSAGE_SELF)
            marks.append((time.perf_counter(), used.ru_minflt, used.ru_stime))

    config = parse(["--flagfile=drawn_faces.cfg", f"--steps={WARM + STEPS}", "--sample_every=0"]).config
    with tempfile.TemporaryDirectory() as folder:
        train(config, folder, callbacks=[Recorder()])
    pairs = list(zip(marks[WARM - 1 : -1], marks[WARM:], strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [{"seconds": b[0] - a[0], "faults": b[1] - a[1], "kernel": b[2] - a[2], "peak": peak} for a, b in pairs]


def main() -> None:
    """Run all in turns and print a table."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
        return
    rows: dict[str, list[dict[str, float]]] = {"default": [], "up to 32 MiB": [], "keep": []}
    for _ in range(2):
        for name, found in rows.items():
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.page_faults", name], check=True, capture_output=True, text=True
            )
            found += json.loads(done.stdout.splitlines()[-1])

    def median(name: str, what: str) -> float:
        values = sorted(row[what] for row in rows[name])
        return values[len(values) // 2]

    print("| glibc's allocator | s/step | ratio | page faults a step | kernel s a step | peak MiB |")
    print("|---|---|---|---|---|---|")
    for name in rows:
        seconds, ratio = median(name, "seconds"), median(name, "seconds") / median("default", "seconds")
        cells = f"{median(name, 'faults'):.0f} | {median(name, 'kernel'):.3f} | {median(name, 'peak'):.0f}"
        print(f"| {name} | {seconds:.3f} | {ratio:.2f} | {cells} |")


if __name__ == "__main__":
    explain(__doc__)
    main()
