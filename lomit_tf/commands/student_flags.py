"""The flags of a command that trains a student: those of lomit_tf.train, and what it learns from and how."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from lomit_tf.commands import flags
from lomit_tf.commands.fields import define_fields, field_form, fields_of, help_entry, help_with_default
from lomit_tf.commands.flagfiles import read_command_line
from lomit_tf.config import NEEDED, ConfigError

Options = TypeVar("Options")


@dataclasses.dataclass(frozen=True)
class StudentInvocation(Generic[Options]):
    """What a command line asks for; `workdir` and `resume` as of lomit_tf.train."""

    sources: dict[str, Any]  # by flag: what to learn from
    workdir: Path
    resume: str
    fields: dict[str, Any]  # of the student's configuration, and `preset`
    options: Options


@dataclasses.dataclass(frozen=True)
class StudentFlags(Generic[Options]):
    """The flags of one such command.

    Attributes:
      sources: a dataclass of the names and files that it learns from.
      options: one of how it learns.
      intro: what --help says first.
      workdir: where results go without --workdir; empty: it must be given.
      same_networks: whether the student has the networks of its model, so that --preset is refused.
    """

    sources: type[Any]
    options: type[Options]
    intro: str
    workdir: str = ""
    same_networks: bool = False

    def parse(self, argv: Sequence[str]) -> StudentInvocation[Options]:
        """Read a command line, without the program's name. Raises ConfigError as `flags.parse`, or without a source."""
        known, sources, own = flags.define_flags(), fields_of(self.sources), fields_of(self.options)
        define_fields({**sources, **own}, known)
        given = {name: flag.value for name, flag in read_command_line(argv, known).items()}
        for name, (field, kind) in sources.items():
            if field.default is NEEDED and not given.get(name):
                raise ConfigError(f"--{name} is missing; give {field_form(field, kind)}: {field.metadata['help']}")
        options = self.options(**{name: given.pop(name) for name in own if name in given})
        workdir = given.pop("workdir", self.workdir)
        if not workdir:
            raise ConfigError("--workdir is missing; e.g. --workdir=runs/student")
        named = {name: given.pop(name) for name in sources}
        if self.same_networks and "preset" in given:
            raise ConfigError("--preset: the networks are those of --model; leave it out")
        return StudentInvocation(named, Path(workdir).expanduser(), given.pop("resume", "auto"), given, options)

    def help_text(self) -> str:
        """What --help prints: the flags that are not those of training."""
        lines = [self.intro]
        for field, kind in {**fields_of(self.sources), **fields_of(self.options)}.values():
            lines += help_entry(field_form(field, kind), help_with_default(field))
        return "\n".join(lines)


def listed(settings: Mapping[str, Any]) -> str:
    """Settings as --help shows them: those that say something, in lines of 100 characters."""
    return textwrap.fill(", ".join(f"{name}={value}" for name, value in settings.items() if value != ""), 100)
