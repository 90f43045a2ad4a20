"""The words of a command line and the lines of flagfiles -> the value given for each flag, and where it stands.

Used by `flags.py` and `commands/flagset.py`. What is given comes in layers, each of which wins over the ones below it:

    the command line
    a flagfile's own lines, later ones over earlier ones
    the flagfiles that it includes, later ones over earlier ones

A `--preset` counts as the network sizes it stands for: it replaces those of the layers below, and flags of its own
layer refine it.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags as absl_flags

from lomit_tf.config import PRESETS, ConfigError, near
from lomit_tf.settings import older
from lomit_tf.settings.text import as_text

SIZES = frozenset(name for sizes in PRESETS.values() for name in sizes)
RUN_FLAGFILE, RUN_CONFIG = "flags.cfg", "config.json"  # as checkpoints.Workdir names them
KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}


@dataclasses.dataclass(frozen=True)
class FlagValue:
    """The value of one flag, and the "file:line" it stands in ("" for the command line)."""

    value: Any
    where: str


def read_command_line(
    argv: Sequence[str], known: absl_flags.FlagValues, *, words: str = "", go_on: bool = False
) -> dict[str, FlagValue]:
    """Flag name -> what the command line (without the program's name) and its flagfiles give.

    Arguments that are no flags are values of the flag named `words`, and refused where it is empty. A flag that absl
    knows as a multi flag gives a tuple of all its values. With `go_on`, the flags.cfg of a workdir, named on the
    command line, also gives that workdir, below its own lines: the command goes on with that run.

    Raises ConfigError for unknown flags, bad values, a flag given twice with different values on the command line,
    and flagfiles that are missing or include each other.
    """
    left = deque(argv)
    own: dict[str, FlagValue] = {}
    below: dict[str, FlagValue] = {}
    while left:
        word = left.popleft()
        name, value = _read_flag(f"--{words}={word}" if words and not word.startswith("-") else word, left, known)
        if name == "flagfile":
            read = _read_flagfile(value, known, (), "")
            below = _over(below, _own_workdir(value) | read if go_on else read)
        elif isinstance(known[name], absl_flags.MultiFlag):
            own[name] = _one_more(own.get(name), value, "")
        elif name in own and own[name].value != value:
            values = " and as ".join(repr(as_text(v)) for v in (own[name].value, value))
            raise ConfigError(f"--{name} is given twice, as {values}; keep one of them")
        else:
            own[name] = FlagValue(value, "")
    return _over(below, own)


def parse_value(flag: absl_flags.Flag, text: str) -> Any:
    """The value that a text stands for; a list becomes a tuple.

    Raises ConfigError, naming the flag, what it takes and the text.
    """
    text = text.strip()
    kind, choices = flag.flag_type(), getattr(flag.parser, "enum_values", None)
    try:
        value = flag.parser.parse(text)
    except ConfigError:
        raise
    except (ValueError, TypeError):
        beyond = _beyond(flag, text)
        if beyond:
            raise ConfigError(f"--{flag.name} must be {beyond}; received {text}") from None
        expected = f"one of {', '.join(choices)}" if choices else KINDS.get(kind, f"a {kind}")
        close = difflib.get_close_matches(text, choices or (), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        hint += "; a comment needs a line of its own" if "#" in text else ""
        raise ConfigError(f"--{flag.name} must be {expected}; received {text!r}{hint}") from None
    if isinstance(value, list):
        if "" in value:
            raise ConfigError(f"--{flag.name} has an empty name between its commas; received {text!r}")
        return tuple(value)
    if kind in ("string", "multi string"):
        if any(character in text for character in "\r\n\0"):
            raise ConfigError(f"--{flag.name} cannot hold a line break; received {text!r}")
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            raise ConfigError(f"--{flag.name} is written without quotation marks around it; received {text}")
    return value


def _beyond(flag: absl_flags.Flag, text: str) -> str:
    """ "at least 1" or "at most 9" for a number beyond a flag's bounds; empty for what is not a number, or within."""
    try:
        number = flag.parser.convert(text)
    except (AttributeError, ValueError, TypeError):
        return ""
    low, high = getattr(flag.parser, "lower_bound", None), getattr(flag.parser, "upper_bound", None)
    if low is not None and number < low:
        return f"at least {low}"
    return f"at most {high}" if high is not None and number > high else ""


def configs_folder() -> Path:
    """The folder of the shipped flagfiles: lomit_tf/configs when installed, configs/ in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "configs"
    return inside if flagfiles_in(inside) else package.parent / "configs"


def flagfiles_in(folder: Path) -> list[str]:
    """Names of the flagfiles in a folder."""
    return sorted(path.name for path in folder.glob("*.cfg"))


def _read_flag(word: str, following: deque[str] | None, known: absl_flags.FlagValues) -> tuple[str, Any]:
    """Name and value of a flag; on a command line its value may be the next word (`following`)."""
    match = re.fullmatch(r"--?([A-Za-z][\w-]*)(?:=(.*))?", word, re.DOTALL)
    if not match:
        example = "steps=500" if "steps" in known else f"{next(n for n in known if not known[n].boolean)}=..."
        raise ConfigError(f"{word!r} is not a flag; write it like --{example}")
    name, text = match.groups()
    if name not in known:
        negated = name.removeprefix("no").removeprefix("-")
        if negated == name or negated not in known or not known[negated].boolean:
            close = difflib.get_close_matches(name.replace("-", "_").lower(), list(known), n=3)
            hint = f"did you mean {' or '.join('--' + c for c in close)}?" if close else "--help lists all flags"
            hint = older.hint(negated) if "steps" in known and older.hint(negated) else hint
            raise ConfigError(f"--{name} is unknown; {hint}")
        if text is not None:
            raise ConfigError(f"--{name} takes no value; received {text!r}. Write --{name}, or --{negated}={text}")
        return negated, False
    flag = known[name]
    if text is None:
        if flag.boolean:
            return name, True
        if not following or following[0].startswith("--"):
            raise ConfigError(f"--{name} needs a value; write --{name}=...")
        text = following.popleft()
    return name, parse_value(flag, text)


def _read_flagfile(
    name: str, known: absl_flags.FlagValues, chain: tuple[Path, ...], where: str
) -> dict[str, FlagValue]:
    """What a flagfile gives, with what it includes; `chain` holds the files that include it."""
    path = _find(name, chain[-1].parent if chain else None, where)
    if path.resolve() in [p.resolve() for p in chain]:
        circle = " -> ".join(_shown(p) for p in (*chain, path))
        raise ConfigError(f"{where}: flagfiles that include each other: {circle}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{_at(where)}--flagfile={name}: {path} is not a text file") from None
    except OSError as error:
        raise ConfigError(f"{_at(where)}--flagfile={name}: cannot read {path}: {error.strerror}") from None
    own: dict[str, FlagValue] = {}
    included: dict[str, FlagValue] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        line, here = line.strip(), f"{_shown(path)}:{number}"
        if not line or line.startswith(("#", "//")):
            continue
        try:
            flag, value = _read_flag(line, None, known)
        except ConfigError as error:
            raise ConfigError(f"{here}: {error}") from None
        if flag == "flagfile":
            included = _over(included, _read_flagfile(value, known, (*chain, path), here))
        elif isinstance(known[flag], absl_flags.MultiFlag):
            own[flag] = _one_more(own.get(flag), value, here)
        else:
            own[flag] = FlagValue(value, here)
    return _over(included, own)


def _own_workdir(name: str) -> dict[str, FlagValue]:
    """The workdir whose own flagfile is named, if it is one: it has the configuration of a run beside it."""
    path = _find(name, None, "")
    if path.name != RUN_FLAGFILE or not (path.parent / RUN_CONFIG).is_file():
        return {}
    return {"workdir": FlagValue(str(path.parent), _shown(path))}


def _over(below: dict[str, FlagValue], above: dict[str, FlagValue]) -> dict[str, FlagValue]:
    """One layer over another; a preset above replaces the network sizes below."""
    kept = {name: g for name, g in below.items() if name not in SIZES} if "preset" in above else below
    return {**kept, **above}


def _one_more(before: FlagValue | None, value: Any, where: str) -> FlagValue:
    """A multi flag's values with another one behind them."""
    return FlagValue((*before.value, value) if before else (value,), where)


def _find(name: str, beside: Path | None, where: str) -> Path:
    """The flagfile of that name: here or as a path, beside the one that includes it, or among the shipped ones."""
    path = Path(name).expanduser()
    folders = [Path(), *([beside] if beside else []), configs_folder()]
    places = list(dict.fromkeys(folder / path for folder in folders))  # an absolute path stays as it is
    for place in places:
        if place.is_file():
            return place
    if path.is_dir():
        raise ConfigError(f"{_at(where)}--flagfile={name} is a folder; name a file")
    looked = ", ".join(dict.fromkeys(str(place.absolute()) for place in places))
    names = flagfiles_in(configs_folder())
    hint = f"; {near(path.name, names)}" if names else ""
    raise ConfigError(f"{_at(where)}--flagfile={name}: no such file; looked for {looked}{hint}")


def _shown(path: Path) -> str:
    """A path as short as it can be told: from the current folder where it lies below it."""
    path, here = path.absolute(), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _at(where: str) -> str:
    return f"{where}: " if where else ""
