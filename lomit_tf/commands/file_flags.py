"""The flags of a command that reads a model and its data and writes one file: `lomit-refine-masks` and others."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from absl import flags as absl_flags

from lomit_tf.commands.fields import Fields, define_fields, field_form, fields_of, help_entry, help_with_default
from lomit_tf.commands.flagfiles import read_command_line
from lomit_tf.commands.flagset import FLAGFILE_HELP
from lomit_tf.config import NEEDED, ConfigError, DataConfig, option

DATA_FLAGS = ("dataset", "data_dir", "labels_file", "crop", "train_images", "max_corrupt")
Options = TypeVar("Options")


@dataclasses.dataclass(frozen=True)
class Run:
    """Whose model, and where to."""

    model: str = option(NEEDED, "a model's name, a workdir or a checkpoint", form="M")
    out: str = option(NEEDED, "the file to write", form="FILE")
    threads: int = option(0, "threads that work (0: one a core)", least=0)


@dataclasses.dataclass(frozen=True)
class Invocation(Generic[Options]):
    """What a command line asks for; `data` are fields of DataConfig that replace the model's."""

    run: Run
    data: dict[str, Any]
    options: Options


@dataclasses.dataclass(frozen=True)
class FileFlags(Generic[Options]):
    """The flags of one such command.

    Attributes:
      options: a dataclass of how the file is made.
      intro: what --help says first.
      examples: of --model and --out, for messages.
    """

    options: type[Options]
    intro: str
    examples: Mapping[str, str]

    def parse(self, argv: Sequence[str]) -> Invocation[Options]:
        """Read a command line, without the program's name.

        Raises ConfigError for unknown flags, bad values, or without --model and --out.
        """
        known = absl_flags.FlagValues()
        define_fields(self._fields(), known)
        absl_flags.DEFINE_string("flagfile", None, FLAGFILE_HELP, flag_values=known)
        given = {name: flag.value for name, flag in read_command_line(argv, known).items()}
        for name, example in self.examples.items():
            if not given.get(name):
                raise ConfigError(f"--{name} is missing; e.g. --{name}={example}")
        run = Run(**{name: given.pop(name) for name in fields_of(Run) if name in given})
        data = {name: given.pop(name) for name in DATA_FLAGS if name in given}
        return Invocation(run, data, self.options(**given))

    def help_text(self) -> str:
        """What `--help` prints."""
        lines = [self.intro]
        for name, (field, kind) in self._fields().items():
            text = field.metadata["help"] if name in DATA_FLAGS else help_with_default(field)
            lines += help_entry(field_form(field, kind), text)
        return "\n".join([*lines, *help_entry("--flagfile=FILE", FLAGFILE_HELP)])

    def _fields(self) -> Fields:
        """Flag name -> its field and type."""
        data = {name: field for name, field in fields_of(DataConfig).items() if name in DATA_FLAGS}
        return {**fields_of(Run), **fields_of(self.options), **data}
