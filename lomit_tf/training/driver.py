"""What every training loop does, whatever computes its steps: callbacks, checkpoints, signals, the result."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
from absl import logging

from lomit_tf.config import LomitConfig
from lomit_tf.data.store import CorruptReport
from lomit_tf.model_base import LomitBase
from lomit_tf.runtime.garbage import searched_seldom
from lomit_tf.runtime.signals import check_interrupt, heard_signals
from lomit_tf.training import callbacks as cb
from lomit_tf.training.checkpoints import Checkpoints, RunState, Workdir
from lomit_tf.training.warm_start import start_from

SAMPLE_PAIRS = 8  # in a sample grid
Step = Callable[[Any], dict[str, float]]  # an element of the data -> the step's terms


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """Where a run's results are.

    `interrupted` is the signal that it was told to stop by, after saving. It is `done` where all of its steps are, even
    if the signal came during the last one.
    """

    workdir: Path
    step: int
    grid: Path | None
    log: Path
    tensorboard: Path
    checkpoint: str | None
    interrupted: int | None
    done: bool


def resumed(config: LomitConfig, work: Workdir, model: LomitBase, chief: bool = True) -> tuple[Checkpoints, int]:
    """The run's checkpoints, the last one restored, and its generator step; without one `--init_from`, and 0.

    Args:
        config, work, model: of the run, prepared and compiled.
        chief: whether this process writes.
    """
    t = config.training
    saver = Checkpoints(model, RunState(config), work.checkpoints, t.keep_checkpoints, chief=chief)
    first = saver.restore()
    if t.init_from and not saver.latest:
        start_from(model, t.init_from)
    if first:
        logging.info("going on from step %d of %s", first, work.path)
    return saver, first


@dataclasses.dataclass
class Driver:
    """One run's loop. It drives Keras callbacks: `on_train_batch_end(step, logs)` after each generator step,
    `on_epoch_end` at each checkpoint. SIGINT and SIGTERM save first, then end it.

    Args:
        config: the run.
        work: its folder, prepared.
        model: what is trained, for the callbacks.
        saver: of its checkpoints, restored.
        fixed: pairs for sample grids; None where another process draws and writes.
        first: generator steps done before.
        more: more Keras callbacks, called after the run's own.
        draw: whether grids are drawn, each of which compiles the networks once.
    """

    config: LomitConfig
    work: Workdir
    model: Any
    saver: Checkpoints
    fixed: dict[str, Any] | None
    first: int
    more: Sequence[keras.callbacks.Callback] = ()
    draw: bool = True

    def run(self, step: Step, elements: Iterable[Any], report: Callable[[], CorruptReport]) -> TrainingResult:
        """Steps until `config.training.steps` are done, one for each element; `report` names unreadable images."""
        samples, own = self._callbacks()
        driven = keras.callbacks.CallbackList([*own, *self.more], model=self.model)
        check_interrupt()  # one that was lost while the model was built; from here on they are collected
        with heard_signals() as received:
            done = self._loop(step, iter(elements), driven, received)
        found = report()
        if found.count:
            logging.warning("%d unreadable images were replaced: %s", found.count, found)
        return TrainingResult(
            self.work.path, done, samples.latest if samples else None, self.work.log, self.work.tensorboard,
            self.saver.latest, received[0] if received else None, done >= self.config.training.steps,
        )  # fmt: skip

    def _callbacks(self) -> tuple[cb.Samples | None, list[keras.callbacks.Callback]]:
        t, work, first = self.config.training, self.work, self.first
        # What stops a run stops every worker at the same step: all of them see the same terms.
        own: list[keras.callbacks.Callback] = [cb.StopOnNaN(lambda: self.saver.latest)]
        if not t.freeze_masks:
            own.append(cb.MaskHealth(t.mask_patience))
        if self.fixed is None:
            return None, own
        own.append(cb.Scalars(work.tensorboard, work.log, t.log_every, first))
        samples = None
        if self.draw:
            samples = cb.Samples(self.fixed, work.samples, work.tensorboard, t.sample_every, first)
            own.append(samples)
        own.append(cb.ProgressBar(t.steps, first, 2 * t.batch_size * t.n_critic, t.log_every))
        return samples, own

    def _loop(
        self, step: Step, elements: Iterator[Any], driven: keras.callbacks.CallbackList, received: list[int]
    ) -> int:
        """Steps first .. steps - 1, fewer where a callback sets `model.stop_training`; how many are done in all."""
        steps, every = self.config.training.steps, self.config.training.checkpoint_every
        done = saved = self.first
        logs: dict[str, float] = {}
        driven.on_train_begin()
        try:
            driven.on_epoch_begin(done // every)
            while done < steps and not received and not getattr(self.model, "stop_training", False):
                driven.on_train_batch_begin(done)
                with searched_seldom() if done == self.first else contextlib.nullcontext():  # the first one compiles
                    logs = step(next(elements))
                driven.on_train_batch_end(done, logs)
                done += 1
                if done % every == 0 or done == steps:
                    self.saver.save(done)
                    saved = done
                    driven.on_epoch_end((done - 1) // every, logs)
                    if done < steps:
                        driven.on_epoch_begin(done // every)
            if saved < done:
                self.saver.save(done)
        except BaseException:
            for callback in driven.callbacks:  # let go of the terminal, write the log to its end; draw and save nothing
                if isinstance(callback, cb.RunCallback):
                    callback.on_abort()
            raise
        driven.on_train_end(logs)
        return done
