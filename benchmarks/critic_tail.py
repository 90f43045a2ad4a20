"""HalvingConv2D against Conv2D on small maps: forward and backward, and the penalty's second derivative.

python -m benchmarks.critic_tail
"""

from __future__ import annotations

import os
from typing import Any

from benchmarks.help import explain

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf
from keras import layers

from benchmarks.common import alternating
from lomit_tf.networks.critic import HalvingConv2D

CASES = ((16, 128, 256), (8, 256, 512), (4, 256, 512), (4, 1024, 2048), (2, 512, 512))  # map, channels in and out
BATCH = 8


def first(layer: Any, x: tf.Tensor) -> Any:
    """Norm of the gradient with respect to input and kernel."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(layer(x) ** 2)
    return tf.linalg.global_norm(tape.gradient(loss, [x, layer.kernel.value]))


def second(layer: Any, x: tf.Tensor) -> Any:
    """Norm of the gradient, with respect to the kernel, of the squared norm of the gradient with respect to x."""
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(x)
            score = tf.reduce_sum(tf.nn.leaky_relu(layer(x), 0.01))
        slope = tf.reduce_sum(inner.gradient(score, x) ** 2)
    return tf.norm(tape.gradient(slope, layer.kernel.value))


def main() -> None:
    """Print the table."""
    print("| map | channels | Conv2D / HalvingConv2D, backward | the same, penalty |\n|---|---|---|---|")
    for size, channels, filters in CASES:
        x = tf.random.normal((BATCH, size, size, channels))
        plain, own = layers.Conv2D(filters, 4, 2, padding="same"), HalvingConv2D(filters)
        plain(x), own(x)
        ratios = []
        for kind in (first, second):
            calls = {
                name: tf.function(lambda kind=kind, layer=layer, x=x: kind(layer, x), autograph=False)
                for name, layer in (("plain", plain), ("own", own))
            }
            seconds = alternating(dict(calls))
            ratios.append(seconds["plain"] / seconds["own"])
        print(f"| {size}x{size} | {channels} -> {filters} | {ratios[0]:.1f} | {ratios[1]:.1f} |", flush=True)


if __name__ == "__main__":
    explain(__doc__)
    main()
