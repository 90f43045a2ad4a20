"""Curves drawn by matplotlib, as SVG pictures for a light and for a dark page."""

from __future__ import annotations

import io
import math
import textwrap

import numpy as np
from matplotlib.figure import Figure
from matplotlib.style import context

from lomit_tf.evaluation.report.results import Curve

SIZE = (5.0, 3.6)  # inches: the text stays readable where a phone shows it 340 pixels wide
LINE = 40  # letters of a legend's line
MARKED = 24  # series of at most so many points show each of them
DASHES = ("-", (0, (7, 3)), (0, (2, 3)), (0, (9, 3, 2, 3)))
COLOURS = {
    "light": ("#0072b2", "#c04f00", "#00805c", "#a8478a", "#7a6a00", "#3a7ca5", "#8b1e1e", "#4b4b4b"),
    "dark": ("#5db7f0", "#ff9a4d", "#43d3a3", "#ea9ace", "#e6d34a", "#a5d0ea", "#ff8f8f", "#c9c9c9"),
}
INK = {"light": ("#5a636c", "#d9dee3"), "dark": ("#a2abb3", "#353c42")}  # text and axes, grid lines


def figure(curve: Curve, scheme: str = "light") -> Figure:
    """One curve with axes, a line for each series and a legend; `scheme` is light or dark.

    A point with a coordinate that is None or not finite interrupts its line.
    """
    ink, rule = INK[scheme]
    drawn = Figure(figsize=SIZE, layout="constrained")
    axes = drawn.add_subplot()
    lines, names = [], []
    for k, (name, points) in enumerate(curve.series.items()):
        xs, ys = np.array(points, float).reshape(-1, 2).T  # None becomes NaN
        colours = COLOURS[scheme]
        lines += axes.plot(
            xs, ys, color=colours[k % len(colours)], linestyle=DASHES[k % len(DASHES)], linewidth=1.8,
            marker="o" if len(points) <= MARKED else "", markersize=3.5,
        )  # fmt: skip
        names.append(textwrap.fill(name + ("" if shown_points(points) else " (no points)"), LINE))
    axes.grid(color=rule)
    axes.set_axisbelow(True)
    axes.tick_params(colors=ink)
    for side, spine in axes.spines.items():
        spine.set(visible=side in ("left", "bottom"), color=ink)
    labels = [axes.set_xlabel(curve.x_label, color=ink), axes.set_ylabel(curve.y_label, color=ink)]
    if names:
        legend = drawn.legend(lines, names, loc="outside lower left", frameon=False, labelcolor=ink)
        labels += legend.get_texts()
    for label in labels:
        label.set_parse_math(False)  # a dollar sign is a dollar sign
    return drawn


def svg(curve: Curve, scheme: str = "light") -> bytes:
    """The figure as SVG, on no background; the same curve gives the same bytes."""
    held = io.BytesIO()
    with context({"svg.hashsalt": "lomit_tf", "svg.fonttype": "path", "font.size": 10}):
        figure(curve, scheme).savefig(held, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return held.getvalue()


def shown_points(points: list[list[float | None]]) -> int:
    """How many points of a series have a place in the drawing."""
    return sum(all(value is not None and math.isfinite(value) for value in point) for point in points)


def remark(curve: Curve) -> str:
    """What to say below the drawing about points that have no place in it; empty where all have one."""
    given = sum(map(len, curve.series.values()))
    missing = given - sum(map(shown_points, curve.series.values()))
    if not given:
        return "No points."
    return f"{missing} of {given} points have no value and are left out." if missing else ""
