"""Train every method for the same processor time, and compare them: `make compare`, or python -m lomit_tf.compare_all.

Exit codes: 0 done; 1 a method's training failed (the page says so); 2 flags that cannot be used; 130 or 143
interrupted: the same command goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from lomit_tf.commands import Command
from lomit_tf.commands.compare_all_flags import FLAGS, CompareAllFlags, parse
from lomit_tf.commands.compared_runs import check, compare, train_all, train_one
from lomit_tf.runtime.children import has_parent
from lomit_tf.runtime.only_one import only_one


def run(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code (see the module)."""
    lost = "" if has_parent() else "the same command goes on from the last checkpoints"
    return Command("lomit-compare-all", FLAGS.help_text, parse, _run, lost, check=_check).run(argv)


def _check(invocation: tuple[CompareAllFlags, Sequence[str]]) -> None:
    if not invocation[0].only:  # the command that starts it has checked
        check(invocation[0])


def _run(invocation: tuple[CompareAllFlags, Sequence[str]]) -> int:
    flags, argv = invocation
    if flags.only:
        train_one(flags, flags.only)
        return 0
    with only_one("out", Path(flags.out)):
        failures = train_all(flags, argv)
        compare(flags, failures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(run())
