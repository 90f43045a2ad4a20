"""Results as Markdown: tables that read well as plain text too."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lomit_tf.evaluation.report.cells import LEGEND, empty_cells, facts, free, lines
from lomit_tf.evaluation.report.results import Results, Section

_SPECIAL = re.compile(r"([\\`*_\[\]#|~$])")


def markdown(results: Results) -> str:
    """The whole report but for its pictures, which are linked by their paths below the report's folder."""
    parts = [f"# {plain(results.title)}"]
    parts.append(table(["", ""], [[plain(k), plain(v)] for k, v in facts(results).items()], right_from=2))
    if results.command:
        parts.append(fence(results.command))
    if results.notes:
        parts.append("\n".join(f"- {plain(note)}" for note in results.notes))
    parts.append(LEGEND)
    for section in results.sections:
        parts.extend(_section(section, results.methods))
    for given in results.tables:
        parts.extend([f"## {plain(given.title)}", plain(given.about)])
        rows = [[plain(free(value)) for value in row] for row in given.rows]
        parts.append(table([plain(name) for name in given.columns], rows))
        parts.append(plain(empty_cells(given)))
    if results.curves:
        parts.append("## Curves")
        drawn = "\n".join(f"- {plain(curve.title)}" for curve in results.curves)
        parts.append(f"Drawn in index.html, their points in results.json:\n\n{drawn}")
    for grid in results.grids:
        link = grid.file.replace("\\", "/").replace(" ", "%20").replace(">", "%3E").replace("<", "%3C")
        parts.extend([f"## {plain(grid.title)}", plain(grid.about), f"![{plain(grid.title)}](<{link}>)"])
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(section: Section, methods: Sequence[str]) -> list[str]:
    found, reasons = lines(section, methods)
    rows = []
    for line in found:
        cells = []
        for cell in line.cells:
            shown = f"**{cell.text}**" if cell.best else cell.text
            cells.append(f"{shown} ({cell.note})" if cell.note else shown)
        rows.append([plain(line.metric), *cells, line.count])
    head = ["metric", *(plain(method) for method in methods), "count"]
    notes = "\n".join(f"- ({k}) {plain(reason)}" for k, reason in enumerate(reasons, 1))
    return [f"## {plain(section.name)}", plain(section.about), table(head, rows), notes]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right_from: int = 1) -> str:
    """A table of escaped cells; the columns from `right_from` on are aligned to the right."""
    rule = [":--" if k < right_from else "--:" for k in range(len(head))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def plain(text: str) -> str:
    """The text as Markdown shows it literally, on one line: no markup, no HTML, no table borders."""
    text = " ".join(text.split())
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", text)


def fence(text: str) -> str:
    """A code block whose fence is longer than any row of backticks in the text."""
    longest = max((len(row) for row in re.findall("`+", text)), default=0)
    bar = "`" * max(3, longest + 1)
    return f"{bar}\n{text}\n{bar}"
