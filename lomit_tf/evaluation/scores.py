"""The rows of a report: values by metric and method, each missing one with its reason."""

from __future__ import annotations

import math
from typing import Any


class Scores:
    """Sections of rows in the order in which they were added; see `report.write` for the form."""

    def __init__(self, methods: list[str]) -> None:
        self.methods = methods
        self._sections: dict[str, dict[str, Any]] = {}

    def section(self, name: str, about: str) -> None:
        """Start a section; a repeated name goes on with it."""
        self._sections.setdefault(name, {"name": name, "about": about, "rows": []})

    def add(
        self,
        section: str,
        key: str,
        metric: str,
        method: str,
        value: float | None,
        *,
        reason: str = "",
        better: str = "higher",
        digits: int = 3,
        unit: str = "",
        count: int | None = None,
    ) -> None:
        """One value of one method, or None and the reason why there is none."""
        rows = self._sections[section]["rows"]
        row = next((r for r in rows if r["key"] == key), None)
        if row is None:
            row = {
                "metric": metric, "key": key, "unit": unit, "better": better, "digits": digits,
                "values": {}, "count": count, "reason": {},
            }  # fmt: skip
            rows.append(row)
        if row["count"] is None:
            row["count"] = count
        if value is None or not math.isfinite(value):
            row["values"][method] = None
            row["reason"][method] = reason or f"not a finite number: {value}"
        else:
            row["values"][method] = float(value)

    def sections(self) -> list[dict[str, Any]]:
        """All sections, each row complete over the methods."""
        for section in self._sections.values():
            for row in section["rows"]:
                for method in self.methods:
                    if method not in row["values"]:
                        row["values"][method] = None
                        row["reason"][method] = "this method does not give it"
        return [s for s in self._sections.values() if s["rows"]]
