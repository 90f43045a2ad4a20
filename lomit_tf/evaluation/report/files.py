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

from lomit_tf.evaluation.options import RESULTS
from lomit_tf.evaluation.report.cells import lines
from lomit_tf.evaluation.report.html import html
from lomit_tf.evaluation.report.markdown import markdown
from lomit_tf.evaluation.report.results import Results, checked
from lomit_tf.runtime.atomic import write_text


def write(results: Results | Mapping[str, Any], out_dir: str | os.PathLike[str]) -> dict[str, Path]:
    """Write the report's three files into `out_dir`, each whole or not at all.

    Args:
      results: `Results`, or a dictionary of that form, of Python's own types. A value that is NaN or infinite becomes
        null in results.json, with its reason.
      out_dir: a folder; made where it is missing. The PNG files of the grids lie below it already.

    Returns:
      The paths under "json", "markdown" and "html".

    Raises:
      ValueError: results of another form, naming the key; nothing is written then.
      OSError: a file cannot be written.
    """
    results, folder = checked(results), Path(out_dir)
    page = html(results, folder)
    paths = {"json": folder / RESULTS, "markdown": folder / "results.md", "html": folder / "index.html"}
    write_text(paths["json"], json.dumps(results.json_ready(), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    write_text(paths["markdown"], markdown(results))
    write_text(paths["html"], page)
    return paths


def summary(results: Results | Mapping[str, Any], width: int = 100) -> str:
    """The sections as plain tables for a terminal of `width` columns, reasons below them.

    Raises ValueError for results of another form than `write` takes.
    """
    results = checked(results)
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for section in results.sections:
        found, reasons = lines(section, results.methods)
        table = Table(box=box.SIMPLE_HEAD, title=Text(section.name), title_justify="left", pad_edge=False)
        table.add_column("metric")
        for method in results.methods:
            table.add_column(Text(method), justify="right")
        table.add_column("count", justify="right")
        for line in found:
            cells = [f"{c.text}{'*' if c.best else ''}{f' ({c.note})' if c.note else ''}" for c in line.cells]
            table.add_row(*map(Text, (line.metric, *cells, line.count)))
        console.print(table)
        for k, reason in enumerate(reasons, 1):
            console.print(Text(f"({k}) {reason}"))
    return "\n".join(row.rstrip() for row in console.file.getvalue().splitlines()) + "\n"  # type: ignore[attr-defined]
