"""The flags of `lomit-train-classifier`."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path

from absl import flags as absl_flags

from lomit_tf.commands.fields import Fields, define_fields, field_form, fields_of, help_entry, help_with_default
from lomit_tf.commands.flagfiles import read_command_line
from lomit_tf.commands.flagset import FLAGFILE_HELP
from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.evaluation.metrics.attribute_classifier_config import ClassifierConfig

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
