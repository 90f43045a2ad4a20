"""Flags -> `LomitConfig`, and back. With `flagfiles.py` the only code that reads flags; it imports no TensorFlow.

Every field of `config.SECTIONS` is an absl flag without a value of its own: what is not given is left to
`LomitConfig.create`. `flagfiles.py` says which of several given values wins.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from absl import flags as absl_flags

from lomit_tf.commands.fields import Fields, define_fields, field_form, fields_of, form_of, help_entry, help_width
from lomit_tf.commands.flagfiles import FlagValue, configs_folder, flagfiles_in, read_command_line
from lomit_tf.config import PRESETS, SECTIONS, ConfigError, LomitConfig
from lomit_tf.settings.methods import check_n_critic
from lomit_tf.settings.text import effective_flagfile, first_line, setting_help

__all__ = ["Invocation", "define_flags", "effective_flagfile", "flag_form", "flag_help", "help_text", "parse"]

RUN_HELP = {
    "flagfile": "read flags from a file: of this name here, or a shipped one ({flagfiles}); "
    "may be repeated, the last one wins",
    "preset": "network sizes: lomit, the paper's; small, for a CPU or a first look; medium, for 128 pixels on a "
    "CPU; mobile, for telephones; "
    "flags given beside it refine it (default: lomit)",
    "workdir": "folder for the results (default: runs/ and the name of the data set; with a run's own "
    "flags.cfg as --flagfile, that run's)",
    "resume": "auto: go on where the run in the workdir stopped; never: refuse a workdir that has checkpoints; "
    "must: refuse one that has none (default: auto)",
    "minutes": "fix --steps by what this machine does in so many minutes, measured before the run begins, and at most "
    "those that are configured; the number is saved with the run (default: none, and --steps counts)",
}
# Settings that mean nothing to two domains.
OF_LABELS = ("groups", "colour_groups", "connected_groups", "competing_groups", "unfiltered_groups", "match")
RESUME = ("auto", "never", "must")
INTRO = """\
Train LOMIT, which translates an image after an exemplar within a learned mask, or with --method one of the systems that
it is compared with (docs/compared_systems.md).

  python -m lomit_tf.train --flagfile=drawn_faces.cfg
      on built-in drawn faces, on any machine
  python -m lomit_tf.train --flagfile=celeba.cfg --data_dir=/path/to/celeba
      on CelebA; the first lines of a flagfile say what it needs
  python -m lomit_tf.train --flagfile=drawn_faces.cfg --steps=100 --workdir=runs/try
      any flag beside a flagfile wins over it
  python -m lomit_tf.train --flagfile=drawn_faces.cfg --minutes=10 --workdir=runs/first
      as many steps as this machine does in ten minutes
  python -m lomit_tf.train --flagfile=runs/try/flags.cfg
      goes on with that run; with another --workdir it repeats it there

The same command on the same --workdir continues a run."""


@dataclasses.dataclass(frozen=True)
class Invocation:
    """What a command line asks for: the run, the folder for its results, --resume (auto, never or must), --minutes."""

    config: LomitConfig
    workdir: Path
    resume: str
    minutes: float = 0


@functools.cache
def config_fields() -> Fields:
    """`fields_of` all sections of the configuration, as declared."""
    return {name: field for section in SECTIONS.values() for name, field in fields_of(section).items()}


def define_flags() -> absl_flags.FlagValues:
    """A fresh FlagValues with a flag for every configuration field and those of a training run, all None."""
    values = absl_flags.FlagValues()
    define_fields(config_fields(), values, flag_help)
    absl_flags.DEFINE_string("flagfile", None, flag_help("flagfile"), flag_values=values)
    absl_flags.DEFINE_enum("preset", None, list(PRESETS), flag_help("preset"), flag_values=values)
    absl_flags.DEFINE_string("workdir", None, flag_help("workdir"), flag_values=values)
    absl_flags.DEFINE_enum("resume", None, list(RESUME), flag_help("resume"), flag_values=values)
    absl_flags.DEFINE_float("minutes", None, flag_help("minutes"), flag_values=values)
    return values


def flag_help(name: str) -> str:
    """A flag's help: what it is, its default, and the presets' values where they differ."""
    if name in RUN_HELP:
        return RUN_HELP[name].format(flagfiles=", ".join(flagfiles_in(configs_folder())) or "none found")
    return setting_help(config_fields()[name][0])


def flag_form(name: str) -> str:
    """A flag as one writes it: --steps=N, --[no]flip, --system=paper|recipe."""
    if name in config_fields():
        field, kind = config_fields()[name]
        return field_form(field, kind)
    kind = float if name == "minutes" else str
    return form_of(name, kind, {"preset": tuple(PRESETS), "resume": RESUME}.get(name, ()))


def help_text() -> str:
    """What `--help` prints: examples, then all flags by section."""
    width = help_width()
    lines = [INTRO, "", "The run"]
    for name in RUN_HELP:
        lines += help_entry(flag_form(name), flag_help(name), width)
    for section, kind in SECTIONS.items():
        lines += ["", *textwrap.wrap(f"{section.capitalize()}: {first_line(kind)}", width)]
        for field in dataclasses.fields(kind):
            lines += help_entry(flag_form(field.name), flag_help(field.name), width)
    return "\n".join(lines)


def parse(argv: Sequence[str]) -> Invocation:
    """Read a command line, without the program's name.

    Raises:
      ConfigError: an unknown flag, a bad value, a flag given twice with different values, a flagfile that is
        missing or includes itself, or values that contradict each other. The message says which flag, the
        value received and, for one from a flagfile, the file and the line.
    """
    given = read_command_line(argv, define_flags(), go_on=True)
    run = {name: given.pop(name) for name in RUN_HELP if name in given}
    if "domains" in given and given["domains"].value and not given["domains"].where:
        for name in OF_LABELS:  # those of a flagfile are of its labels, and give way
            if name in given and given[name].where:
                del given[name]
    try:
        preset = run["preset"].value if "preset" in run else "lomit"
        config = LomitConfig.create(preset, **{name: value.value for name, value in given.items()})
        if "n_critic" in given and not given["n_critic"].where:  # a flagfile's is LOMIT's, and gives way
            check_n_critic(config.model.method, given["n_critic"].value)
    except ConfigError as error:
        named = [name for name in dict.fromkeys(re.findall(r"--(\w+)", str(error))) if name in given]
        places = "; ".join(f"--{name} is from {given[name].where}" for name in named if given[name].where)
        raise ConfigError(f"{error} ({places})" if places else str(error)) from None
    if "workdir" in run and not run["workdir"].value:
        raise ConfigError("--workdir is empty; name the folder for the results, e.g. --workdir=runs/celeba")
    workdir = run["workdir"].value if "workdir" in run else f"runs/{config.data.dataset.rpartition('/')[2]}"
    resume = run["resume"].value if "resume" in run else "auto"
    return Invocation(config, Path(workdir).expanduser(), resume, _minutes(run.get("minutes"), given))


def _minutes(minutes: FlagValue | None, given: Mapping[str, FlagValue]) -> float:
    """The budget, 0 for none. Of --minutes and --steps, the one on the command line wins over a flagfile's."""
    if minutes is None:
        return 0.0
    if not (math.isfinite(minutes.value) and minutes.value > 0):
        raise ConfigError(f"--minutes must be greater than 0; received {minutes.value:g}")
    steps = [given[name] for name in ("steps", "schedule_steps") if name in given]
    if any(not one.where for one in steps):
        if not minutes.where:
            raise ConfigError("--minutes fixes the number of steps; give it or --steps, not both")
        return 0.0
    return float(minutes.value)
