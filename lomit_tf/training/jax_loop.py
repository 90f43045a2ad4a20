"""train(config, workdir) on JAX, without TensorFlow: the same run, workdir and checkpoints as `loop.train` makes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any

import jax
import keras
from absl import logging

from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.data.numpy_pairs import NumpyPairs, sample_pairs
from lomit_tf.data.sources import open_set
from lomit_tf.settings import methods
from lomit_tf.training.callbacks import TrainingError
from lomit_tf.training.checkpoints import Workdir
from lomit_tf.training.driver import SAMPLE_PAIRS, Driver, TrainingResult, resumed
from lomit_tf.training.jax_step import JaxLomit, JaxStep, devices_for
from lomit_tf.training.precision import decided

__all__ = ["TrainingError", "TrainingResult", "train"]

DETERMINISTIC = "--xla_gpu_deterministic_ops=true"


def train(
    config: LomitConfig,
    workdir: str | os.PathLike[str],
    *,
    resume: str = "auto",
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> TrainingResult:
    """Train to `config.training.steps` generator steps, going on from the workdir's last checkpoint.

    Arguments, errors and what it leaves are those of `loop.train`. The step is always compiled, whatever --jit says.

    Raises:
        ConfigError: also for what this loop does not take: --strategy=multi_worker, data of TensorFlow Datasets, a
            batch that does not divide among the devices.
    """
    t = config.training
    work = Workdir(workdir)
    work.check(config, resume)
    if t.deterministic:  # read when JAX first looks for devices; on a CPU every run is
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {DETERMINISTIC}".strip()
    devices = checked_devices(config)
    config = decided(config, work)
    keras.utils.set_random_seed(t.seed)
    images = open_set(config.data, "train")
    fixed = sample_pairs(open_set(config.data, "validation"), config.data, SAMPLE_PAIRS, seed=0)
    work.prepare(config)
    model = JaxLomit(config)
    model.compile(jit_compile=False)
    saver, first = resumed(config, work, model)
    logging.info("JAX %s on %d x %s", jax.__version__, len(devices), devices[0].device_kind)
    pairs = NumpyPairs(
        images, config.data, batch_size=t.batch_size, n_critic=t.n_critic, num_groups=len(model.group_names),
        seed=t.seed, start_step=first,
    )  # fmt: skip
    driver = Driver(config, work, model, saver, fixed, first, callbacks)
    with contextlib.closing(iter(pairs)) as elements:
        return driver.run(JaxStep(model, devices), elements, pairs.report)


def checked_devices(config: LomitConfig) -> list[Any]:
    """The devices that the run takes. Raises ConfigError for a configuration that does not go with JAX or with them."""
    t = config.training
    if config.model.method != methods.DEFAULT:
        raise ConfigError(
            f"--method={config.model.method} trains on Keras' backend tensorflow alone; set KERAS_BACKEND=tensorflow"
        )
    if t.strategy == "multi_worker":
        raise ConfigError(
            "--strategy=multi_worker needs Keras' backend tensorflow; on JAX use --strategy=mirrored, all devices of "
            "one machine"
        )
    devices = devices_for(config)
    count = len(devices)
    if t.batch_size % count:
        raise ConfigError(
            f"--batch_size={t.batch_size} does not divide among {count} devices; use a multiple of {count}"
        )
    return devices
