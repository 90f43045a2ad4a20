"""The training step on TensorFlow and on JAX, in one run: seconds a step, compile time, memory, arithmetic.

    python -m benchmarks.backends [--steps=4] [--batch_sizes=8,16,32] [--only=jax] [FLAGS OF lomit-train]

Each measurement is a process of its own, and the whole list is measured twice, so that the machine's noise shows. Flags
such as --flagfile=celeba.cfg --precision=mixed_bfloat16 are those of a run; without any the step is that of
drawn_faces.cfg. The data are noise: nothing is read. Memory is the process's peak, or on a GPU the device's.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np

from benchmarks.help import explain

BACKENDS = ("tensorflow", "jax")


def element(config: Any) -> dict[str, np.ndarray]:
    """A training element of a configuration's shapes, filled with noise."""
    t, d = config.training, config.data
    rng = np.random.default_rng(0)
    lead, size, labels, groups = (t.batch_size, t.n_critic), d.image_size, len(d.label_names), len(d.group_labels)
    values: dict[str, Any] = {x: rng.integers(0, 256, (*lead, size, size, 3)).astype(np.uint8) for x in ("x1", "x2")}
    values |= {y: rng.integers(0, 2, (*lead, labels)).astype(np.float32) for y in ("y1", "y2")}
    values["alpha"] = rng.random((*lead, 2), np.float32)
    values["transfer"] = np.ones((*lead, groups), np.float32)
    values["colours_only"] = np.zeros((*lead, 1), np.float32)
    return values


def measure(argv: list[str], steps: int) -> dict[str, float]:
    """In this process, on the backend that KERAS_BACKEND names."""
    from lomit_tf.commands.flags import parse
    from lomit_tf.runtime.backend import backend_name

    config, start = parse(argv).config, time.perf_counter()
    found = (_jax if backend_name() == "jax" else _tensorflow)(config, steps, start)
    found["peak"] = found.get("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    found["images"] = 2 * config.training.batch_size * config.training.n_critic / found["seconds"]
    return found


def _tensorflow(config: Any, steps: int, start: float) -> dict[str, float]:
    import tensorflow as tf

    from benchmarks.common import build_step
    from lomit_tf.data.host import to_model_range

    step = build_step(config)
    data = {k: tf.constant(to_model_range(v) if v.dtype == np.uint8 else v) for k, v in element(config).items()}
    found = _timed(lambda: step(data)[1].numpy(), steps, start)
    if tf.config.list_physical_devices("GPU"):
        found["peak"] = tf.config.experimental.get_memory_info("GPU:0")["peak"] / 2**20
    return found


def _jax(config: Any, steps: int, start: float) -> dict[str, float]:
    import jax
    import keras

    from lomit_tf.training.jax_step import JaxLomit, JaxStep, devices_for

    keras.utils.set_random_seed(0)
    model = JaxLomit(config)
    model.compile(jit_compile=False)
    step, data = JaxStep(model, devices_for(config)), element(config)
    found = _timed(lambda: step(data), steps, start)
    # Once more, from the compiled function: what XLA counts of multiplications and additions.
    costs = step.compiled.lower(step.state(), step.placed(data)).cost_analysis() or {}
    found["gflop"] = float(costs.get("flops", 0)) / 1e9
    memory = jax.local_devices()[0].memory_stats() or {}
    if "peak_bytes_in_use" in memory:
        found["peak"] = memory["peak_bytes_in_use"] / 2**20
    return found


def _timed(call: Any, steps: int, start: float) -> dict[str, float]:
    call()
    first, times = time.perf_counter() - start, []
    for _ in range(steps):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return {"first": first, "seconds": float(np.median(times))}


def main(argv: list[str]) -> int:
    """Print the table; exit code 1 if a measurement failed, 2 for a backend that is not installed."""
    own = {"steps": "4", "batch_sizes": "", "only": "", "one": ""}
    flags = []
    for word in argv:
        name, _, value = word.removeprefix("--").partition("=")
        if name in own and word.startswith("--"):
            own[name] = value
        else:
            flags.append(word)
    if own["one"]:
        print(json.dumps(measure(flags, int(own["steps"]))))
        return 0
    backends = [own["only"]] if own["only"] else list(BACKENDS)
    for name in backends:
        if importlib.util.find_spec(name) is None:
            print(f"backends: {name} is not installed; --only={BACKENDS[name == BACKENDS[0]]}", file=sys.stderr)
            return 2
    flags = flags or ["--flagfile=drawn_faces.cfg"]
    sizes = [f"--batch_size={n}" for n in own["batch_sizes"].split(",") if n] or [""]
    print("| backend | flags | s/step | images/s | first step, s | peak MiB | GFLOP/step | TFLOP/s |")
    print("|---|---|---|---|---|---|---|---|")
    failed = 0
    for size in [*sizes, *sizes]:
        for backend in backends:
            asked = [*flags, *filter(None, [size])]
            command = [sys.executable, "-m", "benchmarks.backends", "--one=1", f"--steps={own['steps']}", *asked]
            environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"}
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
            if done.returncode:
                failed = 1
                why = done.stderr.strip().splitlines()[-1][:200]
                print(f"| {backend} | {size} | failed: {why} | | | | | |", flush=True)
                continue
            r = json.loads(done.stdout.strip().splitlines()[-1])
            work = f"{r['gflop']:.1f} | {r['gflop'] / r['seconds'] / 1e3:.2f}" if "gflop" in r else "- | -"
            what = f"{backend} | {size or ' '.join(flags)} | {r['seconds']:.3f} | {r['images']:.1f}"
            print(f"| {what} | {r['first']:.0f} | {r['peak']:.0f} | {work} |", flush=True)
    return failed


if __name__ == "__main__":
    explain(__doc__)
    sys.exit(main(sys.argv[1:]))
