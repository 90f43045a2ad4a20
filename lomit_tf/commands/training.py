"""A training as a command shows it: what is logged, where the results are, and how it ended."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from absl import logging as absl_logging

from lomit_tf.commands import INTERRUPTED, Failure, report, unusable

if TYPE_CHECKING:
    from lomit_tf.training.driver import TrainingResult

PACKAGE = Path(__file__).resolve().parents[1]


def carry_out(training: Callable[[], TrainingResult]) -> TrainingResult:
    """Train, show what is logged, and say where the results are.

    Raises ConfigError for data that cannot be used, and Failure where the training stopped itself or was interrupted.
    """
    from lomit_tf.data.image_set import DataError
    from lomit_tf.runtime.allocator import keep_freed_memory
    from lomit_tf.training.callbacks import TrainingError

    keep_freed_memory()
    try:
        with messages(), unusable(DataError):
            result = training()
    except TrainingError as error:
        raise Failure(str(error)) from error
    report_result(result)
    return result


@contextlib.contextmanager
def messages() -> Iterator[None]:
    """Show what this package logs, and the warnings of others, as plain lines on standard error."""
    handler = logging.StreamHandler()
    handler.addFilter(lambda record: record.levelno >= logging.WARNING or PACKAGE in Path(record.pathname).parents)
    logger = absl_logging.get_absl_logger()
    before = absl_logging.get_verbosity(), logger.propagate
    absl_logging.set_verbosity(absl_logging.INFO)
    logger.addHandler(handler)
    logger.propagate = False  # other packages put handlers of their own on the root
    try:
        yield
    finally:
        logger.removeHandler(handler)
        verbosity, logger.propagate = before
        absl_logging.set_verbosity(verbosity)


def report_result(result: TrainingResult) -> None:
    """Say where the results are, on standard output. Raises Failure where the run was interrupted, after saving,
    and has steps left."""
    places = {
        "sample grid": result.grid,
        "log": result.log,
        "tensorboard": result.tensorboard,
        "checkpoint": result.checkpoint,
    }
    report(f"{result.step} generator steps in {result.workdir}", places)
    if result.interrupted is not None and not result.done:
        raise Failure(
            f"interrupted and saved after generator step {result.step}; the same command goes on from there",
            INTERRUPTED + result.interrupted,
        )
