"""Seconds a training step, images/s and peak memory by preset, strategy, precision and TensorFlow's own options.

    python -m benchmarks.step_time [--quick]

Each variant runs in a process of its own (its peak resident memory is the process's). The first variant is measured
again at the end: the ratio of the two shows the machine's noise. `--quick` leaves the 128 px variants out.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

from benchmarks.help import explain

REWRITES = "GRAPH_REWRITES"  # constant folding, common subexpressions and fusing by TensorFlow
SMALL: dict[str, Any] = {"flagfile": "drawn_faces.cfg"}
LARGE: dict[str, Any] = {"flagfile": "celeba_paper.cfg", "batch_size": 2, "n_critic": 1}
# Flags of lomit_tf.train, and environment variables in capitals.
VARIANTS: dict[str, dict[str, Any]] = {
    "small 64 px, one device": SMALL,
    "small 64 px, bfloat16": SMALL | {"precision": "mixed_bfloat16"},
    "small 64 px, XLA": SMALL | {"jit": "on"},
    "small 64 px, mirrored on 2 logical CPUs": SMALL | {"strategy": "mirrored"},
    "small 64 px, deterministic": SMALL | {"deterministic": "true"},
    "small 64 px, without oneDNN": SMALL | {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "small 64 px, with oneDNN": SMALL | {"TF_ENABLE_ONEDNN_OPTS": "1"},
    "small 64 px, with oneDNN, AVX2 at most": SMALL | {"TF_ENABLE_ONEDNN_OPTS": "1", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "small 64 px, without graph rewrites": SMALL | {REWRITES: "off"},
    "mobile 128 px, batch 2, n_critic 1": LARGE | {"preset": "mobile"},
    "lomit 128 px, batch 2, n_critic 1": LARGE,
    "lomit 128 px, the same in bfloat16": LARGE | {"precision": "mixed_bfloat16"},
}


def measure(flags: dict[str, Any], steps: int = 4) -> dict[str, float]:
    """In this process: seconds a step (medians; also of the processor), images/s, peak MiB, seconds to the first."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import numpy as np
    import tensorflow as tf

    from benchmarks.common import build_step, random_element
    from lomit_tf.commands.flags import parse
    from lomit_tf.training.loop import one_thread_per_operation
    from lomit_tf.training.strategies import distribute, make_strategy

    if os.environ.get(REWRITES) == "off":
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    if flags.get("strategy") == "mirrored":
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    config = parse([f"--{name}={value}" for name, value in flags.items()]).config
    if config.training.deterministic:
        one_thread_per_operation()
        tf.keras.utils.set_random_seed(0)
        tf.config.experimental.enable_op_determinism()
    start = time.perf_counter()
    step, element = build_step(config), random_element(config)
    elements: Any = element
    if config.training.strategy == "mirrored":
        dataset = tf.data.Dataset.from_tensors(element).repeat()
        elements = next(iter(distribute(make_strategy("mirrored"), dataset)))
    step(elements)[1].numpy()
    first = time.perf_counter() - start
    times, processor = [], []
    for _ in range(steps):
        start, spent = time.perf_counter(), time.process_time()
        step(elements)[1].numpy()
        times.append(time.perf_counter() - start)
        processor.append(time.process_time() - spent)
    images = 2 * config.training.batch_size * config.training.n_critic
    seconds = float(np.median(times))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent = float(np.median(processor))
    return {"seconds": seconds, "processor": spent, "images": images / seconds, "peak": peak, "first": first}


def parted(variant: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The flags of a variant, and its environment variables."""
    return {k: v for k, v in variant.items() if k.islower()}, {k: v for k, v in variant.items() if not k.islower()}


def main(argv: list[str]) -> int:
    """Print the table; exit code 1 if a variant failed."""
    if argv and argv[0] == "--one":
        print(json.dumps(measure(json.loads(argv[1]))))
        return 0
    names = [n for n in VARIANTS if "--quick" not in argv or "128" not in n]
    first = names[0]
    base: dict[str, float] = {}
    print("| variant | s/step | ratio to the first | images/s | peak MiB | ratio | first step, s |")
    print("|---|---|---|---|---|---|---|")
    failed = 0
    for name in [*names, first]:
        flags, environment = parted(VARIANTS[name])
        command = [sys.executable, "-m", "benchmarks.step_time", "--one", json.dumps(flags)]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})
        if done.returncode:
            failed = 1
            print(f"| {name} | failed: {done.stderr.strip().splitlines()[-1][:200]} | | | | | |", flush=True)
            continue
        r = json.loads(done.stdout.strip().splitlines()[-1])
        again = " (again)" if base and name == first else ""
        base = base or r
        print(
            f"| {name}{again} | {r['seconds']:.2f} | {r['seconds'] / base['seconds']:.2f} | {r['images']:.1f} | "
            f"{r['peak']:.0f} | {r['peak'] / base['peak']:.2f} | {r['first']:.0f} |",
            flush=True,
        )
    return failed


if __name__ == "__main__":
    explain(__doc__)
    sys.exit(main(sys.argv[1:]))
