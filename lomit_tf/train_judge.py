"""Train the judge: `python -m lomit_tf.train_judge --dataset=... --out=DIR`. `--help` lists the flags.

Exit codes: 0 done; 1 the loss was not finite; 2 flags, configuration or data that cannot be used; 130 or 143
interrupted by Ctrl-C or SIGTERM. Nothing is written unless it is done.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from absl import flags as absl_flags

from lomit_tf.backend import check_backend
from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data.image_set import DataError
from lomit_tf.evaluation.judge_config import JudgeConfig
from lomit_tf.flagfiles import as_text, read_command_line
from lomit_tf.flags import Fields, define_fields, fields_of, wants_help

if TYPE_CHECKING:
    from lomit_tf.evaluation.judge import Judge

STOPPED, UNUSABLE, INTERRUPTED = 1, 2, 128  # exit codes; the last one plus the signal's number
DATA_FLAGS = (
    "dataset", "data_dir", "labels_file", "attributes", "labelled_only", "image_size", "crop", "flip", "train_images",
    "cache", "max_corrupt",
)  # fmt: skip
INTRO = """\
Train the judge, a classifier of attributes that measures translations and is independent of LOMIT.

  python -m lomit_tf.train_judge --dataset=drawn_faces --image_size=64 --epochs=5 --out=runs/judge_drawn
  python -m lomit_tf.train_judge --dataset=celeb_a --data_dir=/path/to/celeba --image_size=64 --epochs=16 \\
      --attributes=Black_Hair,Blond_Hair,Brown_Hair,Gray_Hair,Smiling --out=runs/judge_celeba

It writes judge.keras and judge.json, with its accuracy on held-out images, into --out."""


def run(argv: Sequence[str] | None = None) -> int:
    """The command: trains, prints the held-out accuracy, and returns the exit code (see the module).

    Args:
      argv: the arguments without the program's name; None takes the process's.
    """
    argv = sys.argv[1:] if argv is None else argv
    if wants_help(argv):
        print(help_text())
        return 0
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        config, out = parse(argv)
        check_backend()
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        judge = _train(config, out, f"python -m lomit_tf.train_judge {shlex.join(argv)}")
    except (ConfigError, DataError) as error:
        return _failed(str(error), UNUSABLE)
    except KeyboardInterrupt:
        return _failed("interrupted; nothing was written", INTERRUPTED + signal.SIGINT)
    except _Terminated:
        return _failed("terminated; nothing was written", INTERRUPTED + signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    if judge is None:
        return STOPPED
    _report(judge, out)
    return 0


def _train(config: JudgeConfig, out: Path, command: str) -> Judge | None:
    """The part that takes TensorFlow, which is imported only here: seconds after any usage error."""
    from lomit_tf.callbacks import TrainingError
    from lomit_tf.evaluation.judge import train_judge

    try:
        return train_judge(config, out, command=command)
    except TrainingError as error:
        _failed(str(error), STOPPED)
        return None


def parse(argv: Sequence[str]) -> tuple[JudgeConfig, Path]:
    """The judge and the folder that a command line, without the program's name, asks for.

    Raises ConfigError for unknown flags, bad values, and --out missing.
    """
    given = {name: value.value for name, value in read_command_line(argv, define_flags()).items()}
    out = given.pop("out", "")
    if not out:
        raise ConfigError("--out is missing; name the folder for judge.keras and judge.json, e.g. --out=runs/judge")
    data = DataConfig(**{name: given.pop(name) for name in DATA_FLAGS if name in given})
    return JudgeConfig(data, **given), Path(out).expanduser()


class _Terminated(BaseException):
    """SIGTERM, as KeyboardInterrupt is SIGINT."""


def _terminated(number: int, frame: Any) -> None:
    raise _Terminated


def define_flags() -> absl_flags.FlagValues:
    """A FlagValues with the flags of the data, of the judge's own fields and --out, all None."""
    values = absl_flags.FlagValues()
    define_fields(_fields(), values)
    absl_flags.DEFINE_string("out", None, "folder for the results", flag_values=values)
    return values


def help_text() -> str:
    """What `--help` prints."""
    lines = [INTRO, "", "  --out=DIR                 folder for the results, needed"]
    for name, (field, kind) in _fields().items():
        form = f"  --[no]{name}" if kind is bool else f"  --{name}=..."
        text = f"{field.metadata['help']} (default: {as_text(field.default) or 'empty'})"
        if field.metadata["choices"]:
            text = f"{', '.join(field.metadata['choices'])}: {text}"
        first, *others = textwrap.wrap(text, 82)
        lines += [f"{form:<27} {first}", *(" " * 28 + line for line in others)]
    return "\n".join(lines)


def _fields() -> Fields:
    """Flag name -> its field and type: those of the data that a judge has a use for, then the judge's own."""
    data = {name: field for name, field in fields_of(DataConfig).items() if name in DATA_FLAGS}
    return data | {name: field for name, field in fields_of(JudgeConfig).items() if name != "data"}


def _report(judge: Judge, out: Path) -> None:
    """Say where the judge is and how well it does, on standard output."""
    record = judge.record
    print(f"judge of {len(judge.label_names)} labels in {out}, on {record['held_out']['split']} images:")
    for name, row in record["held_out"]["per_attribute"].items():
        balanced = "unknown" if row["balanced_accuracy"] is None else f"{row['balanced_accuracy']:.3f}"
        print(f"  {name:<20} accuracy {row['accuracy']:.3f}, balanced {balanced}, {row['positives']} of {row['count']}")


def _failed(message: str, code: int) -> int:
    print(f"lomit-train-judge: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(run())
