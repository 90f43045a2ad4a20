"""Fields of a frozen dataclass -> absl flags, and how --help shows them."""

from __future__ import annotations

import dataclasses
import shutil
import textwrap
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from absl import flags as absl_flags

from lomit_tf.config import NEEDED, Schedule
from lomit_tf.settings.text import as_text

FORMS = {int: "N", float: "X", str: "TEXT", tuple: "A,B,C", Schedule: "X|FROM:TO@START-END"}
INDENT = 30
Fields = Mapping[str, tuple[dataclasses.Field[Any], type]]


def fields_of(section: type) -> Fields:
    """Field name of a dataclass -> the field and its type (int, float, bool, str, tuple or Schedule)."""
    hints = typing.get_type_hints(section)
    return {field.name: (field, _kind(hints[field.name])) for field in dataclasses.fields(section)}


def _kind(hint: Any) -> type:
    """tuple[str, ...] -> tuple, int | None -> int."""
    if isinstance(hint, types.UnionType):
        (hint,) = (one for one in typing.get_args(hint) if one is not types.NoneType)
    return typing.get_origin(hint) or hint


class ScheduleParser(absl_flags.ArgumentParser):  # type: ignore[type-arg]
    """A text of `Schedule`. Raises ConfigError that names the flag."""

    def __init__(self, name: str) -> None:
        self.name = name

    def parse(self, argument: Any) -> Schedule:
        """The schedule."""
        return Schedule.of(argument, self.name)

    def flag_type(self) -> str:
        """What it is called."""
        return "schedule"


def define_fields(fields: Fields, values: absl_flags.FlagValues, help_of: Callable[[str], str] | None = None) -> None:
    """A flag for every field, None until it is given; its help is the field's own without `help_of`."""
    for name, (field, kind) in fields.items():
        explained = help_of(name) if help_of else field.metadata["help"]
        choices, given = field.metadata["choices"], {"flag_values": values}
        bounds = {"lower_bound": field.metadata["least"], "upper_bound": field.metadata["most"]}
        if choices and kind is str:
            absl_flags.DEFINE_enum(name, None, list(choices), explained, **given)
        elif field.metadata["repeated"]:
            absl_flags.DEFINE_multi_string(name, None, explained, **given)
        elif kind is int:
            absl_flags.DEFINE_integer(name, None, explained, **bounds, **given)
        elif kind is float:
            absl_flags.DEFINE_float(name, None, explained, **bounds, **given)
        elif kind is Schedule:
            absl_flags.DEFINE(ScheduleParser(name), name, None, explained, **given)
        else:
            define = {bool: absl_flags.DEFINE_boolean, str: absl_flags.DEFINE_string, tuple: absl_flags.DEFINE_list}
            define[kind](name, None, explained, **given)


def form_of(name: str, kind: type, choices: tuple[Any, ...] = (), form: str = "") -> str:
    """A flag as one writes it: --steps=N, --[no]flip, --system=paper|recipe."""
    if kind is bool:
        return f"--{name}" if name.startswith("no_") else f"--[no]{name}"
    return f"--{name}={'|'.join(map(str, choices)) or form or FORMS[kind]}"


def field_form(field: dataclasses.Field[Any], kind: type) -> str:
    """`form_of` a field of `fields_of`."""
    return form_of(field.name, kind, field.metadata["choices"], field.metadata["form"])


def help_with_default(field: dataclasses.Field[Any]) -> str:
    """A field's help and its default, "needed" where it has none; a help that says "default" itself stays."""
    text = field.metadata["help"]
    if field.default is NEEDED:
        return f"{text} (needed)"
    if "(default" in text:
        return text
    shown = "none" if field.default is None else as_text(field.default) or "empty"
    return f"{text} (default: {shown})"


def help_entry(form: str, text: str, width: int = 0) -> list[str]:
    """The lines of one flag in --help: its form on the left, the text on the right, or below a long form."""
    indent = " " * INDENT
    lines = textwrap.wrap(
        text, width or help_width(), initial_indent=indent, subsequent_indent=indent,
        break_on_hyphens=False, break_long_words=False,
    )  # fmt: skip
    form = f"  {form}"
    return [form, *lines] if len(form) > INDENT - 2 else [form.ljust(INDENT) + lines[0].lstrip(), *lines[1:]]


def help_width() -> int:
    """Columns of the text of --help: the terminal's, within reason."""
    return max(60, min(110, shutil.get_terminal_size().columns))
