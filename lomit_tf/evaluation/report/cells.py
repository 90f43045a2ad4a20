"""Rows of results as texts: what Markdown, HTML and the terminal show of a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lomit_tf.evaluation.report.results import Results, Row, Section, Table

NONE = "\N{EN DASH}"
ARROWS = {"higher": "↑", "lower": "↓", "": ""}
LEGEND = "↑ higher is better, ↓ lower is better; the best value of a row is marked."


@dataclass(frozen=True)
class Cell:
    """One value as shown. `note` is the number of its reason among the section's, 0 where there is none."""

    text: str
    best: bool = False
    note: int = 0


@dataclass(frozen=True)
class Line:
    """One metric: its name with unit and direction, a cell for each method, and the count."""

    metric: str
    cells: list[Cell]
    count: str


def lines(section: Section, methods: Sequence[str]) -> tuple[list[Line], list[str]]:
    """The section's rows as shown, and the reasons that their cells' notes count from 1."""
    found: list[Line] = []
    reasons: list[str] = []
    for row in section.rows:
        winners = best(row, methods)
        cells = []
        for method in methods:
            reason = row.reason_of(method)
            if reason and reason not in reasons:
                reasons.append(reason)
            note = reasons.index(reason) + 1 if reason else 0
            cells.append(Cell(number(row.values[method], row.digits), method in winners, note))
        found.append(Line(metric_name(row), cells, NONE if row.count is None else f"{row.count:,}"))
    return found, reasons


def metric_name(row: Row) -> str:
    """'PSNR (dB) ↑'"""
    unit = f" ({row.unit})" if row.unit else ""
    return f"{row.metric}{unit} {ARROWS[row.better]}".strip()


def number(value: float | None, digits: int) -> str:
    """A fixed number of decimals; ∞ for infinity, a dash for None and NaN."""
    if value is None or math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    shown = f"{value:,.{digits}f}"
    return shown.lstrip("-") if not shown.strip("-0.,") else shown  # no "-0.000"


def free(value: str | float | None) -> str:
    """A cell of a free table: texts as they are, whole numbers whole, others with four significant digits."""
    if isinstance(value, str):
        return value
    if value is None or math.isnan(value):
        return NONE
    if isinstance(value, int) or math.isinf(value):
        return number(value, 0)
    return f"{value:.4g}"


def best(row: Row, methods: Sequence[str]) -> set[str]:
    """The methods that show the best value: several when they show the same, none when all do or only one has one."""
    values = {m: v for m in methods if (v := row.values[m]) is not None and not math.isnan(v)}
    if not row.better or len(values) < 2:
        return set()
    winner = max(values.values()) if row.better == "higher" else min(values.values())
    shown = number(winner, row.digits)
    found = {m for m, v in values.items() if number(v, row.digits) == shown}
    return found if len(found) < len(values) else set()


def facts(results: Results) -> dict[str, str]:
    """What was measured, on what, as name -> text."""
    known = {
        "Model": results.model,
        "Data": f"{results.dataset}, {results.split}",
        "Pairs": f"{results.pairs:,}",
        "Image size": f"{results.image_size} px",
        "Seed": str(results.seed),
        "Date": results.date,
        "Time": duration(results.seconds),
    }
    return known | {name: free(value) for name, value in results.facts.items()}


def duration(seconds: float) -> str:
    """'4 min 12 s'"""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def empty_cells(table: Table) -> str:
    """What to say below a free table that has cells without a value; empty where it has none."""
    if not any(free(value) == NONE for row in table.rows for value in row if not isinstance(value, str)):
        return ""
    return f"{NONE}: {table.reason or 'no value'}"
