"""The flags of `lomit-find-movements`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from absl import flags as absl_flags

from lomit_tf.commands.fields import Fields, define_fields, field_form, fields_of, help_entry, help_with_default
from lomit_tf.commands.flagfiles import read_command_line
from lomit_tf.commands.flagset import FLAGFILE_HELP
from lomit_tf.commands.refine_flags import DATA_FLAGS
from lomit_tf.config import NEEDED, ConfigError, DataConfig, option
from lomit_tf.settings.movement_teacher import FindConfig

INTRO = """\
Find how faces move with a label, for python -m lomit_tf.teach_movements: in means of training images that look alike
above the mouth, with the label and without it. Labels alone take part; the images must be framed as CelebA's are.

  python -m lomit_tf.find_movements --model=runs/celeba_smile_masks --data_dir=/path/to/celeba --out=runs/smiles.npz

The model says which label, and what part of the picture is seen from near; its weights are not used. The data is its
own where flags do not say otherwise. All images are held in memory, about 0.2 MB for each of 128 x 128 pixels. The
same command goes on where an interrupted one stopped.
"""


@dataclasses.dataclass(frozen=True)
class Run:
    """What to find movements for, and where to."""

    model: str = option(NEEDED, "a model's name, a workdir or a checkpoint", form="M")
    out: str = option(NEEDED, "the file of movements to write", form="FILE")
    threads: int = option(0, "threads that work (0: one a core)", least=0)


@dataclasses.dataclass(frozen=True)
class Invocation:
    """What a command line asks for; `data` are fields of DataConfig that replace the model's."""

    run: Run
    data: dict[str, Any]
    options: FindConfig


def parse(argv: Sequence[str]) -> Invocation:
    """Read a command line, without the program's name.

    Raises ConfigError for unknown flags, bad values, or without --model and --out.
    """
    known = absl_flags.FlagValues()
    define_fields(_fields(), known)
    absl_flags.DEFINE_string("flagfile", None, FLAGFILE_HELP, flag_values=known)
    given = {name: flag.value for name, flag in read_command_line(argv, known).items()}
    for name, example in (("model", "runs/celeba_smile_masks"), ("out", "runs/smiles.npz")):
        if not given.get(name):
            raise ConfigError(f"--{name} is missing; e.g. --{name}={example}")
    run = Run(**{name: given.pop(name) for name in fields_of(Run) if name in given})
    data = {name: given.pop(name) for name in DATA_FLAGS if name in given}
    return Invocation(run, data, FindConfig(**given))


def help_text() -> str:
    """What `--help` prints."""
    lines = [INTRO]
    for name, (field, kind) in _fields().items():
        text = field.metadata["help"] if name in DATA_FLAGS else help_with_default(field)
        lines += help_entry(field_form(field, kind), text)
    return "\n".join([*lines, *help_entry("--flagfile=FILE", FLAGFILE_HELP)])


def _fields() -> Fields:
    """Flag name -> its field and type."""
    data = {name: field for name, field in fields_of(DataConfig).items() if name in DATA_FLAGS}
    return {**fields_of(Run), **fields_of(FindConfig), **data}
