"""Keras callbacks of a training run: progress, TensorBoard and log, sample grids, mask health, NaN stop.

They get every step's terms as floats in `on_train_batch_end(step, logs)`; a step is one generator step, numbered
from 0, and `step + 1` of them are done by then.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from absl import logging
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lomit_tf.training import grid
from lomit_tf.training.events import EventWriter

Logs = dict[str, float]
# Terms beside the progress bar: of training, of a student's pictures, of movements.
SHOWN = ("reconstruction", "cycle", "classification", "translation", "moved", "painted")
DEAD_MEAN = 0.004  # a mask that covers less than this, or all but this, of the image
DEAD_VARIANCE = 1e-5  # a mask that is the same everywhere


class TrainingError(RuntimeError):
    """Training cannot go on; the message says at which step, why and what to do."""


class RunCallback(keras.callbacks.Callback):
    """A callback of a run, told also when the run ends by an error."""

    def on_abort(self) -> None:
        """The run ends by an error; `on_train_end` will not be called."""


class ProgressBar(RunCallback):
    """A bar with images per second and the time left on a terminal, lines elsewhere; on standard error."""

    def __init__(self, steps: int, first: int, images_per_step: int, log_every: int) -> None:
        super().__init__()
        self.steps, self.first, self.images, self.log_every = steps, first, images_per_step, log_every
        self.console = Console(file=sys.stderr)
        self.progress: Progress | None = None
        self.since, self.since_step = 0.0, first

    def on_train_begin(self, logs: Any = None) -> None:
        """Show that the first step, which compiles, has begun; of a run that is done there is nothing to show."""
        if self.first >= self.steps:
            return
        if self.console.is_terminal:
            self.progress = Progress(
                TextColumn("training"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
                TextColumn("{task.description}"), console=self.console,
            )  # fmt: skip
            self.progress.start()
            self.task = self.progress.add_task("compiling the first step", total=self.steps, completed=self.first)
        else:
            print("compiling the first step", file=sys.stderr, flush=True)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Advance; the first step counts neither for the speed nor for the time left."""
        now, done = time.monotonic(), batch + 1
        if done == self.first + 1:
            self.since, self.since_step = now, done
        speed = (done - self.since_step) / max(now - self.since, 1e-9)  # 0 for the first step, which compiled
        logs = logs or {}
        said = [f"{speed * self.images:.1f} images/s"] if speed else []
        said += [f"{name} {logs[f'generator/{name}']:.3f}" for name in SHOWN if f"generator/{name}" in logs]
        for name, value in logs.items():
            if name.startswith("mask/") and name.endswith("/mean"):
                said.append(f"mask {name.split('/')[1]} {value:.2f}")
        text = ", ".join(said)
        if self.progress is not None:
            self.progress.update(self.task, completed=done, description=text)
        elif done % self.log_every == 0 or done == self.steps:
            left = f"{(self.steps - done) / speed / 60:.1f} min left, " if speed and done < self.steps else ""
            print(f"step {done}/{self.steps}, {left}{text}".rstrip(", "), file=sys.stderr, flush=True)

    def on_train_end(self, logs: Any = None) -> None:
        """Leave the terminal as it was."""
        self.on_abort()

    def on_abort(self) -> None:
        """The same after an error."""
        if self.progress is not None:
            self.progress.stop()


class Scalars(RunCallback):
    """Every term to TensorBoard and, one JSON object a line, to log.jsonl; averaged over `log_every` steps."""

    def __init__(self, folder: Path, log: Path, log_every: int, first: int) -> None:
        super().__init__()
        self.folder, self.log, self.log_every, self.first = folder, log, log_every, first
        self.done = first
        self.sums: dict[str, list[float]] = {}

    def on_train_begin(self, logs: Any = None) -> None:
        """Open both; what an interrupted run logged after the checkpoint that we go on from is taken back."""
        if self.log.exists():
            lines = self.log.read_text().splitlines()
            kept = [line for line in lines if _step_of(line) <= self.first]
            self.log.write_text("".join(line + "\n" for line in kept))
        self.writer = EventWriter(self.folder)
        self.started = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Collect, and write every `log_every` steps."""
        self.done = batch + 1
        for name, value in (logs or {}).items():
            self.sums.setdefault(name, []).append(value)
        if (batch + 1) % self.log_every == 0:
            self.flush(batch + 1)

    def flush(self, step: int) -> None:
        """Write the averages of the steps since the last time."""
        means = {name: float(np.mean(values)) for name, values in self.sums.items()}
        self.sums = {}
        if not means:
            return
        self.writer.scalars(means, step)
        line = {"step": step, "seconds": round(time.monotonic() - self.started, 2)} | {
            k: float(f"{v:.6g}") for k, v in means.items()
        }
        with self.log.open("a") as log:
            log.write(json.dumps(line) + "\n")

    def on_train_end(self, logs: Any = None) -> None:
        """Write what is left."""
        self.flush(self.done)
        self.writer.close()

    def on_abort(self) -> None:
        """The steps before an error are the ones that explain it."""
        self.on_train_end()


def _step_of(line: str) -> float:
    """The step of a line of log.jsonl; infinity for one that a crash cut short."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


class Samples(keras.callbacks.Callback):
    """A grid of fixed pairs every `every` steps and at the end, as PNG and to TensorBoard."""

    def __init__(self, pairs: dict[str, np.ndarray], folder: Path, tensorboard: Path, every: int, first: int) -> None:
        super().__init__()
        self.pairs, self.folder, self.tensorboard, self.every = pairs, folder, tensorboard, every
        self.done = first
        self.latest: Path | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Open TensorBoard's file."""
        self.writer = EventWriter(self.tensorboard, ".samples")

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Draw when it is time."""
        self.done = batch + 1
        if self.every and self.done % self.every == 0:
            self.draw()

    def draw(self) -> None:
        """Draw the grid of the present weights."""
        path = self.folder / f"step-{self.done:06d}.png"
        samples = self.model.samples(*(self.pairs[name] for name in self.model.sample_inputs))
        image = grid.draw_grid(grid.sample_rows(samples))
        grid.save_png(image, path)
        self.writer.image("samples", image, self.done)
        self.latest = path

    def on_train_end(self, logs: Any = None) -> None:
        """The last grid, also of an interrupted run."""
        if self.latest is None or self.latest.stem != f"step-{self.done:06d}":
            self.draw()
        self.writer.close()


class MaskHealth(keras.callbacks.Callback):
    """Warns when a mask is dead (all 0, all 1 or constant), and stops when it has been for `patience` steps."""

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.patience = patience
        self.dead: dict[str, int] = {}

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Raises TrainingError when patience has run out."""
        logs = logs or {}
        for name in [k.removesuffix("/mean") for k in logs if k.startswith("mask/") and k.endswith("/mean")]:
            reason = describe_death(logs[name + "/mean"], logs[name + "/variance"])
            self.dead[name] = self.dead.get(name, 0) + 1 if reason else 0
            if self.dead[name] == 1:
                logging.warning("step %d: the mask of group %s is dead: %s", batch + 1, name.split("/")[1], reason)
            if self.patience and self.dead[name] >= self.patience:
                raise TrainingError(
                    f"step {batch + 1}: the mask of group {name.split('/')[1]!r} has been dead for "
                    f"{self.patience} steps: {reason}. Lower --mask_sparsity, "
                    "let the masks' losses grow later (--mask_losses=0:1@START-END), or use --system=recipe; "
                    "--mask_patience=0 goes on regardless"
                )


def describe_death(mean: float, variance: float) -> str:
    """Why a mask of this mean and spatial variance is dead; empty for a living one."""
    if mean < DEAD_MEAN:
        return f"all 0 (mean {mean:.4f})"
    if mean > 1 - DEAD_MEAN:
        return f"all 1 (mean {mean:.4f})"
    if variance < DEAD_VARIANCE:
        return f"constant (mean {mean:.3f}, variance {variance:.1e})"
    return ""


class StopOnNaN(keras.callbacks.Callback):
    """Stops at the first term that is not finite. It must come first, so that nothing is saved after it."""

    def __init__(self, checkpoint: Callable[[], str | None]) -> None:
        super().__init__()
        self.checkpoint = checkpoint

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Raises TrainingError that names the step, the terms, and the last good checkpoint."""
        bad = {name: value for name, value in (logs or {}).items() if not math.isfinite(value)}
        if bad:
            terms = ", ".join(f"{name}={value}" for name, value in bad.items())
            raise TrainingError(
                f"step {batch + 1}: not finite: {terms}. The last good checkpoint is kept: "
                f"{self.checkpoint() or 'none yet'}. Lower --learning_rate, or use --precision=float32"
            )
