"""Distil a trained model: `python -m lomit_tf.distill --teacher=... --preset=mobile --image_size=128 --workdir=...`.

Exit codes as of `lomit_tf.train`: 0 done; 1 the training stopped itself; 2 flags, model or data that cannot be used;
130 or 143 interrupted by Ctrl-C or SIGTERM, after saving.
"""

from __future__ import annotations

import dataclasses
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags as absl_flags

from lomit_tf import train
from lomit_tf.commands import Command, Failure, flags, unusable
from lomit_tf.commands.fields import define_fields, field_form, fields_of, help_entry, help_with_default
from lomit_tf.commands.flagfiles import read_command_line
from lomit_tf.config import ConfigError
from lomit_tf.training.distill_config import DEFAULTS, DistillConfig

TEACHER = "a model's name, a workdir or a checkpoint"
INTRO = f"""\
Distil a trained model into a smaller or larger-sized one, which follows its masks, translations and styles.

  python -m lomit_tf.distill --teacher=drawn_faces --preset=mobile --image_size=128 --workdir=runs/mobile
  python -m lomit_tf.distill --teacher=runs/celeba --data_dir=/path/to/celeba --workdir=runs/celeba_mobile

The student has the teacher's settings; the preset's sizes, then
{textwrap.fill(", ".join(f"{name}={value}" for name, value in DEFAULTS.items() if name != "data_dir"), 100)},
then flags win over them. All flags of lomit_tf.train are taken (its --help lists them), and:
"""


@dataclasses.dataclass(frozen=True)
class Invocation:
    """What a command line asks for; `fields` are those of the student's configuration."""

    teacher: str
    preset: str
    workdir: Path
    resume: str
    fields: dict[str, Any]
    options: DistillConfig


def parse(argv: Sequence[str]) -> Invocation:
    """Read a command line, without the program's name. Raises ConfigError as `flags.parse`, and without --teacher."""
    known = flags.define_flags()
    own = fields_of(DistillConfig)
    define_fields(own, known)
    absl_flags.DEFINE_string("teacher", None, TEACHER, flag_values=known)
    given = {name: flag.value for name, flag in read_command_line(argv, known).items()}
    options = DistillConfig(**{name: given.pop(name) for name in own if name in given})
    teacher, preset = given.pop("teacher", ""), given.pop("preset", "mobile")
    if not teacher:
        raise ConfigError("--teacher is missing; name a model, e.g. --teacher=drawn_faces")
    workdir = Path(given.pop("workdir", "runs/mobile")).expanduser()
    return Invocation(teacher, preset, workdir, given.pop("resume", "auto"), given, options)


def help_text() -> str:
    """What `--help` prints: the flags that are not those of training."""
    lines = [INTRO, *help_entry("--teacher=M", f"{TEACHER} (needed)")]
    for field, kind in fields_of(DistillConfig).values():
        lines += help_entry(field_form(field, kind), help_with_default(field))
    return "\n".join(lines)


def run(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code (see the module)."""
    lost = "what came after the last checkpoint is lost"
    return Command("lomit-distill", help_text, parse, _distill, lost).run(argv)


def _distill(asked: Invocation) -> None:
    """The part that takes TensorFlow, which is imported only here: seconds after any usage error."""
    import lomit_tf
    from lomit_tf.data.image_set import DataError
    from lomit_tf.runtime.allocator import keep_freed_memory
    from lomit_tf.training import distillation
    from lomit_tf.training.callbacks import TrainingError

    keep_freed_memory()
    try:
        with unusable(DataError):
            teacher = lomit_tf.load(asked.teacher)
            config = distillation.student_config(teacher.config, asked.preset, **asked.fields)
            with train.messages():
                result = distillation.distill(
                    teacher, config, asked.workdir, asked.options, resume=asked.resume, name=asked.teacher
                )
    except TrainingError as error:
        raise Failure(str(error)) from error
    train.report_result(result)


if __name__ == "__main__":
    sys.exit(run())
