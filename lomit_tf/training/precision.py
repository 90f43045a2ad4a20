"""--precision=auto: bfloat16 where it is faster, measured where a run begins and kept with the run."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from absl import logging
from keras import ops

from lomit_tf.config import LomitConfig
from lomit_tf.settings.training import AUTO
from lomit_tf.training.checkpoints import Workdir

WORTH = 0.85  # of float32's time: below that, bfloat16 is used
PICTURES, REPEATS = 4, 5
TAKEN = {"float32": "float32", "mixed_bfloat16": "bfloat16"}  # by --precision: what convolutions compute in


def decided(config: LomitConfig, work: Workdir, clock: Callable[[], float] = time.perf_counter) -> LomitConfig:
    """The configuration with a precision in auto's place: that of the run in the workdir, else the faster one here.

    It is measured on convolutions of the run's own sizes, at full size and at a quarter of it, not on its step, of
    which other parts stay in float32: so it takes seconds, and bfloat16 has to be faster by a margin.
    """
    if config.training.precision != AUTO:
        return config
    if work.latest is not None and work.config.exists():
        precision = work.saved().training.precision
        logging.info("--precision=auto: %s, as the run in %s began", precision, work.path)
    else:
        took = seconds_of(config, clock)
        share = took["mixed_bfloat16"] / took["float32"]
        precision = "mixed_bfloat16" if share < WORTH else "float32"
        logging.info("--precision=auto: bfloat16 takes %.2f of float32's time here: %s", share, precision)
    training = dataclasses.replace(config.training, precision=precision)
    return dataclasses.replace(config, training=training)


def seconds_of(config: LomitConfig, clock: Callable[[], float] = time.perf_counter) -> dict[str, float]:
    """Seconds that a run's convolutions take in each precision, in turns; the shortest of REPEATS."""
    side, channels = config.data.image_size, config.model.base_channels
    sizes = ((side, channels), (max(1, side // 4), 4 * channels))
    inputs = {name: [_input(*size, dtype) for size in sizes] for name, dtype in TAKEN.items()}
    for convolutions in inputs.values():
        _run(convolutions)  # the first look for their kernels
    took: dict[str, list[float]] = {name: [] for name in inputs}
    for _ in range(REPEATS):
        for name, convolutions in inputs.items():
            start = clock()
            _run(convolutions)
            took[name].append(clock() - start)
    return {name: min(times) for name, times in took.items()}


def _input(side: int, channels: int, dtype: str) -> tuple[Any, Any]:
    """Pictures (PICTURES, side, side, channels) and a kernel of 3x3."""
    rng = np.random.default_rng(0)
    shapes = (PICTURES, side, side, channels), (3, 3, channels, channels)
    pictures, kernel = (ops.cast(rng.normal(size=shape).astype(np.float32), dtype) for shape in shapes)
    return pictures, kernel


def _run(convolutions: list[tuple[Any, Any]]) -> None:
    """Compute them, and wait for the results."""
    for pictures, kernel in convolutions:
        made = ops.conv(pictures, kernel, padding="same", data_format="channels_last")
        ops.convert_to_numpy(ops.cast(made[:1, :1, :1], "float32"))
