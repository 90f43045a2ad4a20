"""The gradient penalty at every critic update, and lazily at every second with twice the weight: time and quality.

    python -m benchmarks.lazy_penalty [--steps=400] [any flag of lomit_tf.train; default --flagfile=drawn_faces.cfg]

Lazy regularisation as in StyleGAN2 (arXiv 1912.04958, appendix B). Each variant trains in a process of its own, in
turns, from two seeds; seconds are processor time of a step, without those before step WARM, the figures those that
`lomit_tf.train` ends with, on 100 pairs that nobody trained on. It takes half an hour and more.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.help import explain

WARM = 20
SEEDS = (0, 1)
VARIANTS = ("every", "every second")


def train(variant: str, argv: list[str]) -> dict[str, Any]:
    """In this process: seconds of a step, and the figures at the end."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from lomit_tf.runtime.allocator import keep_freed_memory

    keep_freed_memory()
    import keras

    from lomit_tf.commands.flags import parse
    from lomit_tf.evaluation.first_look import figures
    from lomit_tf.model import Lomit
    from lomit_tf.training.checkpoints import load
    from lomit_tf.training.loop import train as run

    class Lazy(Lomit):
        """Its penalty is twice as large at every second critic update, and 0 between; for an even n_critic."""

        calls = 0  # the updates of a step are unrolled, so that they are counted while the step is traced

        def _gradient_penalty(self, *args: Any) -> Any:
            self.calls += 1
            return 2.0 * super()._gradient_penalty(*args) if self.calls % 2 else keras.ops.zeros(())

    class Clock(keras.callbacks.Callback):
        """Processor time at the end of every step."""

        def __init__(self) -> None:
            super().__init__()
            self.times: list[float] = []

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.times.append(time.process_time())

    config = parse([*argv, "--sample_every=0"]).config
    if config.training.n_critic % 2:
        raise SystemExit(f"lazy_penalty: --n_critic must be even; received {config.training.n_critic}")
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        run(config, folder, callbacks=[clock], make_model=Lazy if variant == VARIANTS[1] else None)
        steps = sorted(b - a for a, b in zip(clock.times[WARM:], clock.times[WARM + 1 :], strict=False))
        return {"seconds": steps[len(steps) // 2], "figures": figures(load(Path(folder)))}


def main(argv: list[str]) -> None:
    """Train all, and print a table."""
    if argv and argv[0] in VARIANTS:
        print(json.dumps(train(argv[0], argv[1:])))
        return
    argv = [*(argv or ["--flagfile=drawn_faces.cfg"])]
    if not any(a.lstrip("-").startswith("steps=") for a in argv):
        argv.append("--steps=400")
    if not any(a.lstrip("-").startswith("flagfile=") for a in argv):
        argv.insert(0, "--flagfile=drawn_faces.cfg")
    rows: list[tuple[str, int, dict[str, Any]]] = []
    for seed in SEEDS:
        for variant in VARIANTS:
            command = [sys.executable, "-m", "benchmarks.lazy_penalty", variant, *argv, f"--seed={seed}"]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            rows.append((variant, seed, json.loads(done.stdout.splitlines()[-1])))
    names = list(rows[0][2]["figures"])
    print(f"| penalty | seed | s/step | ratio | {' | '.join(names)} |")
    print("|---" * (4 + len(names)) + "|")
    for variant, seed, row in rows:
        base = next(other["seconds"] for name, of, other in rows if name == VARIANTS[0] and of == seed)
        cells = [row["figures"][name] for name in names]
        print(f"| {variant} | {seed} | {row['seconds']:.2f} | {row['seconds'] / base:.2f} | {' | '.join(cells)} |")


if __name__ == "__main__":
    explain(__doc__)
    main(sys.argv[1:])
