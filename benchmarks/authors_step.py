"""The paper's step here against the authors' own PyTorch code, in turns, each in a process of its own.

    git clone https://github.com/AnonymousIclrAuthor/Highway-Adaptive-Instance-Normalization authors
    python -m venv torch && torch/bin/pip install torch numpy pyyaml
    python -m benchmarks.authors_step --authors=authors --python=torch/bin/python [--cores=1] [--rounds=3]

Both take 2 pairs of 128 px, one update of the critic in both directions and one of the generator, with 64 channels and
10 labels. Of the authors' code `model.py` and `run.py` run as they are; their data loader and pictures are left out.
Seconds are medians of 4 steps after the first, of the clock and of the processor: beside other work the latter counts.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

OURS = {"flagfile": "celeba_paper.cfg", "batch_size": 2, "n_critic": 1}
WORKER = Path(__file__).with_name("authors_worker.py")
ENVIRONMENTS = {"ours": {}, "ours, bfloat16": {}, "ours, without oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"}}


def commands(asked: argparse.Namespace) -> dict[str, list[str]]:
    """What is measured -> the command that prints its figures."""
    step = [sys.executable, "-m", "benchmarks.step_time", "--one"]
    bfloat16 = OURS | {"precision": "mixed_bfloat16"}
    found = {
        "authors": [asked.python, str(WORKER), asked.authors],
        "ours": [*step, json.dumps(OURS)],
        "ours, bfloat16": [*step, json.dumps(bfloat16)],
        "ours, without oneDNN": [*step, json.dumps(OURS)],
    }
    return {name: found[name] for name in ("authors", *asked.variants)}


def main(argv: list[str]) -> int:
    """Print a line for each process, and the ratios of the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--authors", required=True, help="a clone of the authors' repository")
    parser.add_argument("--python", required=True, help="a Python that has torch, numpy and pyyaml")
    parser.add_argument("--cores", type=int, default=1, help="cores that each process may use")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each kind, in turns")
    parser.add_argument("--variants", nargs="*", default=["ours"], choices=list(ENVIRONMENTS), help="of ours")
    asked = parser.parse_args(argv)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-asked.cores :])
    taken: dict[str, list[dict[str, float]]] = {}
    for turn in range(1, asked.rounds + 1):
        for name, command in commands(asked).items():
            done = subprocess.run(
                command, capture_output=True, text=True, env={**os.environ, **ENVIRONMENTS.get(name, {})}
            )
            if done.returncode:
                print(f"{name}: {done.stderr.strip()[-2000:]}", file=sys.stderr)
                return 1
            figures = json.loads(done.stdout.strip().splitlines()[-1])
            taken.setdefault(name, []).append(figures)
            print(
                f"{turn}: {name}: {figures['seconds']:.2f} s, {figures['processor']:.2f} s of the processor", flush=True
            )
    for name, runs in list(taken.items())[1:]:
        for kind in ("seconds", "processor"):
            medians = [statistics.median(run[kind] for run in of) for of in (taken["authors"], runs)]
            print(f"authors / {name}, {kind}: {medians[0]:.2f} / {medians[1]:.2f} = {medians[0] / medians[1]:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
