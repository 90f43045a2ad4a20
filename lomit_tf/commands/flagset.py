"""The flags of one command: a dataclass of options, filled from a command line and from flagfiles."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Generic, TypeVar

from absl import flags as absl_flags

from lomit_tf.commands.fields import define_fields, field_form, fields_of, help_entry, help_with_default
from lomit_tf.commands.flagfiles import read_command_line
from lomit_tf.config import NEEDED, ConfigError

FLAGFILE_HELP = "read flags from a file, one a line; may be repeated, the last one wins"
Options = TypeVar("Options")


@dataclasses.dataclass(frozen=True)
class FlagSet(Generic[Options]):
    """The flags of a command, one for each field of a frozen dataclass made with `config.option`, and --flagfile.

    Attributes:
      options: the dataclass.
      intro: what --help says first: what the command does, with examples.
      words: the field that takes arguments which are no flags (`python -m export.parity DIR`); empty refuses them.
    """

    options: type[Options]
    intro: str
    words: str = ""

    def parse(self, argv: Sequence[str]) -> Options:
        """The options that a command line, without the program's name, asks for.

        Raises ConfigError for an unknown flag, a bad value, a flag that is missing or given twice with different
        values; the message names the flag, the value received and, for one from a flagfile, the file and the line.
        """
        values = self.define()
        given = {name: one.value for name, one in read_command_line(argv, values, words=self.words).items()}
        for name, (field, kind) in fields_of(self.options).items():
            if field.default is NEEDED and not given.get(name):
                state = "empty" if name in given else "missing"
                raise ConfigError(f"--{name} is {state}; give {field_form(field, kind)}: {field.metadata['help']}")
            if kind is float and not math.isfinite(given.get(name, 0.0)):
                raise ConfigError(f"--{name} must be a finite number; received {given[name]}")
        return self.options(**given)

    def define(self) -> absl_flags.FlagValues:
        """A fresh FlagValues with these flags, all None."""
        values = absl_flags.FlagValues()
        define_fields(fields_of(self.options), values)
        absl_flags.DEFINE_string("flagfile", None, FLAGFILE_HELP, flag_values=values)
        return values

    def help_text(self) -> str:
        """What --help prints: the introduction, then every flag with its default."""
        lines = [self.intro, ""]
        for field, kind in fields_of(self.options).values():
            lines += help_entry(field_form(field, kind), help_with_default(field))
        return "\n".join([*lines, *help_entry("--flagfile=FILE", FLAGFILE_HELP)])
