"""Flags -> `LomitConfig`, and back. With `flagfiles.py` the only code that reads flags; it imports no TensorFlow.

Every field of `config.SECTIONS` is an absl flag without a value of its own: what is not given is left to
`LomitConfig.create`. `flagfiles.py` says which of several given values wins.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import shutil
import textwrap
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import flags as absl_flags

from lomit_tf.config import PRESETS, SECTIONS, ConfigError, LomitConfig
from lomit_tf.flagfiles import as_text, configs_folder, flagfiles_in, parse_value, read_command_line

__all__ = [
    "Invocation", "define_fields", "define_flags", "effective_flagfile", "fields_of", "flag_help", "help_text", "parse",
    "wants_help",
]  # fmt: skip

RUN_HELP = {
    "flagfile": "read flags from a file: of this name here, or of those that come along ({flagfiles}); "
    "may be repeated, the last one wins",
    "preset": "network sizes: lomit, the paper's; small, for a CPU or a first look; mobile, for telephones; "
    "flags given beside it refine it (default: lomit)",
    "workdir": "folder for the results (default: runs/ and the name of the data set; with a run's own "
    "flags.cfg as --flagfile, that run's)",
    "resume": "auto: go on where the run in the workdir stopped; never: refuse a workdir that has checkpoints; "
    "must: refuse one that has none (default: auto)",
}
RESUME = ("auto", "never", "must")
HELP_WORDS = ("-h", "-?", "-help", "--help", "--helpshort", "--helpfull")
FORMS = {int: "N", float: "X", str: "TEXT", tuple: "A,B,C"}
INTRO = """\
Train LOMIT: translate an image after an exemplar, within a learned mask.

  python -m lomit_tf.train --flagfile=drawn_faces.cfg
      on built-in drawn faces, on any machine
  python -m lomit_tf.train --flagfile=celeba.cfg --data_dir=/path/to/celeba
      on CelebA; the first lines of a flagfile say what it needs
  python -m lomit_tf.train --flagfile=drawn_faces.cfg --steps=100 --workdir=runs/try
      any flag beside a flagfile wins over it
  python -m lomit_tf.train --flagfile=runs/try/flags.cfg
      goes on with that run; with another --workdir it repeats it there

The same command on the same --workdir continues a run."""


@dataclasses.dataclass(frozen=True)
class Invocation:
    """What a command line asks for: the run, the folder for its results, and --resume (auto, never or must)."""

    config: LomitConfig
    workdir: Path
    resume: str


Fields = Mapping[str, tuple[dataclasses.Field[Any], type]]


def fields_of(section: type) -> Fields:
    """Field name of a configuration's dataclass -> the field and its type (int, float, bool, str or tuple)."""
    hints = typing.get_type_hints(section)
    return {
        field.name: (field, typing.get_origin(hints[field.name]) or hints[field.name])
        for field in dataclasses.fields(section)
    }


@functools.cache
def config_fields() -> Fields:
    """`fields_of` all sections of the configuration, as declared."""
    return {name: field for section in SECTIONS.values() for name, field in fields_of(section).items()}


def define_fields(fields: Fields, values: absl_flags.FlagValues, help_of: Callable[[str], str] | None = None) -> None:
    """A flag for every field, None until it is given; its help is the field's own without `help_of`."""
    define = {
        int: absl_flags.DEFINE_integer, float: absl_flags.DEFINE_float, bool: absl_flags.DEFINE_boolean,
        str: absl_flags.DEFINE_string, tuple: absl_flags.DEFINE_list,
    }  # fmt: skip
    for name, (field, kind) in fields.items():
        explained = help_of(name) if help_of else field.metadata["help"]
        choices = field.metadata["choices"]
        if choices and kind is str:
            absl_flags.DEFINE_enum(name, None, list(choices), explained, flag_values=values)
        else:
            define[kind](name, None, explained, flag_values=values)


def define_flags() -> absl_flags.FlagValues:
    """A fresh FlagValues with a flag for every configuration field and those of a training run, all None."""
    values = absl_flags.FlagValues()
    define_fields(config_fields(), values, flag_help)
    absl_flags.DEFINE_string("flagfile", None, flag_help("flagfile"), flag_values=values)
    absl_flags.DEFINE_enum("preset", None, list(PRESETS), flag_help("preset"), flag_values=values)
    absl_flags.DEFINE_string("workdir", None, flag_help("workdir"), flag_values=values)
    absl_flags.DEFINE_enum("resume", None, list(RESUME), flag_help("resume"), flag_values=values)
    return values


def flag_help(name: str) -> str:
    """A flag's help: what it is, its default, and the presets' values where they differ."""
    if name in RUN_HELP:
        return RUN_HELP[name].format(flagfiles=", ".join(flagfiles_in(configs_folder())) or "none found")
    field = config_fields()[name][0]
    presets: dict[Any, list[str]] = {}
    for preset, sizes in PRESETS.items():
        if sizes.get(name, field.default) != field.default:
            presets.setdefault(sizes[name], []).append(preset)
    others = "".join(f"; {', '.join(names)}: {as_text(value)}" for value, names in presets.items())
    return f"{field.metadata['help']} (default: {as_text(field.default) or 'empty'}{others})"


def flag_form(name: str) -> str:
    """A flag as one writes it: --steps=N, --[no]flip, --masks=coupled|decoupled."""
    if name not in config_fields():
        choices: tuple[Any, ...] = {"preset": tuple(PRESETS), "resume": RESUME}.get(name, ())
        kind: type = str
    else:
        field, kind = config_fields()[name]
        choices = field.metadata["choices"]
    if kind is bool:
        return f"--[no]{name}"
    return f"--{name}={'|'.join(map(str, choices)) or FORMS[kind]}"


def help_text() -> str:
    """What `--help` prints: examples, then all flags by section."""
    width = max(60, min(110, shutil.get_terminal_size().columns))
    lines = [INTRO, "", "The run"]
    for name in RUN_HELP:
        lines += _help_entry(name, width)
    for section, kind in SECTIONS.items():
        lines += ["", *textwrap.wrap(f"{section.capitalize()}: {first_line(kind)}", width)]
        for field in dataclasses.fields(kind):
            lines += _help_entry(field.name, width)
    return "\n".join(lines)


def wants_help(argv: Sequence[str]) -> bool:
    """Whether the arguments (without the program's name) ask for help."""
    return any(word in HELP_WORDS for word in argv)


def parse(argv: Sequence[str]) -> Invocation:
    """Read a command line, without the program's name.

    Raises:
      ConfigError: an unknown flag, a bad value, a flag given twice with different values, a flagfile that is
        missing or includes itself, or values that contradict each other. The message says which flag, the
        value received and, for one from a flagfile, the file and the line.
    """
    given = read_command_line(argv, define_flags(), go_on=True)
    run = {name: given.pop(name) for name in RUN_HELP if name in given}
    try:
        preset = run["preset"].value if "preset" in run else "lomit"
        config = LomitConfig.create(preset, **{name: value.value for name, value in given.items()})
    except ConfigError as error:
        named = [name for name in dict.fromkeys(re.findall(r"--(\w+)", str(error))) if name in given]
        places = "; ".join(f"--{name} is from {given[name].where}" for name in named if given[name].where)
        raise ConfigError(f"{error} ({places})" if places else str(error)) from None
    if "workdir" in run and not run["workdir"].value:
        raise ConfigError("--workdir is empty; name the folder for the results, e.g. --workdir=runs/celeba")
    workdir = run["workdir"].value if "workdir" in run else f"runs/{config.data.dataset.rpartition('/')[2]}"
    return Invocation(config, Path(workdir).expanduser(), run["resume"].value if "resume" in run else "auto")


def effective_flagfile(config: LomitConfig) -> str:
    """The text of a flagfile with all fields, grouped and commented, that parses to an equal configuration.

    Raises ConfigError for a value that no line of a flagfile can hold (line breaks, or spaces around it).
    """
    known, fields = define_flags(), config_fields()
    lines = [
        "# Every setting of a run. To go on with it, or to repeat it in another folder:",
        "#   python -m lomit_tf.train --flagfile=THIS_FILE",
        "#   python -m lomit_tf.train --flagfile=THIS_FILE --workdir=runs/again",
    ]
    for section, kind in SECTIONS.items():
        lines += ["", "", f"# {section.upper()}: {first_line(kind)}"]
        for field in dataclasses.fields(kind):
            value = getattr(getattr(config, section), field.name)
            text = as_text(float(value) if fields[field.name][1] is float else value)
            try:
                again = parse_value(known[field.name], text)
            except ConfigError:
                again = None
            if again != value or "\n" in text:
                raise ConfigError(f"--{field.name}={value!r} cannot be written into a line of a flagfile")
            lines += ["", f"# {flag_help(field.name)}", f"--{field.name}={text}"]
    return "\n".join(lines) + "\n"


def first_line(kind: type) -> str:
    """The first line of a section's docstring, without its full stop."""
    return (kind.__doc__ or "").strip().splitlines()[0].rstrip(".")


def _help_entry(name: str, width: int) -> list[str]:
    """The lines of one flag: its form on the left, its help on the right or below."""
    form, indent = f"  {flag_form(name)}", " " * 30
    lines = textwrap.wrap(
        flag_help(name), width, initial_indent=indent, subsequent_indent=indent,
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip
    if len(form) > 28:
        return [form, *lines]
    return [form.ljust(30) + lines[0].lstrip(), *lines[1:]]
