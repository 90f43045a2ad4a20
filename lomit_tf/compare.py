"""Compare trained models: `python -m lomit_tf.compare --runs=DIR,DIR,... --out=DIR`.

Exit codes: 0 done; 1 the report cannot be written; 2 flags, models or data that cannot be used, or runs of different
sizes or data; 130 or 143 interrupted.
"""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Sequence

from lomit_tf.commands import Command, Failure, FlagSet, report, require_extra, unusable
from lomit_tf.config import ConfigError
from lomit_tf.evaluation.compare_options import CompareOptions

INTRO = """\
Measure runs of several methods alike, and show them beside each other.

  python -m lomit_tf.compare --runs=runs/compare/lomit,runs/compare/stargan --classifier=runs/classifier \\
      --out=runs/compare/page

It writes results.json, results.md and index.html, which opens in any browser, offline, and pictures for a user study.
`make compare` trains all methods on drawn faces and does this."""
FLAGS = FlagSet(CompareOptions, INTRO)


@dataclasses.dataclass(frozen=True)
class Invocation:
    """What a command line asks for, and the command line itself, for the report."""

    options: CompareOptions
    command: str


def parse(argv: Sequence[str]) -> Invocation:
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
    return Command("lomit-compare", FLAGS.help_text, parse, compare_runs, "nothing was written but pictures").run(argv)


def compare_runs(asked: Invocation) -> None:
    """The part that takes TensorFlow, which is imported only here: seconds after any usage error."""
    require_extra("evaluate", "jinja2", "matplotlib", "pydantic", "scipy")
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from lomit_tf.data.image_set import DataError
    from lomit_tf.evaluation.comparison import compare
    from lomit_tf.evaluation.report.files import summary, write

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with unusable(DataError), Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=1.0)
        results = compare(
            asked.options, asked.command, lambda what, share: bar.update(task, description=what, completed=share)
        )
    try:
        paths = write(results, asked.options.out)
    except OSError as error:
        raise Failure(f"--out={asked.options.out}: {error}") from error
    report(summary(results), paths)


if __name__ == "__main__":
    sys.exit(run())
