"""The same run on TensorFlow and on JAX: are they further apart than two runs with other seeds?

    python -m benchmarks.backends_agree [--steps=100] [--seeds=2] [FLAGS OF lomit-train]

For each seed, TensorFlow makes one step and a checkpoint; the workdir is copied, and either backend goes on from it to
--steps. Every logged term is averaged over the second half. A row gives both, their difference (the mean of its size
over seeds), and the noise: the mean difference of one backend's own runs with two seeds. Exit code 1 where more than a
tenth of the terms differ by more than the noise. Drawn faces and the tiniest networks by default.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.help import explain

TINY = (
    "--image_size=64", "--crop=0", "--attributes=Black_Hair,Smiling", "--base_channels=8", "--residual_blocks=1",
    "--edge_kernel=3", "--style_downsamples=2", "--mask_upsamples=1",
    "--critic_channels=8", "--critic_layers=4", "--batch_size=2", "--n_critic=2", "--train_images=200",
)  # fmt: skip
ALLOWED = 0.1


def train(backend: str, workdir: Path, flags: list[str], steps: int) -> None:
    """Train on a backend to a number of steps."""
    command = [
        sys.executable, "-m", "lomit_tf.train", *flags, f"--workdir={workdir}", f"--steps={steps}", "--log_every=1",
        "--sample_every=0", "--checkpoint_every=1000000",
    ]  # fmt: skip
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{backend}: {done.stderr[-2000:]}")


def means(workdir: Path, steps: int) -> dict[str, float]:
    """Every term, averaged over the second half of a run."""
    lines = [json.loads(line) for line in (workdir / "log.jsonl").read_text().splitlines()]
    late = [line for line in lines if line["step"] > steps // 2]
    return {k: float(np.mean([line[k] for line in late])) for k in late[0] if k not in ("step", "seconds")}


def main(argv: list[str]) -> int:
    """Print the table; the exit code of the module."""
    own = {"steps": 100, "seeds": 2}
    flags = []
    for word in argv:
        name, _, value = word.removeprefix("--").partition("=")
        if name in own:
            own[name] = int(value)
        else:
            flags.append(word)
    flags = [*(flags or TINY), f"--schedule_steps={own['steps']}"]
    found: dict[str, list[dict[str, float]]] = {"tensorflow": [], "jax": []}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(own["seeds"]):
            start = Path(folder, f"start-{seed}")
            train("tensorflow", start, [*flags, f"--seed={seed}"], 1)
            for backend, runs in found.items():
                workdir = Path(folder, f"{backend}-{seed}")
                shutil.copytree(start, workdir)
                train(backend, workdir, [*flags, f"--seed={seed}"], own["steps"])
                runs.append(means(workdir, own["steps"]))
                print(f"seed {seed}, {backend}: done", file=sys.stderr, flush=True)
    print("| term | TensorFlow | JAX | difference | noise | ratio |\n|---|---|---|---|---|---|")
    beyond = 0
    for name in found["tensorflow"][0]:
        values = {backend: [run[name] for run in runs] for backend, runs in found.items()}
        apart = np.mean([abs(a - b) for a, b in zip(*values.values(), strict=True)])
        noise = np.mean([abs(a - b) for one in values.values() for a, b in itertools.combinations(one, 2)])
        beyond += bool(apart > noise)
        both = " | ".join(f"{np.mean(of):.4g}" for of in values.values())
        print(f"| {name} | {both} | {apart:.2g} | {noise:.2g} | {apart / max(noise, 1e-12):.2f} |")
    total = len(found["tensorflow"][0])
    print(f"\n{beyond} of {total} terms differ by more than the noise")
    return int(beyond > ALLOWED * total)


if __name__ == "__main__":
    explain(__doc__)
    sys.exit(main(sys.argv[1:]))
