"""Train a classifier of attributes: `python -m lomit_tf.train_classifier --dataset=... --out=DIR`. `--help` lists the
flags.

Exit codes: 0 done; 1 the loss was not finite; 2 flags, configuration or data that cannot be used; 130 or 143
interrupted by Ctrl-C or SIGTERM. Nothing is written unless it is done.
"""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags as absl_flags

from lomit_tf.commands import Command, Failure, report, unusable
from lomit_tf.commands.fields import Fields, define_fields, field_form, fields_of, help_entry, help_with_default
from lomit_tf.commands.flagfiles import read_command_line
from lomit_tf.commands.flagset import FLAGFILE_HELP
from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data.image_set import DataError
from lomit_tf.evaluation.metrics.attribute_classifier_config import ClassifierConfig
from lomit_tf.runtime.places import check_folder

if TYPE_CHECKING:
    from lomit_tf.evaluation.metrics.attribute_classifier import AttributeClassifier

OUT = "folder for the results"
DATA_FLAGS = (
    "dataset", "data_dir", "labels_file", "attributes", "labelled_only", "image_size", "crop", "flip", "train_images",
    "max_corrupt",
)  # fmt: skip
INTRO = """\
Train a classifier of attributes that measures translations. It is independent of the models that it measures.

  python -m lomit_tf.train_classifier --dataset=drawn_faces --image_size=64 --epochs=5 --out=runs/classifier_drawn
  python -m lomit_tf.train_classifier --dataset=celeb_a --data_dir=/path/to/celeba --image_size=64 --epochs=16 \\
      --attributes=Black_Hair,Blond_Hair,Brown_Hair,Gray_Hair,Smiling --out=runs/classifier_celeba

It writes classifier.keras and classifier.json, with its accuracy on held-out images, into --out."""


@dataclasses.dataclass(frozen=True)
class Invocation:
    """What a command line asks for."""

    config: ClassifierConfig
    out: Path
    command: str


def run(argv: Sequence[str] | None = None) -> int:
    """The command: trains, prints the held-out accuracy, and returns the exit code (see the module).

    Args:
      argv: the arguments without the program's name; None takes the process's.
    """
    return Command("lomit-train-classifier", help_text, parse, _train, "nothing was written", check=_check).run(argv)


def _check(asked: Invocation) -> None:
    check_folder("out", asked.out)


def _train(asked: Invocation) -> None:
    """The part that takes TensorFlow, which is imported before it: seconds after any usage error."""
    from lomit_tf.evaluation.metrics.attribute_classifier import train_classifier
    from lomit_tf.runtime.allocator import keep_freed_memory
    from lomit_tf.training.callbacks import TrainingError

    keep_freed_memory()
    try:
        with unusable(DataError):
            classifier = train_classifier(asked.config, asked.out, command=asked.command)
    except TrainingError as error:
        raise Failure(str(error)) from error
    _report(classifier, asked.out)


def parse(argv: Sequence[str]) -> Invocation:
    """The classifier and the folder that a command line, without the program's name, asks for.

    Raises ConfigError for unknown flags, bad values, and --out missing.
    """
    given = {name: value.value for name, value in read_command_line(argv, define_flags()).items()}
    out = given.pop("out", "")
    if not out:
        raise ConfigError(
            "--out is missing; name the folder for classifier.keras and classifier.json, e.g. --out=runs/classifier"
        )
    data = DataConfig(**{name: given.pop(name) for name in DATA_FLAGS if name in given})
    command = f"python -m lomit_tf.train_classifier {shlex.join(argv)}"
    return Invocation(ClassifierConfig(data, **given), Path(out).expanduser(), command)


def define_flags() -> absl_flags.FlagValues:
    """A FlagValues with the flags of the data, of the classifier's own fields and --out, all None."""
    values = absl_flags.FlagValues()
    define_fields(_fields(), values)
    absl_flags.DEFINE_string("out", None, OUT, flag_values=values)
    absl_flags.DEFINE_string("flagfile", None, FLAGFILE_HELP, flag_values=values)
    return values


def help_text() -> str:
    """What `--help` prints."""
    lines = [INTRO, "", *help_entry("--out=DIR", f"{OUT} (needed)")]
    for field, kind in _fields().values():
        lines += help_entry(field_form(field, kind), help_with_default(field))
    return "\n".join([*lines, *help_entry("--flagfile=FILE", FLAGFILE_HELP)])


def _fields() -> Fields:
    """Flag name -> its field and type: those of the data that a classifier has a use for, then the classifier's own."""
    data = {name: field for name, field in fields_of(DataConfig).items() if name in DATA_FLAGS}
    return data | {name: field for name, field in fields_of(ClassifierConfig).items() if name != "data"}


def _report(classifier: AttributeClassifier, out: Path) -> None:
    """Say where the classifier is and how well it does, on standard output."""
    rows = {}
    for name, row in classifier.record["held_out"]["per_attribute"].items():
        balanced = "unknown" if row["balanced_accuracy"] is None else f"{row['balanced_accuracy']:.3f}"
        rows[name] = f"accuracy {row['accuracy']:.3f}, balanced {balanced}, {row['positives']} of {row['count']}"
    split = classifier.record["held_out"]["split"]
    report(f"classifier of {len(classifier.label_names)} labels in {out}, on {split} images:", rows)


if __name__ == "__main__":
    sys.exit(run())
