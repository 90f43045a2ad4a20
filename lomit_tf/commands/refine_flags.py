"""The flags of `lomit-refine-masks`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from absl import flags as absl_flags

from lomit_tf.commands.fields import Fields, define_fields, field_form, fields_of, help_entry, help_with_default
from lomit_tf.commands.flagfiles import read_command_line
from lomit_tf.commands.flagset import FLAGFILE_HELP
from lomit_tf.config import NEEDED, ConfigError, DataConfig, option
from lomit_tf.settings.mask_teacher import RefineConfig

DATA_FLAGS = ("dataset", "data_dir", "labels_file", "crop", "train_images", "max_corrupt")
INTRO = """\
Refine a trained model's masks of its training images by the images' own colours, for python -m lomit_tf.teach_masks.
Labels decide which refinements are used, and with --by=labels where they begin; true masks are never read.

  python -m lomit_tf.refine_masks --model=celeba_small --data_dir=/path/to/celeba --out=runs/masks.npz
  python -m lomit_tf.refine_masks --model=celeba_small --by=regions --refine_size=64 --data_dir=/path/to/celeba \\
      --out=runs/masks.npz
  python -m lomit_tf.refine_masks --model=drawn_faces --face= --refuse= --train_images=500 --out=runs/masks.npz

The data is the model's own where flags do not say otherwise. The same command goes on where an interrupted one stopped.
"""


@dataclasses.dataclass(frozen=True)
class Run:
    """What to refine, and where to."""

    model: str = option(NEEDED, "a model's name, a workdir or a checkpoint", form="M")
    out: str = option(NEEDED, "the file of refined masks to write", form="FILE")
    threads: int = option(0, "threads that refine (0: one a core)", least=0)


@dataclasses.dataclass(frozen=True)
class Invocation:
    """What a command line asks for; `data` are fields of DataConfig that replace the model's."""

    run: Run
    data: dict[str, Any]
    options: RefineConfig


def parse(argv: Sequence[str]) -> Invocation:
    """Read a command line, without the program's name.

    Raises ConfigError for unknown flags, bad values, or without --model and --out.
    """
    known = absl_flags.FlagValues()
    define_fields(_fields(), known)
    absl_flags.DEFINE_string("flagfile", None, FLAGFILE_HELP, flag_values=known)
    given = {name: flag.value for name, flag in read_command_line(argv, known).items()}
    for name, example in (("model", "celeba_small"), ("out", "runs/masks.npz")):
        if not given.get(name):
            raise ConfigError(f"--{name} is missing; e.g. --{name}={example}")
    run = Run(**{name: given.pop(name) for name in fields_of(Run) if name in given})
    data = {name: given.pop(name) for name in DATA_FLAGS if name in given}
    return Invocation(run, data, RefineConfig(**given))


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
    return {**fields_of(Run), **fields_of(RefineConfig), **data}
