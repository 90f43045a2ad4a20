"""A user study: `python -m lomit_tf.user_study make` writes its page, `... score` reads the answers.

Exit codes: 0 done; 1 a file could not be written; 2 flags, images or answers that cannot be used; 130 or 143
interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from lomit_tf.commands import Command, Failure, FlagSet, report, require_extra
from lomit_tf.config import ConfigError
from lomit_tf.evaluation.user_study.options import MakeOptions, ScoreOptions

INTRO = """\
Ask people which method's pictures are best. `make` writes one page that opens without a network; people rank the
outputs of several methods, blind, and download their answers; `score` computes mean reciprocal ranks.

  python -m lomit_tf.user_study make --help
  python -m lomit_tf.user_study score --help"""
MAKE = """\
Write the page of a user study and its key.

  python -m lomit_tf.user_study make --input=faces --exemplar=exemplars \\
      --method=lomit=out/lomit --method=munit=out/munit --out=study.html --questions=20

Files are matched by name: faces/7.jpg, exemplars/7.jpg, out/lomit/7.png and out/munit/7.png are one question.
Give people study.html; keep study.key.json, which says which picture is whose."""
SCORE = """\
Compute mean reciprocal ranks from the files that people downloaded.

  python -m lomit_tf.user_study score --key=study.key.json anna.csv ben.csv"""
FLAGS: dict[str, FlagSet[Any]] = {
    "make": FlagSet(MakeOptions, MAKE),
    "score": FlagSet(ScoreOptions, SCORE, words="answers"),
}


def run(argv: Sequence[str] | None = None) -> int:
    """The command: does it and returns the exit code (see the module)."""
    name, *rest = (sys.argv[1:] if argv is None else argv) or [""]
    if name not in FLAGS:
        return Command("lomit-user-study", lambda: INTRO, _refuse, print).run([name, *rest])
    flags = FLAGS[name]
    return Command("lomit-user-study", flags.help_text, flags.parse, _run, "nothing was written", backends=()).run(rest)


def _refuse(argv: Sequence[str]) -> None:
    raise ConfigError(f"the first argument must be make or score (make|score --help says more); received {argv[0]!r}")


def _run(options: MakeOptions | ScoreOptions) -> None:
    require_extra("evaluate", "jinja2", "pydantic", "scipy")
    from lomit_tf.evaluation.user_study import page, scores

    try:
        report(*(page.write(options) if isinstance(options, MakeOptions) else scores.write(options)))
    except OSError as error:
        raise Failure(f"{error.filename or options.out}: {error.strerror or error}") from error


if __name__ == "__main__":
    sys.exit(run())
