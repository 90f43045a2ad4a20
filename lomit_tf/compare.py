"""Compare trained models: `python -m lomit_tf.compare --runs=DIR,DIR,... --out=DIR`.

Exit codes: 0 done; 1 the report cannot be written; 2 flags, models or data that cannot be used, or runs of different
sizes or data; 130 or 143 interrupted.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from lomit_tf.commands import Command, FlagSet
from lomit_tf.commands.measuring import Invocation, check_report, measured
from lomit_tf.commands.models import check_model
from lomit_tf.config import ConfigError
from lomit_tf.evaluation.alike import check_runs
from lomit_tf.evaluation.compare_options import CompareOptions

INTRO = """\
Measure runs of several methods alike, and show them beside each other.

  python -m lomit_tf.compare --runs=runs/compare/lomit,runs/compare/stargan --classifier=runs/classifier \\
      --out=runs/compare/page

It writes results.json, results.md and index.html, which opens in any browser, offline, and pictures for a user study.
`make compare` trains all methods on drawn faces and does this."""
FLAGS = FlagSet(CompareOptions, INTRO)


def parse(argv: Sequence[str]) -> Invocation[CompareOptions]:
    """Read a command line, without the program's name. Raises ConfigError for what cannot be used."""
    options = FLAGS.parse(argv)
    doubled = [run for run in options.runs if options.runs.count(run) > 1]
    if doubled:
        raise ConfigError(f"--runs names {doubled[0]} more than once")
    options.failures()
    options.evaluation().embedder_bounds()
    return Invocation(options, "python -m lomit_tf.compare " + shlex.join(argv))


def run(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code (see the module)."""
    left = "nothing was written but pictures"
    return Command("lomit-compare", FLAGS.help_text, parse, compare_runs, left, check=_check).run(argv)


def _check(asked: Invocation[CompareOptions]) -> None:
    check_runs({run: check_model("runs", run) for run in asked.options.runs}, asked.options.failures())
    check_report(asked.options)


def compare_runs(asked: Invocation[CompareOptions]) -> None:
    """The part that takes TensorFlow, which is imported before it: seconds after any usage error."""
    from lomit_tf.evaluation.comparison import compare

    measured(asked, compare)


if __name__ == "__main__":
    sys.exit(run())
