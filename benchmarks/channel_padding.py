"""Convolutions with few channels, against the same with their channels padded by zeros to a multiple of 8 or 16.

    python -m benchmarks.channel_padding

Forward and both gradients of a 3x3 convolution of 16 maps of 64x64 pixels, in turns; medians of wall time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from benchmarks.help import explain

MAPS, SIDE, TURNS = 16, 64, 15
CASES = (((3, 16), (8, 16)), ((3, 16), (16, 16)), ((12, 16), (16, 16)), ((16, 16), (32, 16)), ((16, 3), (16, 8)))


def step_of(tf: Any, channels: int, filters: int) -> Callable[[], Any]:
    """Forward and both gradients of one convolution."""
    x = tf.random.normal((MAPS, SIDE, SIDE, channels))
    kernel = tf.Variable(tf.random.normal((3, 3, channels, filters)))

    @tf.function
    def step() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(tf.square(tf.nn.conv2d(x, kernel, 1, "SAME")))
        return tape.gradient(y, [x, kernel])

    step()
    return step


def main() -> None:
    """Print a table."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from lomit_tf.runtime.allocator import keep_freed_memory

    keep_freed_memory()
    import numpy as np
    import tensorflow as tf

    print("| channels | ms | padded to | ms | ratio |")
    print("|---|---|---|---|---|")
    for case in CASES:
        steps = [step_of(tf, *sizes) for sizes in case]
        times: list[list[float]] = [[], []]
        for _ in range(TURNS):
            for step, spent in zip(steps, times, strict=True):
                start = time.perf_counter()
                for gradient in step():
                    gradient.numpy()
                spent.append(1000 * (time.perf_counter() - start))
        plain, padded = (float(np.median(spent)) for spent in times)
        (a, b), (c, d) = case
        print(f"| {a} to {b} | {plain:.1f} | {c} to {d} | {padded:.1f} | {padded / plain:.2f} |", flush=True)


if __name__ == "__main__":
    explain(__doc__)
    main()
