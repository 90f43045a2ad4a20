"""The cells of label tables: what they may say, and columns of which nothing could be learned."""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence

import numpy as np

from lomit_tf.data.image_set import DataError

WORDS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}
UNKNOWN = 999.0  # EmotioNet's mark for an action unit that was not annotated
UNDERSTOOD = "1/0, 1/-1, true/false, yes/no"
ONE_AND_TWO = {1.0, 2.0}  # a coding of absent and present, or of present and absent; not intensities without a 0
SHOWN = 6  # different values of a column that a message lists


def value_of(text: str, where: str) -> float:
    """One cell as a number, words as 1 or 0. Raises DataError, naming the place, for anything else."""
    lowered = text.lower()
    try:
        value = WORDS[lowered] if lowered in WORDS else float(text)
    except ValueError:
        value = math.nan
    if math.isnan(value):
        raise DataError(f"{where}: expected {UNDERSTOOD} or a number; received {text!r}")
    return value


def present(values: np.ndarray) -> np.ndarray:
    """Values of cells -> 1.0 where the label is present: above 0, and annotated at all; float32 of the same shape."""
    return ((values > 0) & (values != UNKNOWN)).astype(np.float32)


def check_columns(values: np.ndarray, names: Sequence[str], where: str, *, vary: bool) -> None:
    """Refuse labels whose values would count as something that they do not say.

    Args:
      values: (N, K), of the cells.
      names: K names.
      where: the table and the split, for messages: "labels.csv, split train".
      vary: each label must be present in some images and absent in others (a training set).

    Raises:
      DataError: probabilities, or a label that is the same in all images; with the label, its values and counts.
    """
    for name, column in zip(names, values.T, strict=True):
        known = column[column != UNKNOWN]
        count = int(present(column).sum())
        said = f"{where}: the label {name!r} is present in {count} of {len(column)} images"
        if len(known) and known.min() >= 0 and known.max() <= 1 and ((known > 0) & (known < 1)).any():
            raise DataError(
                f"{said}, as whatever is above 0 counts, but its values look like probabilities ({_counted(column)}); "
                "write 1 and 0"
            )
        if vary and (count in (0, len(column)) or set(known.tolist()) == ONE_AND_TWO):
            raise DataError(
                f"{said}, and nothing can be learned from a label that never varies; its values are "
                f"{_counted(column)}. Understood are {UNDERSTOOD}, and intensities, of which whatever is above 0 "
                f"counts as present: write those, or leave {name} out"
            )


def _counted(column: np.ndarray) -> str:
    """The values of a column with the number of images that have each: "1 in 20, 2 in 12"."""
    counts = sorted(collections.Counter(column.tolist()).items())
    shown = [f"{value:g} in {count}" for value, count in counts]
    if len(shown) > SHOWN:
        shown = [*shown[: SHOWN - 1], f"... {len(shown) - SHOWN} more ...", shown[-1]]
    return ", ".join(shown)


class Rows:
    """The images that rows of a table name: finds the ones that are named again, and refuses contradictions."""

    def __init__(self, table: str) -> None:
        self._table, self._first = table, dict[str, tuple[int, tuple[object, ...]]]()

    def is_new(self, name: str, number: int, said: Sequence[object]) -> bool:
        """Whether the image has not been named yet. Raises DataError where an earlier row said something else of it.

        Args:
          name: of the image; slashes of both kinds are the same.
          number: of the row or line.
          said: all that the row says of it, to be compared.
        """
        key = name.replace("\\", "/").removeprefix("./")
        first, before = self._first.setdefault(key, (number, tuple(said)))
        if before != tuple(said):
            raise DataError(
                f"{self._table}: rows {first} and {number} contradict each other about {name}: "
                f"{_words(before)} and {_words(said)}; keep one of them"
            )
        return first == number


def _words(said: Sequence[object]) -> str:
    return ", ".join(f"{v:g}" if isinstance(v, float) else str(v) for v in said)
