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


def _content(scores: Mapping[str, Any]) -> tuple[list[list[list[str]]], list[str]]:
    """Two tables, each with its column names first and the best method next; and lines to say below."""
    methods = sorted(scores["methods"].items(), key=lambda item: -item[1]["mean_reciprocal_rank"])
    ranks = [["method", "mean reciprocal rank", f"{scores['level']:.0%} interval", "mean rank", "ranked first"]]
    wins = [["ranked before", *(name for name, _ in methods)]]
    for name, found in methods:
        low_high = NONE if found["interval"] is None else "{:.3f} to {:.3f}".format(*found["interval"])
        first = found["rank_counts"][0]
        share = f"{first} ({first / scores['answers']:.0%})"
        ranks.append([name, f"{found['mean_reciprocal_rank']:.3f}", low_high, f"{found['mean_rank']:.2f}", share])
        wins.append([name, *(NONE if other == name else f"{found['wins'][other]:.0%}" for other, _ in methods)])
    notes = [
        f"{scores['answers']} answers, {scores['participants']} participants, {scores['questions']} questions "
        f"(study {scores['study']}).",
        f"The interval ranges over {scores['interval_over']}. {scores['resamples']} resamples, seed {scores['seed']}.",
        f"Ranking by chance gives a mean reciprocal rank of {scores['chance']:.3f}.",
        "'Ranked before': the share of answers that rank the row's method before the column's.",
    ]
    return [ranks, wins], notes


def terminal(scores: Mapping[str, Any], width: int = 100) -> str:
    """The scores as plain tables of at most `width` columns."""
    found, notes = _content(scores)
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for head, *rows in found:
        shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for k, name in enumerate(head):
            shown.add_column(Text(name), justify="right" if k else "left")
        for row in rows:
            shown.add_row(*map(Text, row))
        console.print(shown)
    console.print(*map(Text, notes), sep="\n")
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"  # type: ignore[attr-defined]


def markdown(scores: Mapping[str, Any]) -> str:
    """The scores as a Markdown document."""
    found, notes = _content(scores)
    tables = [[[plain(cell) for cell in row] for row in rows] for rows in found]
    parts = ["# User study", *(table(head, rows) for head, *rows in tables), "\n".join(f"- {plain(n)}" for n in notes)]
    return "\n\n".join(parts) + "\n"
