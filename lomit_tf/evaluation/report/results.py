"""The results of an evaluation, as typed records that check themselves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

NOT_A_NUMBER = "not a number (NaN)"
INFINITE = "infinite"

Better = Literal["higher", "lower", ""]
Filled = Annotated[str, Field(pattern=r"\S")]  # a text that is not empty
Count = Annotated[int, Field(ge=0)]
Point = Annotated[list[float | None], Field(min_length=2, max_length=2)]  # x and y


class _Record(BaseModel):
    """Checked when made: types exactly as declared, and no key that nobody would read."""

    model_config = ConfigDict(strict=True, extra="forbid", revalidate_instances="always")


class Row(_Record):
    """One metric: a value for each method, or None and the reason why there is none."""

    metric: Filled
    key: Filled  # unique in the report
    unit: str = ""
    better: Better
    digits: Annotated[int, Field(ge=0, le=12)]  # decimals shown
    values: dict[str, float | None]
    count: Count | None = None  # of images or pairs that the values are a mean of
    reason: dict[str, Filled] = {}

    def reason_of(self, method: str) -> str:
        """Why there is no finite number for the method; empty where there is one."""
        value = self.values[method]
        if value is not None and math.isfinite(value):
            return ""
        given = self.reason.get(method, "")
        if given or value is None:
            return given
        return NOT_A_NUMBER if math.isnan(value) else ("minus " if value < 0 else "") + INFINITE


class Section(_Record):
    """A table of metrics, a column for each method."""

    name: Filled
    about: str
    rows: list[Row]


class Table(_Record):
    """A free table; `reason` stands below it where cells have no value."""

    title: Filled
    about: str
    columns: list[str]
    rows: list[list[str | int | float | None]]
    reason: Filled | None = None


class Curve(_Record):
    """Lines through points [x, y]; a point with a coordinate that is None or not finite interrupts its line."""

    title: Filled
    x_label: str
    y_label: str
    series: dict[str, list[Point]]


class Grid(_Record):
    """A picture, in a PNG file that lies below the report's folder already."""

    title: Filled
    about: str
    file: Filled


class Results(_Record):
    """All of an evaluation; `methods` are the names of the columns, in order."""

    title: Filled
    command: str
    date: Filled
    model: str
    dataset: str
    split: str
    pairs: Count
    seed: int
    image_size: Count
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    notes: list[str]
    methods: Annotated[list[Filled], Field(min_length=1)]
    sections: list[Section]
    tables: list[Table]
    curves: list[Curve]
    grids: list[Grid]
    facts: dict[str, str | int | float] = {}  # shown beside model and data

    @model_validator(mode="after")
    def _consistent(self) -> Results:
        if len(set(self.methods)) != len(self.methods):
            raise ValueError(f"results['methods'] must be different names; received {self.methods!r}")
        for key, count in Counter(row.key for section in self.sections for row in section.rows).items():
            if count > 1:
                raise ValueError(f"{count} rows have the key {key!r}")
        for s, section in enumerate(self.sections):
            for r, row in enumerate(section.rows):
                self._check_methods(row, f"results['sections'][{s}]['rows'][{r}]")
        for t, table in enumerate(self.tables):
            for r, cells in enumerate(table.rows):
                if len(cells) != len(table.columns):
                    raise ValueError(
                        f"results['tables'][{t}]['rows'][{r}] has {len(cells)} cells for {len(table.columns)} columns"
                    )
        return self

    def _check_methods(self, row: Row, path: str) -> None:
        """Every method has a value, or None and a reason, and there are no others."""
        for name, of in (("values", row.values), ("reason", row.reason)):
            for method in of:
                if method not in self.methods:
                    raise ValueError(f"{path}['{name}'][{method!r}]: not one of results['methods']")
        for method in self.methods:
            if method not in row.values:
                raise ValueError(f"{path}['values'][{method!r}] is missing; give None and a reason where there is none")
            if row.values[method] is None and method not in row.reason:
                raise ValueError(f"{path}['values'][{method!r}] is None without a text in 'reason'; say why")

    def json_ready(self) -> dict[str, Any]:
        """A dictionary that JSON can hold: values that are not finite are None, in rows with a reason beside them."""
        ready: dict[str, Any] = _finite(self.model_dump(exclude_unset=True))
        for section, plain in zip(self.sections, ready["sections"], strict=True):
            for row, of in zip(section.rows, plain["rows"], strict=True):
                reasons = {method: row.reason_of(method) for method in row.values if row.reason_of(method)}
                if reasons:
                    of["reason"] = row.reason | reasons
        return ready


def checked(results: Mapping[str, Any] | Results) -> Results:
    """The results as `Results`. Raises ValueError naming the first key that is wrong, and what was received."""
    if isinstance(results, Results):
        return results
    try:
        return Results.model_validate(dict(results))
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            raise ValueError(str(first["ctx"]["error"])) from None
        path = "results" + "".join(f"[{key!r}]" for key in first["loc"] if key not in ("str", "int", "float"))
        received = first["input"]
        raise ValueError(f"{path}: {first['msg']}; received {received!r:.200} ({type(received).__name__})") from None


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
