"""What a dictionary of results must look like, checked before anything is written.

A check is a function (value, path) that raises ValueError naming the path, what was received and what to give.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Check = Callable[[Any, str], None]
BETTER = ("higher", "lower", "")
NOT_A_NUMBER = "not a number (NaN)"
INFINITE = "infinite"


def _is(kinds: type | tuple[type, ...], what: str, test: Callable[[Any], bool] = lambda value: True) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool) or not test(value):
            raise ValueError(f"{path} must be {what}; received {value!r} ({type(value).__name__})")

    return check


text = _is(str, "a text")
filled = _is(str, "a text that is not empty", lambda value: bool(value.strip()))
number = _is((int, float), "a number")
whole = _is(int, "a whole number of 0 or more", lambda value: value >= 0)
decimals = _is(int, "a number of decimals, 0 to 12", lambda value: 0 <= value <= 12)
duration = _is((int, float), "a number of seconds, 0 or more", lambda value: math.isfinite(value) and value >= 0)
direction = _is(str, f"one of {', '.join(map(repr, BETTER))}", lambda value: value in BETTER)
cell = _is((str, int, float, type(None)), "a text, a number or None")


def or_none(check: Check) -> Check:
    """The check, or None."""
    return lambda value, path: None if value is None else check(value, path)


def list_of(check: Check) -> Check:
    """A list or tuple of what passes the check."""

    def checked(value: Any, path: str) -> None:
        _is((list, tuple), "a list")(value, path)
        for k, item in enumerate(value):
            check(item, f"{path}[{k}]")

    return checked


def mapping_of(check: Check) -> Check:
    """A dictionary from texts to what passes the check."""

    def checked(value: Any, path: str) -> None:
        _is(dict, "a dictionary")(value, path)
        for key, item in value.items():
            text(key, f"{path}'s key")
            check(item, f"{path}[{key!r}]")

    return checked


def fields(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """A dictionary with exactly these keys; a key that nobody would read is an error, not dropped."""
    known = {**required, **(optional or {})}

    def checked(value: Any, path: str) -> None:
        _is(dict, "a dictionary")(value, path)
        for key in required:
            if key not in value:
                raise ValueError(f"{path}[{key!r}] is missing")
        for key, item in value.items():
            if key not in known:
                raise ValueError(f"{path}[{key!r}] is not known; use {', '.join(known)}")
            known[key](item, f"{path}[{key!r}]")

    return checked


ROW = fields(
    {
        "metric": filled, "key": filled, "unit": text, "better": direction, "digits": decimals,
        "values": mapping_of(or_none(number)),
    },
    {"count": or_none(whole), "reason": mapping_of(filled)},
)  # fmt: skip
SECTION = fields({"name": filled, "about": text, "rows": list_of(ROW)})
TABLE = fields(
    {"title": filled, "about": text, "columns": list_of(text), "rows": list_of(list_of(cell))}, {"reason": filled}
)
POINT = list_of(or_none(number))
CURVE = fields({"title": filled, "x_label": text, "y_label": text, "series": mapping_of(list_of(POINT))})
GRID = fields({"title": filled, "about": text, "file": filled})
RESULTS = fields(
    {
        "title": filled, "command": text, "date": filled, "model": text, "dataset": text, "split": text, "pairs": whole,
        "seed": _is(int, "a whole number"), "image_size": whole, "seconds": duration, "notes": list_of(text),
        "methods": list_of(filled), "sections": list_of(SECTION), "tables": list_of(TABLE), "curves": list_of(CURVE),
        "grids": list_of(GRID),
    },
    {"facts": mapping_of(_is((str, int, float), "a text or a number"))},
)  # fmt: skip


def check(results: Any) -> None:
    """Raise ValueError, naming the key, unless `results` is what `lomit_tf.evaluation.report.write` documents."""
    RESULTS(results, "results")
    methods = results["methods"]
    if not methods or len(set(methods)) != len(methods):
        raise ValueError(f"results['methods'] must be different names, at least one; received {methods!r}")
    keys: dict[str, str] = {}
    for s, section in enumerate(results["sections"]):
        for r, row in enumerate(section["rows"]):
            path = f"results['sections'][{s}]['rows'][{r}]"
            if row["key"] in keys:
                raise ValueError(f"{path}['key'] is {row['key']!r}, as {keys[row['key']]}['key'] already")
            keys[row["key"]] = path
            _check_values(row, methods, path)
    for t, table in enumerate(results["tables"]):
        for r, cells in enumerate(table["rows"]):
            if len(cells) != len(table["columns"]):
                raise ValueError(
                    f"results['tables'][{t}]['rows'][{r}] has {len(cells)} cells for {len(table['columns'])} columns"
                )
    for c, curve in enumerate(results["curves"]):
        for name, points in curve["series"].items():
            for p, point in enumerate(points):
                if len(point) != 2:
                    raise ValueError(
                        f"results['curves'][{c}]['series'][{name!r}][{p}] must be [x, y]; received {point!r}"
                    )


def _check_values(row: Mapping[str, Any], methods: Sequence[str], path: str) -> None:
    for name in ("values", "reason"):
        for method in row.get(name, {}):
            if method not in methods:
                raise ValueError(f"{path}[{name!r}][{method!r}]: not one of results['methods'], {', '.join(methods)}")
    for method in methods:
        if method not in row["values"]:
            raise ValueError(f"{path}['values'][{method!r}] is missing; give None and a reason where there is none")
        if row["values"][method] is None and method not in row.get("reason", {}):
            raise ValueError(f"{path}['values'][{method!r}] is None without a text in 'reason'; say why")


def json_ready(results: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that JSON can hold: values that are not finite become None, in rows with a reason beside them."""
    ready: dict[str, Any] = _finite(results)
    for before, after in zip(results["sections"], ready["sections"], strict=True):
        for old, new in zip(before["rows"], after["rows"], strict=True):
            for method, value in old["values"].items():
                if value is not None and new["values"][method] is None:
                    new.setdefault("reason", {}).setdefault(method, reason_of(old, method))
    return ready


def reason_of(row: Mapping[str, Any], method: str) -> str:
    """Why a row has no finite number for the method; empty where it has one."""
    value = row["values"][method]
    if value is not None and math.isfinite(value):
        return ""
    given = row.get("reason", {}).get(method, "")
    if given or value is None:
        return given
    return NOT_A_NUMBER if math.isnan(value) else ("minus " if value < 0 else "") + INFINITE


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
