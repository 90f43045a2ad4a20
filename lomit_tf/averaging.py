"""The moving average of a model's weights, on TensorFlow and under any tf.distribute strategy."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def update_average(average: Any, network: Any, step: Any, most: float) -> None:
    """average <- d * average + (1 - d) * weights, with d = min(most, (1 + t) / (10 + t)): docs/method.md, eq. (8.2).

    Early averages forget the start.

    Args:
        average, network: layers with the same variables.
        step: t, updates made.
        most: the decay.
    """
    t = tf.cast(step, tf.float32)
    decay = tf.minimum(most, (1 + t) / (10 + t))
    targets = [v.value for v in average.variables]
    values = [v.value for v in network.variables]

    def update(strategy: tf.distribute.Strategy, decay: Any) -> None:
        for target, value in zip(targets, values, strict=True):
            strategy.extended.update(target, lambda a, w, d: a.assign(d * a + (1 - d) * w), args=(value, decay))

    tf.distribute.get_replica_context().merge_call(update, args=(decay,))
