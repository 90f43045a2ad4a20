"""Distil a trained model: `python -m lomit_tf.distill --teacher=... --preset=mobile --image_size=128 --workdir=...`.

Exit codes as of `lomit_tf.train`: 0 done; 1 the training stopped itself; 2 flags, model or data that cannot be used;
130 or 143 interrupted by Ctrl-C or SIGTERM, after saving.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags as absl_flags

from lomit_tf import flags, train
from lomit_tf.backend import check_backend
from lomit_tf.config import ConfigError
from lomit_tf.distill_config import DEFAULTS, DistillConfig
from lomit_tf.flagfiles import as_text, read_command_line

PROGRAM = "lomit-distill"
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
    own = flags.fields_of(DistillConfig)
    flags.define_fields(own, known)
    absl_flags.DEFINE_string("teacher", None, "a model's name, a workdir or a checkpoint", flag_values=known)
    given = {name: flag.value for name, flag in read_command_line(argv, known).items()}
    options = DistillConfig(**{name: given.pop(name) for name in own if name in given})
    teacher, preset = given.pop("teacher", ""), given.pop("preset", "mobile")
    if not teacher:
        raise ConfigError("--teacher is missing; name a model, e.g. --teacher=drawn_faces")
    workdir = Path(given.pop("workdir", "runs/mobile")).expanduser()
    return Invocation(teacher, preset, workdir, given.pop("resume", "auto"), given, options)


def run(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code (see the module)."""
    argv = sys.argv[1:] if argv is None else argv
    if flags.wants_help(argv):
        print(INTRO)
        for field in dataclasses.fields(DistillConfig):
            print(f"  --{field.name}: {field.metadata['help']} (default: {as_text(field.default)})")
        return 0
    try:
        asked = parse(argv)
        check_backend()
    except ConfigError as error:
        return _failed(str(error), train.UNUSABLE)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import lomit_tf
    from lomit_tf import distillation
    from lomit_tf.allocator import keep_freed_memory
    from lomit_tf.callbacks import TrainingError
    from lomit_tf.data.image_set import DataError

    keep_freed_memory()
    try:
        teacher = lomit_tf.load(asked.teacher)
        config = distillation.student_config(teacher.config, asked.preset, **asked.fields)
        with train.messages():
            result = distillation.distill(
                teacher, config, asked.workdir, asked.options, resume=asked.resume, name=asked.teacher
            )
    except (ConfigError, DataError) as error:
        return _failed(str(error), train.UNUSABLE)
    except TrainingError as error:
        return _failed(str(error), train.STOPPED)
    except KeyboardInterrupt:
        return _failed("stopped at once; what came after the last checkpoint is lost", train.INTERRUPTED + train.SIGINT)
    train.report(result)
    if result.interrupted is None:
        return 0
    return _failed(f"interrupted and saved after step {result.step}", train.INTERRUPTED + result.interrupted)


def _failed(message: str, code: int) -> int:
    print(f"{PROGRAM}: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(run())
