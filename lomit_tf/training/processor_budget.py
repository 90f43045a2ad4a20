"""Training for so many seconds of processor time, whatever a step costs: how methods are compared fairly.

What a step and an image cost is measured first, on a copy that is thrown away, and the steps that fit are planned:
schedules are fractions of the run, so a run must end at its planned end. Time is `time.process_time` of this process,
of all its threads. `lomit_tf.train --minutes` plans in the same way, in wall time.
"""

from __future__ import annotations

import json
import math
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
from absl import logging

from lomit_tf.config import LomitConfig
from lomit_tf.data.sources import open_set
from lomit_tf.data.store import ImageStore
from lomit_tf.runtime.atomic import write_text
from lomit_tf.training import loop
from lomit_tf.training.budget_record import RECORD, planned_run, taken_up, with_settings
from lomit_tf.training.checkpoints import Workdir
from lomit_tf.training.precision import decided

MEASURED, SKIPPED = 24, 4  # steps of the measurement, and how many of them do not count: they compile and read images
IMAGES = 32  # of the measurement: read within the steps that do not count, and timed apart
MOST = 1.1  # of the budget: a run that costs more than was measured ends there, before its planned end


class Budget(keras.callbacks.Callback):
    """Keeps what a run has spent beside its checkpoints, and ends a run that spends far more than was planned.

    A run that goes on compiles its step anew; its first step is not counted.

    Args:
        path: of the record.
        record: what is known of the run; `processor_seconds` is what earlier parts of it spent.
    """

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        super().__init__()
        self.path, self.record, self.before = path, record, float(record["processor_seconds"])
        self.again = self.before > 0
        self.start = time.process_time()
        self.spent, self.steps = self.before, int(record["steps"])

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Count, and stop where the budget is far behind."""
        if self.again:
            self.again, self.start = False, time.process_time()
        self.spent, self.steps = self.before + time.process_time() - self.start, batch + 1
        if self.spent >= MOST * self.record["budget"]:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """A checkpoint was written: from here a run would go on."""
        self.write(done=False)

    def on_train_end(self, logs: Any = None) -> None:
        """Done, unless a signal ended the run."""
        self.write(done=self.spent >= MOST * self.record["budget"] or self.steps >= self.record["planned"])

    def write(self, *, done: bool) -> None:
        """The record, whole or not at all."""
        self.record |= {"processor_seconds": round(self.spent, 2), "steps": self.steps, "done": done}
        write_text(self.path, json.dumps(self.record, indent=1) + "\n")


class _Clock(keras.callbacks.Callback):
    """Processor time at the end of every step."""

    def __init__(self) -> None:
        super().__init__()
        self.times = [time.process_time()]

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.times.append(time.process_time())


def measure(config: LomitConfig) -> dict[str, float]:
    """Processor seconds of a run here: `first`, until its first step is done, `step`, and `image`, to read one.

    A signal that ends the measured steps is raised again after them: there is nothing to save.
    """
    images = open_set(config.data, "train")
    picks = np.arange(min(IMAGES, len(images)))
    store, start = ImageStore(images, config.data, cache=False), time.process_time()
    store.get(picks)
    reading = (time.process_time() - start) / len(picks)
    few = {"steps": MEASURED, "schedule_steps": MEASURED, "sample_every": 0, "log_every": MEASURED, "mask_patience": 0}
    clock = _Clock()
    with tempfile.TemporaryDirectory() as folder:
        result = loop.train(with_settings(config, train_images=IMAGES, **few), folder, callbacks=[clock], draw=False)
    if result.interrupted is not None:
        signal.raise_signal(result.interrupted)
        raise KeyboardInterrupt  # where its handler goes on
    step = (clock.times[-2] - clock.times[SKIPPED]) / (MEASURED - 1 - SKIPPED)  # the last one may write a checkpoint
    return {"first": clock.times[1] - clock.times[0], "step": step, "image": reading}


def steps_within(seconds: float, cost: dict[str, float], images: int, each: int) -> int:
    """How many steps fit, at least 1.

    The most n with first + (n - 1) step + image N (1 - (1 - 1/N)^(n each)) <= seconds; the last term is for the images
    that were drawn at least once, since an image is read once and kept.

    Args:
        seconds: the budget.
        cost: as of `measure`.
        images: N, of the data set.
        each: images that a step draws.
    """

    def spent(n: int) -> float:
        seen = -images * math.expm1(n * each * math.log1p(-1 / images)) if images > 1 else 1
        return cost["first"] + (n - 1) * cost["step"] + cost["image"] * seen

    low, high = 1, 2
    while spent(high) <= seconds:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if spent(middle) <= seconds else (low, middle)
    return low


def plan(config: LomitConfig, seconds: float) -> dict[str, Any]:
    """The record of a run that is about to begin: its budget, what was measured, and the steps that fit."""
    cost, t = measure(config), config.training
    count = len(open_set(config.data, "train"))
    planned = steps_within(seconds, cost, count, 2 * t.batch_size * t.n_critic)
    logging.info(
        "processor time: %.0f s until the first step is done, %.2f s a step, %.4f s an image: %d steps fit into %g s",
        cost["first"], cost["step"], cost["image"], planned, seconds,
    )  # fmt: skip
    if cost["first"] > seconds:
        logging.warning("compiling the first step alone takes longer than the %g s that are asked for", seconds)
    measured = {name: round(value, 5) for name, value in cost.items()}
    return {
        "budget": seconds, "measured": measured, "planned": planned, "steps": 0, "processor_seconds": 0.0, "done": False
    }  # fmt: skip


def train_for(config: LomitConfig, workdir: str | os.PathLike[str], seconds: float) -> loop.TrainingResult:
    """Train for so many processor seconds, going on from the workdir's last checkpoint.

    The measurement, the last checkpoint and the last grid are not counted. The workdir gets budget.json: the budget,
    what was measured, the steps planned and made, the seconds spent, and whether it is done.

    Raises ConfigError for a run that was begun with another budget or configuration; else as `loop.train`.
    """
    config = decided(config, Workdir(workdir))  # once: the copy that is measured must be like the run
    path = Path(workdir) / RECORD
    record = taken_up(config, Path(workdir), seconds)
    if not record:
        record = plan(config, seconds)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(record, indent=1) + "\n")
    return loop.train(planned_run(config, int(record["planned"])), workdir, callbacks=[Budget(path, record)])
