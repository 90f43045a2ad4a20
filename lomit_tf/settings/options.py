"""Fields of frozen dataclasses that become flags, and the checks that all sections of a configuration share."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterable
from typing import Any

NEEDED: Any = dataclasses.MISSING  # the default of an option that has none


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the field, the value received and what to do."""


def option(
    default: Any, help: str, choices: tuple[Any, ...] = (), *, form: str = "", least: float | None = None,
    most: float | None = None, repeated: bool = False,
) -> Any:  # fmt: skip
    """A dataclass field with what its flag needs.

    Args:
      default: the value where the flag is not given; NEEDED where it must be.
      help: what it is, without the default, which --help adds.
      choices: the allowed values.
      form: how --help writes the value, e.g. DIR.
      least, most: bounds of a number, themselves allowed; checked where the flag is read.
      repeated: the flag may be given several times, and each time adds a value to the tuple.
    """
    metadata = {"help": help, "choices": choices, "form": form, "least": least, "most": most, "repeated": repeated}
    return dataclasses.field(default=default, metadata=metadata)


def near(name: str, known: Iterable[str]) -> str:
    """A hint that lists the known names nearest to a misspelt one, or all of them where none is near."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known are: {', '.join(known)}"


class ConfigSection:
    """Checks that are alike for every section: choices, and numbers that cannot be negative."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value, choices = getattr(self, field.name), field.metadata.get("choices")
            if choices and value not in choices:
                raise ConfigError(f"--{field.name} must be one of {', '.join(map(str, choices))}; received {value!r}")
            if isinstance(value, float) and not math.isfinite(value):
                raise ConfigError(f"--{field.name} must be a finite number; received {value!r}")
            if isinstance(value, (int, float)) and value < 0:
                raise ConfigError(f"--{field.name} cannot be negative; received {value!r}")
        self.check()

    def check(self) -> None:
        """Cross-field rules of the section."""

    def positive(self, *names: str) -> None:
        """Raise ConfigError for the first of these fields that is 0."""
        for name in names:
            if getattr(self, name) <= 0:
                raise ConfigError(f"--{name} must be greater than 0; received {getattr(self, name)!r}")

    def at_most_one(self, *names: str) -> None:
        """Raise ConfigError for the first of these fields that is above 1."""
        for name in names:
            if getattr(self, name) > 1:
                raise ConfigError(f"--{name} lies between 0 and 1; received {getattr(self, name)}")
