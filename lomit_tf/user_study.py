"""A user study: `python -m lomit_tf.user_study make` writes its page, `... score` reads the answers.

Exit codes: 0 done; 1 a file could not be written; 2 flags, images or answers that cannot be used; 130 or 143
interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from lomit_tf.commands import Command, FlagSet, report, require_extra, unusable, writing
from lomit_tf.config import ConfigError
from lomit_tf.data.image_set import DataError
from lomit_tf.data.opening import CorruptImageError
from lomit_tf.evaluation.user_study import MakeOptions, ScoreOptions, make, scores
from lomit_tf.runtime.atomic import write_text

MAKE = """\
Write the page of a user study and its key.

  python -m lomit_tf.user_study make --input=faces --exemplar=exemplars \\
      --method=lomit=out/lomit --method=munit=out/munit --out=study.html --questions=20

Files of the same name are one question. Give people study.html, and keep
study.key.json, which says which picture is of which method."""
SCORE = """\
Compute mean reciprocal ranks from the files that people downloaded.

  python -m lomit_tf.user_study score --key=study.key.json anna.csv ben.csv"""
MORE = "`python -m lomit_tf.user_study make --help` and `... score --help` list the flags."
FLAGS: dict[str, FlagSet[Any]] = {
    "make": FlagSet(MakeOptions, MAKE),
    "score": FlagSet(ScoreOptions, SCORE, words="answers"),
}


def run(argv: Sequence[str] | None = None) -> int:
    """The command: does it and returns the exit code (see the module)."""
    words = list(sys.argv[1:] if argv is None else argv)
    flags = FLAGS[words.pop(0)] if words and words[0] in FLAGS else None
    help_text, parse = (flags.help_text, flags.parse) if flags else (f"{MAKE}\n\n{SCORE}\n\n{MORE}".format, _refuse)
    return Command("lomit-user-study", help_text, parse, _run, "nothing was written", backends=()).run(words)


def _refuse(words: Sequence[str]) -> None:
    received = words[0] if words else "nothing"
    raise ConfigError(f"the first argument must be make or score (make|score --help says more); received {received}")


def _run(options: MakeOptions | ScoreOptions) -> None:
    require_extra("evaluate", "jinja2", "pydantic", "scipy")
    with unusable(OSError, DataError, CorruptImageError):
        said, texts = make(options) if isinstance(options, MakeOptions) else scores(options)
    with writing("--out"):
        for path, text in texts.items():
            write_text(path, text)
    report(said, {"wrote": ", ".join(map(str, texts))})


if __name__ == "__main__":
    sys.exit(run())
