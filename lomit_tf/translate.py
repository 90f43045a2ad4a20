"""Translate pictures: `python -m lomit_tf.translate --model=... --input=... --exemplar=... --output=...`, or
`lomit-translate`. `--help` lists the flags.

Exit codes: 0 done; 1 something could not be translated, and was named; 2 flags that cannot be used; 128 and the
signal's number when interrupted: the same command then goes on with what is missing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lomit_tf.commands import Command, require_extra, unusable
from lomit_tf.commands.translate_flags import FLAGS, TranslateFlags, plan, plan_beam
from lomit_tf.commands.translate_report import NAME
from lomit_tf.commands.translating import (
    check_flags_of_model,
    check_output,
    translate_files,
    translate_with_beam,
)
from lomit_tf.config import ConfigError
from lomit_tf.imaging.formats import ImageError
from lomit_tf.runtime.backend import check_backend

Invocation = tuple[TranslateFlags, Sequence[str]]  # and the flags for Apache Beam


def run(argv: Sequence[str] | None = None) -> int:
    """The command: translates, says what failed, and returns the exit code (see the module).

    Args:
      argv: the arguments without the program's name; None takes the process's.
    """
    missing = "the same command goes on with what is missing"
    return Command(NAME, FLAGS.help_text, parse, _run, missing).run(argv)


def parse(argv: Sequence[str]) -> Invocation:
    """The command's flags, and those for Apache Beam, which stand after a lone --."""
    at = list(argv).index("--") if "--" in argv else len(argv)
    flags, beams = FLAGS.parse(argv[:at]), list(argv[at + 1 :])
    if flags.runner == "local" and beams:
        raise ConfigError(f"{' '.join(beams)}: flags after -- are Apache Beam's, and need --runner=beam")
    return flags, beams


def _run(invocation: Invocation) -> int:
    flags, beams = invocation
    with unusable(ImageError):  # PlanError among them
        jobs = plan_beam(flags) if flags.runner == "beam" else plan(flags)
    if isinstance(jobs, dict):
        require_extra("beam", "apache_beam")
    else:
        check_output(flags.output, folder=not isinstance(jobs, list))
    check_flags_of_model(flags)
    check_backend()
    return translate_with_beam(jobs, beams) if isinstance(jobs, dict) else translate_files(flags, jobs)


if __name__ == "__main__":
    sys.exit(run())
