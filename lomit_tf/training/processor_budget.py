"""Training for so many seconds of processor time, whatever a step costs: how methods are compared fairly.

The steps that fit are measured first and planned, so that schedules, which are fractions of the run, are gone through;
the time itself ends the run where the plan was too long. Time is `time.process_time` of this process, of all threads.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import keras

from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.runtime.atomic import write_text
from lomit_tf.training import loop

RECORD = "budget.json"
MEASURED, SKIPPED = 14, 9  # steps of the measurement, and how many of them do not count: they compile and read images
IMAGES = 64  # of the measurement, so that reading is soon over, as in a long run
CHECKPOINTS = 8  # in a run


class Budget(keras.callbacks.Callback):
    """Ends a run when its processor time is spent, and keeps what was spent beside the checkpoints.

    Args:
        path: of the record.
        record: what is known of the run; `processor_seconds` is what earlier parts of it spent.
    """

    def __init__(self, path: Path, record: dict[str, Any]) -> None:
        super().__init__()
        self.path, self.record, self.before = path, record, float(record["processor_seconds"])
        self.start = time.process_time()
        self.steps = int(record["steps"])

    @property
    def spent(self) -> float:
        """Processor seconds, with those of the run's earlier parts."""
        return self.before + time.process_time() - self.start

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stop when it is time."""
        self.steps = batch + 1
        if self.spent >= self.record["budget"]:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """A checkpoint was written: from here a run would go on."""
        self.write(done=False)

    def on_train_end(self, logs: Any = None) -> None:
        """Done, unless a signal ended the run."""
        self.write(done=self.spent >= self.record["budget"] or self.steps >= self.record["planned"])

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


def read_record(workdir: Path) -> dict[str, Any]:
    """What a run with a budget left; empty where there was none."""
    try:
        return dict(json.loads((workdir / RECORD).read_text()))
    except (OSError, ValueError):
        return {}


def planned_steps(config: LomitConfig, seconds: float) -> int:
    """How many steps fit into so many seconds, by training a few, somewhere else; at least 1."""
    few = {"steps": MEASURED, "schedule_steps": MEASURED, "sample_every": 0, "log_every": MEASURED, "mask_patience": 0}
    clock = _Clock()
    with tempfile.TemporaryDirectory() as folder:
        loop.train(with_settings(config, train_images=IMAGES, **few), folder, callbacks=[clock])
    compiling = clock.times[1] - clock.times[0]
    each = (clock.times[-1] - clock.times[SKIPPED]) / (MEASURED - SKIPPED)
    return max(1, int((seconds - compiling) / each))


def with_settings(config: LomitConfig, **changes: Any) -> LomitConfig:
    """The configuration with some settings changed, by name."""
    return LomitConfig.from_flat(config.flat() | changes)


def train_for(config: LomitConfig, workdir: str | os.PathLike[str], seconds: float) -> loop.TrainingResult:
    """Train for so many processor seconds, going on from the workdir's last checkpoint.

    The measurement and the last checkpoint are not counted. The workdir gets budget.json: the budget, the steps
    planned and made, the seconds spent, and whether it is done.

    Raises ConfigError for a run that was begun with another budget; else as `loop.train`.
    """
    path = Path(workdir) / RECORD
    record = read_record(Path(workdir))
    if record and record["budget"] != seconds:
        raise ConfigError(
            f"{path}: that run has a budget of {record['budget'] / 60:g} minutes, and {seconds / 60:g} are asked for; "
            "use another folder"
        )
    if not record:
        planned = planned_steps(config, seconds)
        record = {"budget": seconds, "planned": planned, "steps": 0, "processor_seconds": 0.0, "done": False}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(record, indent=1) + "\n")
    steps = int(record["planned"])
    every = max(1, steps // CHECKPOINTS)
    run = with_settings(
        config, steps=steps, schedule_steps=steps, checkpoint_every=every, sample_every=every,
        log_every=max(1, min(config.training.log_every, steps // 4)),
    )  # fmt: skip
    return loop.train(run, workdir, callbacks=[Budget(path, record)])
