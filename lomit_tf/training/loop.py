"""train(config, workdir) on TensorFlow: strategy, data, resume; the loop itself is `driver.Driver`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf
from absl import logging

from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.data.pairs import sample_pairs, training_pairs
from lomit_tf.data.sources import open_set
from lomit_tf.settings import methods
from lomit_tf.training.budget import fixed_steps, saved_steps
from lomit_tf.training.callbacks import TrainingError
from lomit_tf.training.checkpoints import Workdir
from lomit_tf.training.driver import SAMPLE_PAIRS, Driver, TrainingResult, resumed
from lomit_tf.training.precision import decided
from lomit_tf.training.strategies import distribute, is_chief, make_strategy, worker_rows

__all__ = ["TrainingError", "TrainingResult", "train"]


def one_thread_per_operation() -> None:
    """Sums in one order, whatever else the machine does: no operation is cut up for a pool of threads, or runs beside
    another one (with the first alone, the last bits differed in two of many runs on a busy machine)."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:  # too late: TensorFlow has already run in this process
        logging.warning("--deterministic: set before TensorFlow runs; here sums may differ in their last bits")


def train(
    config: LomitConfig,
    workdir: str | os.PathLike[str],
    *,
    resume: str = "auto",
    minutes: float = 0,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    make_model: Callable[[LomitConfig], Any] | None = None,
    make_pipeline: Callable[..., Any] = training_pairs,
    draw: bool = True,
) -> TrainingResult:
    """Train to `config.training.steps` generator steps, going on from the workdir's last checkpoint.

    One loop serves every strategy, see `driver.Driver`. SIGINT and SIGTERM save first, then return.

    Args:
        config: the run; all of it but a few display fields must equal that of the workdir's earlier part.
        workdir: folder for checkpoints, samples, logs and the effective configuration.
        resume: auto, never or must (see Workdir.check).
        minutes: a budget of wall time, which fixes the steps of a run that begins (see `budget.fixed_steps`); 0: none.
        callbacks: more Keras callbacks, called after the run's own.
        make_model: what is trained, such as a Lomit with a training step of its own; by default the class of the
            configuration's method.
        make_pipeline: of its elements, called as `training_pairs` and giving something like its PairPipeline.
        draw: whether grids of samples are drawn.

    Raises:
        ConfigError, DataError: before any work.
        TrainingError: masks dead or losses not finite; the last good checkpoint is kept.
        CorruptDataError: more unreadable images than `max_corrupt` allows.
    """
    work = Workdir(workdir)
    if minutes:
        config = saved_steps(config, work)
        if config.training.strategy == "multi_worker":
            raise ConfigError("--minutes measures one machine; with --strategy=multi_worker give --steps")
    t = config.training
    work.check(config, resume)
    if t.deterministic:
        one_thread_per_operation()
    # Collectives of a multi-worker strategy must be set up before anything else runs on TensorFlow.
    strategy = make_strategy(t.strategy)
    rows = worker_rows(strategy, t)
    chief = is_chief(strategy)
    if t.deterministic:
        tf.config.experimental.enable_op_determinism()
    config = decided(config, work)
    t = config.training
    images = open_set(config.data, "train")

    def model_of(config: LomitConfig) -> Any:
        keras.utils.set_random_seed(t.seed)
        with strategy.scope():
            model = (make_model or methods.model_class(config.model.method))(config)
            model.compile(jit_compile=False)
        return model

    def pipeline_of(model: Any, first: int) -> Any:
        return make_pipeline(
            images, config.data, batch_size=t.batch_size, n_critic=t.n_critic, num_groups=len(model.group_names),
            seed=t.seed, start_step=first, rows=rows,
        )  # fmt: skip

    if minutes and work.latest is None:

        def build() -> tuple[Callable[[Any], Any], Any]:
            model = model_of(config)
            return logged(make_step(strategy, model)), distribute(strategy, pipeline_of(model, 0).dataset)

        config = fixed_steps(config, minutes, build)
        t = config.training
    fixed = sample_pairs(open_set(config.data, "validation"), config.data, SAMPLE_PAIRS, seed=0) if chief else None
    if chief:
        work.prepare(config)
    model = model_of(config)
    with strategy.scope():
        saver, first = resumed(config, work, model, chief)
    pipeline = pipeline_of(model, first)
    step = logged(make_step(strategy, model))
    driver = Driver(config, work, model, saver, fixed, first, callbacks, draw)
    try:
        return driver.run(step, distribute(strategy, pipeline.dataset), pipeline.report)
    except tf.errors.OpError:
        pipeline.raise_if_failed()
        raise


def logged(run: Callable[[Any], tuple[list[str], tf.Tensor]]) -> Callable[[Any], dict[str, float]]:
    """A step of `make_step` that gives its terms by name, as floats."""

    def step(element: Any) -> dict[str, float]:
        names, values = run(element)
        return dict(zip(names, values.numpy().tolist(), strict=True))

    return step


def make_step(strategy: tf.distribute.Strategy, model: Any) -> Callable[[Any], tuple[list[str], tf.Tensor]]:
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
