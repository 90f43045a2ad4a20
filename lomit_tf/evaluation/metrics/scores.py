"""The rows of a report: values by metric and method, each missing one with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping

from lomit_tf.evaluation.report.results import Better, Row, Section


class Scores:
    """Sections of rows in the order in which they were added.

    Args:
        methods: the columns.
        lacking: columns without any value, each with the reason.
    """

    def __init__(self, methods: list[str], lacking: Mapping[str, str] | None = None) -> None:
        self.methods, self.lacking = methods, dict(lacking or {})
        self._sections: dict[str, Section] = {}
        self._rows: dict[str, Row] = {}  # by key

    def section(self, name: str, about: str) -> None:
        """Start a section; a repeated name goes on with it."""
        self._sections.setdefault(name, Section(name=name, about=about, rows=[]))

    def add(
        self, section: str, key: str, metric: str, method: str, value: float | None, *, reason: str = "",
        better: Better = "higher", digits: int = 3, unit: str = "", count: int | None = None,
    ) -> None:  # fmt: skip
        """One value of one method, or None and the reason why there is none."""
        row = self._rows.get(key)
        if row is None:
            row = Row(metric=metric, key=key, unit=unit, better=better, digits=digits, values={}, count=None, reason={})
            self._rows[key] = row
            self._sections[section].rows.append(row)
        if row.count is None:
            row.count = count
        if value is None or not math.isfinite(value):
            row.values[method] = None
            row.reason[method] = reason or f"not a finite number: {value}"
        else:
            row.values[method] = float(value)

    def sections(self) -> list[Section]:
        """All sections, each row complete over the methods."""
        for row in self._rows.values():
            for method in self.methods:
                if method not in row.values:
                    row.values[method] = None
                    row.reason[method] = self.lacking.get(method, "this method does not give it")
        return [section for section in self._sections.values() if section.rows]
