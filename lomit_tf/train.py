"""Train LOMIT, or another system by `--method`: `python -m lomit_tf.train --flagfile=...`, or `lomit-train`. `--help`
lists the flags.

Exit codes: 0 done; 1 the training stopped itself (dead masks, losses not finite); 2 flags, configuration or
data that cannot be used; 130 or 143 interrupted by Ctrl-C or SIGTERM, after saving.

It runs on TensorFlow, or with KERAS_BACKEND=jax on JAX, where TensorFlow need not be installed.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from lomit_tf.commands import Command, flags, report
from lomit_tf.commands.training import carry_out
from lomit_tf.config import ConfigError
from lomit_tf.runtime.backend import TRAINING, backend_name
from lomit_tf.runtime.places import check_folder
from lomit_tf.runtime.quiet import import_tensorflow

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
    invocation = flags.parse(argv)
    if invocation.config.model.close_ups:
        raise ConfigError(
            f"--close_ups={invocation.config.model.close_ups}: such a model is not trained but put together, by python "
            "-m lomit_tf.join; train its parts with --close_up, as celeba_smile.cfg"
        )
    return invocation


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


if __name__ == "__main__":
    sys.exit(run())
