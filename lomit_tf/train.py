"""Train LOMIT, or another system by `--method`: `python -m lomit_tf.train --flagfile=...`, or `lomit-train`. `--help`
lists the flags.

Exit codes: 0 done; 1 the training stopped itself (dead masks, losses not finite); 2 flags, configuration or
data that cannot be used; 130 or 143 interrupted by Ctrl-C or SIGTERM, after saving.

It runs on TensorFlow, or with KERAS_BACKEND=jax on JAX, where TensorFlow need not be installed.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import logging as absl_logging

from lomit_tf.commands import INTERRUPTED, Command, Failure, flags, report, unusable
from lomit_tf.config import ConfigError
from lomit_tf.runtime.backend import TRAINING, backend_name
from lomit_tf.runtime.places import check_folder
from lomit_tf.runtime.quiet import import_tensorflow

if TYPE_CHECKING:
    from lomit_tf.training.driver import TrainingResult

PACKAGE = Path(__file__).parent
LOOPS = {"tensorflow": "lomit_tf.training.loop", "jax": "lomit_tf.training.jax_loop"}


def run(argv: Sequence[str] | None = None) -> int:
    """The command: trains, says where the results are, and returns the exit code (see the module).

    Args:
      argv: the arguments without the program's name; None takes the process's.

    Raises whatever is neither the user's mistake nor a stop of the training, with its traceback.
    """
    lost = "what came after the last checkpoint is lost"
    return Command("lomit-train", flags.help_text, _parse, _train, lost, TRAINING).run(argv)


def _parse(argv: Sequence[str]) -> flags.Invocation:
    """`flags.parse`, of at least one flag: the defaults alone would train the paper's networks for days."""
    if not argv:
        raise ConfigError("name what to train: --flagfile=drawn_faces.cfg does it on built-in drawn faces; see --help")
    return flags.parse(argv)


def _train(invocation: flags.Invocation) -> None:
    """The part that takes TensorFlow or JAX, which are imported only here: seconds after any usage error."""
    check_folder("workdir", invocation.workdir)
    if not invocation.minutes:  # which the loop replaces by steps first
        from lomit_tf.training.checkpoints import Workdir

        Workdir(invocation.workdir).check(invocation.config, invocation.resume)
    backend = backend_name()
    if invocation.minutes and backend != "tensorflow":
        raise ConfigError(f"--minutes needs Keras' backend tensorflow; on {backend} give --steps")
    if backend == "tensorflow":
        import_tensorflow()
    training = importlib.import_module(LOOPS[backend])

    budget = {"minutes": invocation.minutes} if invocation.minutes else {}
    result = carry_out(
        lambda: training.train(invocation.config, invocation.workdir, resume=invocation.resume, **budget)
    )
    if budget:
        from lomit_tf.evaluation.first_look import first_look

        for title, rows in first_look(result.workdir):
            report(title, rows)


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
    """Say where the results are, on standard output. Raises Failure where the run was interrupted, after saving."""
    places = {
        "sample grid": result.grid,
        "log": result.log,
        "tensorboard": result.tensorboard,
        "checkpoint": result.checkpoint,
    }
    report(f"{result.step} generator steps in {result.workdir}", places)
    if result.interrupted is not None:
        raise Failure(
            f"interrupted and saved after generator step {result.step}; the same command goes on from there",
            INTERRUPTED + result.interrupted,
        )


if __name__ == "__main__":
    sys.exit(run())
