"""The report of an evaluation: results.json, results.md and index.html from one dictionary of results."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lomit_tf.atomic import write_text
from lomit_tf.evaluation.report_cells import lines
from lomit_tf.evaluation.report_checks import check, json_ready
from lomit_tf.evaluation.report_html import html
from lomit_tf.evaluation.report_markdown import markdown


def write(results: Mapping[str, Any], out_dir: str | os.PathLike[str]) -> dict[str, Path]:
    """Write the report's three files into `out_dir`, each whole or not at all.

    Args:
      results: of Python's own types (no NumPy but float64), with exactly these keys:
        title, command, date, model, dataset, split: texts; pairs, seed, image_size: whole numbers; seconds: a number;
        notes: texts; methods: the names of the columns, in order;
        sections: [{name, about, rows: [{metric, key, unit, better: "higher", "lower" or "", digits,
          values: {method: number or None}, count: whole number or None, reason: {method: text}}]}], where keys are
          unique in the report and every None has a reason; count and reason may be left out;
        tables: [{title, about, columns: [text], rows: [[text, number or None]]}] and, as the text below cells without
          a value, reason;
        curves: [{title, x_label, y_label, series: {name: [[x, y]]}}];
        grids: [{title, about, file}], PNG files that lie below `out_dir` already;
        facts (may be left out): {name: text or number}, shown beside model and data.
        A value that is NaN or infinite becomes null in results.json, with its reason.
      out_dir: a folder; made where it is missing.

    Returns:
      The paths under "json", "markdown" and "html".

    Raises:
      ValueError: results of another form, naming the key; nothing is written then.
      OSError: a file cannot be written.
    """
    check(results)
    folder = Path(out_dir)
    page = html(results, folder)
    paths = {"json": folder / "results.json", "markdown": folder / "results.md", "html": folder / "index.html"}
    write_text(paths["json"], json.dumps(json_ready(results), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    write_text(paths["markdown"], markdown(results))
    write_text(paths["html"], page)
    return paths


def summary(results: Mapping[str, Any], width: int = 100) -> str:
    """The sections as plain tables for a terminal of `width` columns, reasons below them.

    Raises ValueError for results of another form than `write` takes.
    """
    check(results)
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for section in results["sections"]:
        found, reasons = lines(section, results["methods"])
        table = Table(box=box.SIMPLE_HEAD, title=Text(section["name"]), title_justify="left", pad_edge=False)
        table.add_column("metric")
        for method in results["methods"]:
            table.add_column(Text(method), justify="right")
        table.add_column("count", justify="right")
        for line in found:
            cells = [f"{c.text}{'*' if c.best else ''}{f' ({c.note})' if c.note else ''}" for c in line.cells]
            table.add_row(*map(Text, (line.metric, *cells, line.count)))
        console.print(table)
        for k, reason in enumerate(reasons, 1):
            console.print(Text(f"({k}) {reason}"))
    return "\n".join(row.rstrip() for row in console.file.getvalue().splitlines()) + "\n"  # type: ignore[attr-defined]
