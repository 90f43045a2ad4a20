"""Results as one page that needs nothing else: styles inline, curves as SVG, pictures as data URIs, no script."""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from lomit_tf.evaluation.report_cells import LEGEND, Cell, empty_cells, facts, free, lines
from lomit_tf.evaluation.report_curves import figure

LONG = 20  # letters of a fact that takes two columns of the head
PNG = b"\x89PNG\r\n\x1a\n"


def html(results: Mapping[str, Any], out_dir: Path) -> str:
    """The whole report. Raises ValueError, naming the key, for a grid that is no PNG file below `out_dir`."""
    parts = [f"<h1>{escape(results['title'])}</h1>", _head(results)]
    links: list[tuple[str, str]] = []

    def section(title: str, about: str, body: str) -> None:
        links.append((f"s{len(links) + 1}", title))
        told = f"<p class='about'>{escape(about)}</p>" if about else ""
        parts.append(f"<section id='{links[-1][0]}'><h2>{escape(title)}</h2>{told}{body}</section>")

    for s, given in enumerate(results["sections"]):
        section(given["name"], given["about"], _rows(given, results["methods"], s))
    for g, grid in enumerate(results["grids"]):
        section(grid["title"], grid["about"], _grid(grid, out_dir, g))
    if results["curves"]:
        section("Curves", "", f"<div class='curves'>{''.join(map(figure, results['curves']))}</div>")
    for table in results["tables"]:
        section(table["title"], table["about"], _table(table))
    nav = "".join(f"<a href='#{target}'>{escape(title)}</a>" for target, title in links)
    parts.insert(2, f"<nav aria-label='Contents'>{nav}</nav>" if len(links) > 1 else "")
    page = files("lomit_tf.evaluation").joinpath("report.html").read_text(encoding="utf-8")
    return Template(page).substitute(title=escape(results["title"]), body="\n".join(filter(None, parts)))


def _head(results: Mapping[str, Any]) -> str:
    pairs = "".join(
        f"<div{' class=wide' if len(v) > LONG else ''}><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>"
        for k, v in facts(results).items()
    )
    command = f"<pre>{escape(results['command'])}</pre>" if results["command"] else ""
    notes = "".join(f"<li>{escape(note)}</li>" for note in results["notes"])
    notes = f"<ul class='reasons'>{notes}</ul>" if notes else ""
    legend = f"<p class='legend-line' style='margin: .8rem 0 0'>{escape(LEGEND)}</p>"
    return f"<section aria-label='What was measured'><dl>{pairs}</dl>{command}{notes}{legend}</section>"


def _rows(section: Mapping[str, Any], methods: Sequence[str], index: int) -> str:
    found, reasons = lines(section, methods)
    if not found:
        return "<p class='none'>No rows.</p>"
    head = "".join(f"<th scope='col'>{_breakable(name)}</th>" for name in ("metric", *methods, "count"))
    body = "".join(
        f"<tr><th scope='row'>{escape(line.metric)}</th>"
        f"{''.join(f'<td>{_cell(cell, index)}</td>' for cell in line.cells)}<td class='none'>{line.count}</td></tr>"
        for line in found
    )
    notes = "".join(f"<li id='r{index}-{k}'>{escape(reason)}</li>" for k, reason in enumerate(reasons, 1))
    notes = f"<ol class='reasons'>{notes}</ol>" if notes else ""
    return _scrolling(section["name"], head, body) + notes


def _cell(cell: Cell, index: int) -> str:
    shown = f"<strong class='best' title='best'>{cell.text}</strong>" if cell.best else cell.text
    if not cell.note:
        return shown
    link = f"<a href='#r{index}-{cell.note}' aria-label='reason {cell.note}'>{cell.note}</a>"
    return f"<span class='none'>{shown}</span><sup>{link}</sup>"


def _table(table: Mapping[str, Any]) -> str:
    texts = [any(isinstance(row[k], str) for row in table["rows"]) for k in range(len(table["columns"]))]
    head = "".join(
        f"<th scope='col'{' class=text' if left else ''}>{_breakable(name)}</th>"
        for name, left in zip(table["columns"], texts, strict=True)
    )
    body = "".join(f"<tr>{''.join(_free(k, value) for k, value in enumerate(row))}</tr>" for row in table["rows"])
    note = empty_cells(table)
    return _scrolling(table["title"], head, body) + (f"<p class='reasons'>{escape(note)}</p>" if note else "")


def _free(column: int, value: str | float | None) -> str:
    if column == 0:
        return f"<th scope='row'>{escape(free(value))}</th>"
    return f"<td{' class=text' if isinstance(value, str) else ''}>{escape(free(value))}</td>"


def _breakable(name: str) -> str:
    """A column's name that may be broken after an underscore: on a phone, more columns fit."""
    return escape(name).replace("_", "_<wbr>")


def _scrolling(name: str, head: str, body: str) -> str:
    """A table that scrolls sideways in itself, also with the keyboard."""
    return (
        f"<div class='scroll' tabindex='0' role='region' aria-label='{escape(name)}, table'><table>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _grid(grid: Mapping[str, Any], out_dir: Path, index: int) -> str:
    """The picture; a tap, or the space bar, switches between the page's width and its own size."""
    data, width, height = read_png(out_dir, grid["file"], f"results['grids'][{index}]['file']")
    told = ": ".join(part for part in (grid["title"], grid["about"]) if part)
    return (
        f"<figure class='grid scroll'><input class='zoom' type='checkbox' id='z{index}' "
        f"aria-label='{escape(grid['title'])} in full size'><label for='z{index}'>"
        f"<img width='{width}' height='{height}' alt='{escape(told)}' "
        f"src='data:image/png;base64,{base64.b64encode(data).decode()}'></label></figure>"
    )


def read_png(out_dir: Path, name: str, key: str) -> tuple[bytes, int, int]:
    """A PNG file below `out_dir`: its bytes, width and height in pixels. Raises ValueError naming the key."""
    path = out_dir / name
    if Path(name).is_absolute() or not path.resolve().is_relative_to(out_dir.resolve()):
        raise ValueError(f"{key} must be a path below {out_dir}; received {name!r}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{key}: cannot read {path}: {error.strerror or error}") from error
    if data[:8] != PNG or len(data) < 24:
        raise ValueError(f"{key}: {path} is not a PNG file")
    width, height = struct.unpack(">II", data[16:24])
    return data, width, height
