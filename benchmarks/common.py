"""What the benchmarks share: a compiled step of a configuration, and random elements to feed it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lomit_tf.config import LomitConfig
from lomit_tf.model import Lomit
from lomit_tf.runtime.allocator import keep_freed_memory
from lomit_tf.training.loop import make_step
from lomit_tf.training.strategies import make_strategy

keep_freed_memory()  # as every training command does


def random_element(config: LomitConfig) -> dict[str, tf.Tensor]:
    """An element of the training pipeline's shapes, filled with noise."""
    t, d = config.training, config.data
    rng = np.random.default_rng(0)
    batch, image, labels = (t.batch_size, t.n_critic), (d.image_size, d.image_size, 3), len(d.label_names)
    values = {
        "x1": rng.uniform(-1, 1, (*batch, *image)),
        "x2": rng.uniform(-1, 1, (*batch, *image)),
        "y1": rng.integers(0, 2, (*batch, labels)),
        "y2": rng.integers(0, 2, (*batch, labels)),
        "alpha": rng.uniform(0, 1, (*batch, 2)),
        "transfer": np.ones((*batch, len(d.group_labels))),
    }
    return {name: tf.constant(value, tf.float32) for name, value in values.items()}


def build_step(config: LomitConfig) -> Callable[[Any], Any]:
    """The compiled training step of a new model under the configured strategy."""
    keras.utils.set_random_seed(config.training.seed)
    strategy = make_strategy(config.training.strategy)
    with strategy.scope():
        model = Lomit(config)
        model.compile(jit_compile=False)
    return make_step(strategy, model)


def alternating(calls: dict[str, Callable[[], Any]], repeats: int = 5) -> dict[str, float]:
    """Median seconds of several calls, taken in turns so that a machine's slow moments meet all of them alike."""
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            for tensor in tf.nest.flatten(call()):
                if tf.is_tensor(tensor):
                    tensor.numpy()
            times[name].append(time.perf_counter() - start)
    return {name: float(np.median(values)) for name, values in times.items()}
