"""train(config, workdir): strategy, data, the one loop, checkpoints, resume."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from lomit_tf.config import LomitConfig
from lomit_tf.data.pairs import sample_pairs, training_pairs
from lomit_tf.data.sources import open_set
from lomit_tf.model import Lomit
from lomit_tf.training import callbacks as cb
from lomit_tf.training.callbacks import TrainingError
from lomit_tf.training.checkpoints import Checkpoints, RunState, Workdir
from lomit_tf.training.strategies import distribute, is_chief, make_strategy, worker_rows
from lomit_tf.training.warm_start import start_from

__all__ = ["TrainingError", "TrainingResult", "train"]

SAMPLE_PAIRS = 8  # in a sample grid


@dataclasses.dataclass(frozen=True)
class TrainingResult:
    """Where a run's results are. `interrupted` is the signal that ended it early, after saving."""

    workdir: Path
    step: int
    grid: Path | None
    log: Path
    tensorboard: Path
    checkpoint: str | None
    interrupted: int | None


def one_thread_per_operation() -> None:
    """Sums in one order, whatever else the machine does: operations must not be cut up for a pool of threads."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
    except RuntimeError:  # too late: TensorFlow has already run in this process
        logging.warning("--deterministic: set before TensorFlow runs; here sums may differ in their last bits")


def train(
    config: LomitConfig,
    workdir: str | os.PathLike[str],
    *,
    resume: str = "auto",
    callbacks: Sequence[keras.callbacks.Callback] = (),
    make_model: Callable[[LomitConfig], Lomit] = Lomit,
    make_pipeline: Callable[..., Any] = training_pairs,
) -> TrainingResult:
    """Train to `config.training.steps` generator steps, going on from the workdir's last checkpoint.

    One loop serves every strategy. It drives Keras callbacks: `on_train_batch_end(step, logs)` after each generator
    step, `on_epoch_end` at each checkpoint. SIGINT and SIGTERM save first, then return.

    Args:
        config: the run; all of it but a few display fields must equal that of the workdir's earlier part.
        workdir: folder for checkpoints, samples, logs and the effective configuration.
        resume: auto, never or must (see Workdir.check).
        callbacks: more Keras callbacks, called after the run's own.
        make_model: what is trained, a Lomit or a class of it with a training step of its own.
        make_pipeline: of its elements, called as `training_pairs` and giving something like its PairPipeline.

    Raises:
        ConfigError, DataError: before any work.
        TrainingError: masks dead or losses not finite; the last good checkpoint is kept.
        CorruptDataError: more unreadable images than `max_corrupt` allows.
    """
    t = config.training
    work = Workdir(workdir)
    work.check(config, resume)
    if t.deterministic:
        one_thread_per_operation()
    # Collectives of a multi-worker strategy must be set up before anything else runs on TensorFlow.
    strategy = make_strategy(t.strategy)
    rows = worker_rows(strategy, t)
    chief = is_chief(strategy)
    keras.utils.set_random_seed(t.seed)
    if t.deterministic:
        tf.config.experimental.enable_op_determinism()
    images = open_set(config.data, "train")
    fixed = sample_pairs(open_set(config.data, "validation"), config.data, SAMPLE_PAIRS, seed=0) if chief else None
    if chief:
        work.prepare(config)
    with strategy.scope():
        model = make_model(config)
        model.compile(jit_compile=False)
        saver = Checkpoints(model, RunState(config), work.checkpoints, t.keep_checkpoints, chief=chief)
        first = saver.restore()
        if t.init_from and not saver.latest:
            start_from(model, t.init_from)
    if first:
        logging.info("going on from step %d of %s", first, work.path)
    pipeline = make_pipeline(
        images, config.data, batch_size=t.batch_size, n_critic=t.n_critic, num_groups=len(model.group_names),
        seed=t.seed, start_step=first, rows=rows,
    )  # fmt: skip
    # What stops a run stops every worker at the same step: all of them see the same terms.
    own: list[keras.callbacks.Callback] = [cb.StopOnNaN(lambda: saver.latest)]
    if not t.freeze_masks:
        own.append(cb.MaskHealth(t.mask_patience))
    samples = None
    if fixed is not None:
        samples = cb.Samples(fixed, work.samples, work.tensorboard, t.sample_every, first)
        own += [
            cb.Scalars(work.tensorboard, work.log, t.log_every, first),
            samples,
            cb.ProgressBar(t.steps, first, 2 * t.batch_size * t.n_critic, t.log_every),
        ]
    driven = keras.callbacks.CallbackList([*own, *callbacks], model=model)
    with _signals() as received:
        step = _loop(strategy, model, pipeline, driven, saver, first, t.steps, t.checkpoint_every, received)
    report = pipeline.report()
    if report.count:
        logging.warning("%d unreadable images were replaced: %s", report.count, report)
    return TrainingResult(
        work.path, step, samples.latest if samples else None, work.log, work.tensorboard, saver.latest,
        received[0] if received else None,
    )  # fmt: skip


def make_step(strategy: tf.distribute.Strategy, model: Lomit) -> Callable[[Any], tuple[list[str], tf.Tensor]]:
    """The compiled step: a distributed element -> the terms, averaged over replicas, as one vector of floats."""
    jit = {"on": True, "off": False, "auto": None}[model.config.training.jit]
    names: list[str] = []

    @tf.autograph.experimental.do_not_convert
    def step(element: Any) -> tf.Tensor:
        logs = strategy.run(model.train_step, args=(element,))
        names[:] = list(logs)
        mean = tf.distribute.ReduceOp.MEAN
        return tf.stack([tf.cast(strategy.reduce(mean, v, axis=None), tf.float32) for v in logs.values()])

    # "auto" leaves it to the strategy: XLA clusters what it can within replicas, never across devices.
    compiled = tf.function(step, jit_compile=jit, autograph=False)

    def call(element: Any) -> tuple[list[str], tf.Tensor]:
        values = compiled(element)
        return names, values

    return call


def _loop(
    strategy: tf.distribute.Strategy, model: Lomit, pipeline: Any, driven: keras.callbacks.CallbackList,
    saver: Checkpoints, first: int, steps: int, checkpoint_every: int, received: list[int],
) -> int:  # fmt: skip
    """Steps first .. steps - 1, fewer where a callback sets `model.stop_training`; the number of steps done in all."""
    run = make_step(strategy, model)
    done = saved = first
    logs: dict[str, float] = {}
    elements = iter(distribute(strategy, pipeline.dataset))
    driven.on_train_begin()
    try:
        driven.on_epoch_begin(done // checkpoint_every)
        while done < steps and not received and not getattr(model, "stop_training", False):
            driven.on_train_batch_begin(done)
            try:
                names, values = run(next(elements))
            except tf.errors.OpError:
                pipeline.raise_if_failed()
                raise
            logs = dict(zip(names, values.numpy().tolist(), strict=True))
            driven.on_train_batch_end(done, logs)
            done += 1
            if done % checkpoint_every == 0 or done == steps:
                saver.save(done)
                saved = done
                driven.on_epoch_end((done - 1) // checkpoint_every, logs)
                if done < steps:
                    driven.on_epoch_begin(done // checkpoint_every)
        if saved < done:
            saver.save(done)
    except BaseException:
        for callback in driven.callbacks:  # let go of the terminal, write the log to its end; draw and save nothing
            if isinstance(callback, cb.RunCallback):
                callback.on_abort()
        raise
    driven.on_train_end(logs)
    return done


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """Collects the first SIGINT or SIGTERM; a second one ends the program at once. Off the main thread: nothing."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def note(number: int, frame: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        logging.warning("%s: saving after this step; once more to stop at once", signal.Signals(number).name)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
