"""How many steps a number of minutes allows on this machine, measured before a run begins.

A copy of the run is built, takes a few steps and is thrown away; its first step, which compiles, is timed apart. Only
then the run begins, with its number of steps known. So it is the run that `--steps` of that number gives (with
--deterministic to the bit): schedules are fractions of that length from the first step on, and whatever goes on with it
reads the number from its workdir.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterable
from typing import Any

from absl import logging

from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.runtime.garbage import searched_seldom
from lomit_tf.training.checkpoints import Workdir

CLOSING = 0.05  # of the budget: grids, checkpoints and the figures at the end
MEASURING = 0.03  # of the budget, for the steps that are thrown away
LEAST, MOST = 3, 40  # of these steps
FEWEST = 10  # steps that a run is worth starting for
SLOWER = 1.2  # than now, by which the machine may be when it is tried again with the minutes that an error names


@dataclasses.dataclass(frozen=True)
class Pace:
    """Seconds that a run takes here: until its first step is done, and for each step after it, data included."""

    first: float
    step: float

    def seconds(self, steps: int) -> float:
        """What a run of so many steps takes."""
        return self.first + (steps - 1) * self.step


def pace(
    build: Callable[[], tuple[Callable[[Any], Any], Iterable[Any]]], seconds: float, clock: Callable[[], float]
) -> Pace:
    """Build a step and its elements; take the first, and then LEAST to MOST more, for about so many seconds."""
    start = clock()
    step, source = build()
    elements = iter(source)
    with searched_seldom():  # as in the run
        step(next(elements))
    began = clock()
    done = 0
    while done < LEAST or (done < MOST and clock() - began < seconds):
        step(next(elements))
        done += 1
    return Pace(began - start, (clock() - began) / done)


def saved_steps(config: LomitConfig, work: Workdir) -> LomitConfig:
    """The configuration with the number of steps of the run that the workdir holds; as it is where there is none."""
    if work.latest is None or not work.config.exists():
        return config
    saved = work.saved().training
    logging.info("--minutes: the run in %s has %d steps, which were fixed when it began", work.path, saved.steps)
    return _of_length(config, saved.steps, saved.schedule_steps)


def fixed_steps(
    config: LomitConfig,
    minutes: float,
    build: Callable[[], tuple[Callable[[Any], Any], Iterable[Any]]],
    clock: Callable[[], float] = time.monotonic,
) -> LomitConfig:
    """The configuration with the steps that a budget of wall time allows, at most those that it has.

    Args:
        config: the run as it is configured.
        minutes: of wall time from now on, with all compilation. What is left after measuring and compiling, less
            CLOSING, is divided by the time of a step.
        build: makes the step and the elements of the copy that is measured.
        clock: seconds.

    Raises ConfigError where not even FEWEST steps fit, naming the minutes that they need.
    """
    start = clock()
    asked, budget = config.training.steps, 60 * minutes
    logging.info("--minutes: a copy of the run is compiled and measured first, which may take a minute or two")
    found = pace(build, MEASURING * budget, clock)
    spent = clock() - start
    left = (1 - CLOSING) * budget - spent
    allowed = 1 + int((left - found.first) // found.step)
    logging.info(
        "to compile takes %.0f s here, and a step %.2f s: the configured %d steps would take %.1f minutes",
        found.first, found.step, asked, found.seconds(asked) / 60,
    )  # fmt: skip
    if allowed < min(FEWEST, asked):
        # Measuring, which other work may have slowed down, and then the run.
        whole = SLOWER * (max(spent, found.first + (LEAST + 1) * found.step) + found.seconds(FEWEST))
        needed = math.ceil(10 * whole / (1 - CLOSING - MEASURING) / 60) / 10
        raise ConfigError(
            f"--minutes={minutes:g} is too short for {min(FEWEST, asked)} steps here; give --minutes={needed:.1f} or "
            "more, or the number of --steps"
        )
    steps = min(asked, allowed)
    logging.info("--minutes=%g: the run has %d steps; the number is saved with it", minutes, steps)
    return _of_length(config, steps, steps)


def _of_length(config: LomitConfig, steps: int, schedule_steps: int) -> LomitConfig:
    training = dataclasses.replace(config.training, steps=steps, schedule_steps=schedule_steps)
    return dataclasses.replace(config, training=training)
