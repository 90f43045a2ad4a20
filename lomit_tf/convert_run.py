"""Convert runs of older versions: `python -m lomit_tf.convert_run runs/celeba`, or `lomit-convert-run`.

Exit codes: 0 done, or nothing to do; 2 at least one folder that cannot be converted, or flags that cannot be used.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from lomit_tf.commands import UNUSABLE, Command, Failure, FlagSet
from lomit_tf.config import NEEDED, ConfigError, option
from lomit_tf.training.older_runs import convert

INTRO = """\
Convert the settings of runs of older versions, so that this one loads them and goes on with them.

  python -m lomit_tf.convert_run runs/celeba
      where it lies; config.json and flags.cfg are kept as config.older.json and flags.older.cfg
  python -m lomit_tf.convert_run runs/celeba --out=runs/celeba_new
      a copy, with its checkpoints
  python -m lomit_tf.convert_run runs/*

Checkpoints and weights stay as they are. Training goes on as it would have; a run for which that cannot be is refused,
with the settings that are the reason."""


@dataclasses.dataclass(frozen=True)
class Options:
    """The folders, and where the result goes."""

    run: tuple[str, ...] = option(
        NEEDED, "folder of a run, or of weights, with or without --run= before it", repeated=True
    )
    out: str = option("", "new folder for a copy (empty: convert in place)", form="DIR")
    approximate: bool = option(False, "also convert a run that would go on otherwise than before: for translating")

    def __post_init__(self) -> None:
        if self.out and len(self.run) > 1:
            raise ConfigError(f"--out={self.out} takes one run; received {len(self.run)}")


FLAGS = FlagSet(Options, INTRO, words="run")


def run(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code (see the module)."""
    return COMMAND.run(argv)


def _convert(options: Options) -> None:
    out, failed = Path(options.out).expanduser() if options.out else None, 0
    for name in options.run:
        folder = Path(name).expanduser()
        try:
            if convert(folder, out, approximate=options.approximate):
                print(f"{folder}: converted{f' into {out}' if out else ''}")
            else:
                print(f"{folder}: has this version's settings already")
        except (ConfigError, OSError) as error:
            if len(options.run) == 1:
                raise Failure(str(error), UNUSABLE) from error
            failed += 1
            COMMAND.say(str(error))
    if failed:
        raise Failure(f"{failed} of {len(options.run)} folders were not converted", UNUSABLE)


COMMAND = Command("lomit-convert-run", FLAGS.help_text, FLAGS.parse, _convert, backends=())

if __name__ == "__main__":
    sys.exit(run())
