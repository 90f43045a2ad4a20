"""A study's scores for people: a table for the terminal, and Markdown."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lomit_tf.evaluation.report_cells import NONE
from lomit_tf.evaluation.report_markdown import plain, table


def _content(scores: Mapping[str, Any]) -> tuple[list[str], list[list[str]], list[str]]:
    """Column names, a row for each method from the best on, and lines to say below."""
    methods = sorted(scores["methods"].items(), key=lambda item: -item[1]["mean_reciprocal_rank"])
    names = [name for name, _ in methods]
    head = ["method", "mean reciprocal rank", f"{scores['level']:.0%} interval", "mean rank", "ranked first"]
    head += [f"before {name}" for name in names]
    rows = []
    for name, found in methods:
        low_high = NONE if found["interval"] is None else "{:.3f} to {:.3f}".format(*found["interval"])
        first = found["rank_counts"][0]
        rows.append(
            [
                name,
                f"{found['mean_reciprocal_rank']:.3f}",
                low_high,
                f"{found['mean_rank']:.2f}",
                f"{first} ({first / scores['answers']:.0%})",
                *("" if other == name else f"{found['wins'][other]:.0%}" for other in names),
            ]
        )
    notes = [
        f"{scores['answers']} answers, {scores['participants']} participants, {scores['questions']} questions "
        f"(study {scores['study']}).",
        f"The interval ranges over {scores['interval_over']}. {scores['resamples']} resamples, seed {scores['seed']}.",
        f"Ranking by chance gives {scores['chance']:.3f}; 'before' is the share of answers that rank the row's method "
        "before the column's.",
    ]
    return head, rows, notes


def terminal(scores: Mapping[str, Any], width: int = 100) -> str:
    """The scores as a plain table of at most `width` columns."""
    head, rows, notes = _content(scores)
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for k, name in enumerate(head):
        shown.add_column(Text(name), justify="right" if k else "left")
    for row in rows:
        shown.add_row(*map(Text, row))
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(shown, *map(Text, notes), sep="\n")
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"  # type: ignore[attr-defined]


def markdown(scores: Mapping[str, Any]) -> str:
    """The scores as a Markdown document."""
    head, rows, notes = _content(scores)
    cells = [[plain(cell) for cell in row] for row in rows]
    listed = "\n".join(f"- {plain(note)}" for note in notes)
    return f"# User study\n\n{table([plain(name) for name in head], cells)}\n\n{listed}\n"
