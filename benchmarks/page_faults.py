"""What `allocator.keep_freed_memory` saves: page faults, kernel time and seconds of a training step with and without.

    python -m benchmarks.page_faults

Each variant runs in a process of its own, twice and in turns; the figures are medians over the steps of both.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time

STEPS = 15


def measure(keep: bool) -> list[dict[str, float]]:
    """In this process: per step the seconds, page faults and kernel seconds."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from benchmarks.common import build_step, random_element
    from lomit_tf.allocator import keep_freed_memory
    from lomit_tf.flags import parse

    if keep and not keep_freed_memory():
        raise SystemExit("page_faults: this C library has no mallopt; there is nothing to compare")
    config = parse(["--flagfile=drawn_faces.cfg"]).config
    step, element = build_step(config), random_element(config)
    rows = []
    for _ in range(STEPS + 3):
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        step(element)[1].numpy()
        after = resource.getrusage(resource.RUSAGE_SELF)
        rows.append(
            {
                "seconds": time.perf_counter() - start,
                "faults": after.ru_minflt - before.ru_minflt,
                "kernel": after.ru_stime - before.ru_stime,
            }
        )
    return rows[3:]


def main() -> None:
    """Run both in turns and print a table."""
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1] == "keep")))
        return
    rows: dict[str, list[dict[str, float]]] = {"default": [], "keep": []}
    for _ in range(2):
        for name, found in rows.items():
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.page_faults", name], check=True, capture_output=True, text=True
            )
            found += json.loads(done.stdout.splitlines()[-1])

    def median(name: str, what: str) -> float:
        values = sorted(row[what] for row in rows[name])
        return values[len(values) // 2]

    print("| glibc's allocator | s/step | ratio | page faults a step | kernel s a step |")
    print("|---|---|---|---|---|")
    for name in rows:
        seconds, ratio = median(name, "seconds"), median(name, "seconds") / median("default", "seconds")
        print(f"| {name} | {seconds:.3f} | {ratio:.2f} | {median(name, 'faults'):.0f} | {median(name, 'kernel'):.3f} |")


if __name__ == "__main__":
    main()
