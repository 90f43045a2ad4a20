"""A weight that changes once in a run, with its times as fractions of the run."""

from __future__ import annotations

import dataclasses
import math
import re

from lomit_tf.settings.options import ConfigError

NUMBER = r"(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)"
CHANGE = re.compile(rf"{NUMBER}:{NUMBER}@{NUMBER}-{NUMBER}")
FORM = "a number, like 3, or FROM:TO@START-END, like 4:3@0.7-0.85 (4 until 70 % of the run, 3 from 85 % on)"


@dataclasses.dataclass(frozen=True)
class Schedule:
    """`initial` until `start`, `final` from `end` on, and linear between; `start` and `end` are fractions of the run.

    docs/method.md, eq. (6.9). In a flag, in config.json and in a flagfile it is written FROM:TO@START-END, or as one
    number where it is constant. `losses.schedules.scheduled` evaluates it.

    Raises ValueError for values that are negative or not finite, and unless 0 <= start <= end <= 1.
    """

    initial: float
    final: float
    start: float = 0.0
    end: float = 0.0

    def __post_init__(self) -> None:
        for name in ("initial", "final", "start", "end"):
            value = float(getattr(self, name))
            object.__setattr__(self, name, value)
            if not math.isfinite(value) or value < 0:
                raise ValueError(f"{value} is negative or not finite")
        if self.constant:  # one form for equal schedules
            object.__setattr__(self, "start", 0.0)
            object.__setattr__(self, "end", 0.0)
        if not self.start <= self.end <= 1:
            raise ValueError(f"START <= END within 0..1 is needed; received {self.start:g} and {self.end:g}")

    @classmethod
    def of(cls, value: Schedule | str | float, name: str = "") -> Schedule:
        """A schedule from its text or a number; a schedule stays as it is.

        Raises ConfigError that names the flag `name`, the value and the form.
        """
        if isinstance(value, Schedule):
            return value
        text = str(value).strip()
        match = CHANGE.fullmatch(text)
        try:
            if match:
                return cls(*map(float, match.groups()))
            return cls(float(text), float(text))
        except ValueError as error:
            why = f" ({error})" if match else ""
            raise ConfigError(f"--{name} must be {FORM}; received {text!r}{why}") from None

    def __str__(self) -> str:
        if self.constant:
            return str(self.final)
        return f"{self.initial}:{self.final}@{self.start}-{self.end}"

    @property
    def constant(self) -> bool:
        """Whether it never changes."""
        return self.initial == self.final

    @property
    def zero(self) -> bool:
        """Whether it is 0 throughout."""
        return self.constant and not self.final

    def steps(self, span: int) -> tuple[int, int]:
        """`start` and `end` in whole steps of a run of `span` steps."""
        return round(self.start * span), round(self.end * span)
