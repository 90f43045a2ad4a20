"""Curves as inline SVG: axes, ticks, one polyline a series. Colours and dashes are the page's style classes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 480, 330  # of the viewBox: text of 13 stays readable where a phone shows it 340 pixels wide
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 12, 52
STYLES = 8  # classes s0 to s7 of the page
MARKED = 24  # series of at most so many points show each of them

Point = tuple[float, float]


def figure(curve: Mapping[str, Any]) -> str:
    """One curve as an HTML figure: title, SVG, legend, and a line on points that have no place in it.

    A point with a coordinate that is None or not finite interrupts the line and is counted below.
    """
    series = {name: runs(points) for name, points in curve["series"].items()}
    drawn = [point for pieces in series.values() for piece in pieces for point in piece]
    given = sum(len(points) for points in curve["series"].values())
    parts = [f"<figure class='curve'><h3>{escape(curve['title'])}</h3>"]
    if drawn:
        parts.append(svg(curve, series, drawn))
    legend = "".join(
        f"<li><svg class='key' viewBox='0 0 30 10' aria-hidden='true'><line class='line s{k % STYLES}' x1='0' y1='5' "
        f"x2='30' y2='5'/></svg>{escape(name)}{'' if pieces else ' (no points)'}</li>"
        for k, (name, pieces) in enumerate(series.items())
    )
    parts.append(f"<figcaption><ul class='legend'>{legend}</ul>")
    if given > len(drawn):
        parts.append(f"<p class='about'>{given - len(drawn)} of {given} points have no value and are left out.</p>")
    elif not given:
        parts.append("<p class='about'>No points.</p>")
    return "".join(parts) + "</figcaption></figure>"


def runs(points: Iterable[Sequence[float | None]]) -> list[list[Point]]:
    """The points in unbroken pieces, interrupted where a coordinate is missing."""
    pieces: list[list[Point]] = [[]]
    for x, y in points:
        if x is None or y is None or not (math.isfinite(x) and math.isfinite(y)):
            pieces.append([])
        else:
            pieces[-1].append((float(x), float(y)))
    return [piece for piece in pieces if piece]


def svg(curve: Mapping[str, Any], series: Mapping[str, list[list[Point]]], drawn: Sequence[Point]) -> str:
    """The drawing. All coordinates lie within 0..WIDTH and 0..HEIGHT."""
    x_ticks, y_ticks = ticks([x for x, _ in drawn]), ticks([y for _, y in drawn])
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def place(x: float, y: float) -> Point:
        across = (x - x_ticks[0]) / (x_ticks[-1] - x_ticks[0])
        up = (y - y_ticks[0]) / (y_ticks[-1] - y_ticks[0])
        return LEFT + across * (right - LEFT), bottom - up * (bottom - TOP)

    label = f"{curve['title']}: {curve['y_label']} against {curve['x_label']}, for {', '.join(series)}"
    parts = [f"<svg class='plot' viewBox='0 0 {WIDTH} {HEIGHT}' role='img' aria-label='{escape(label)}'>"]
    for tick, shown in zip(x_ticks, tick_labels(x_ticks), strict=True):
        x, _ = place(tick, y_ticks[0])
        parts.append(f"<line class='rule' x1='{x:.1f}' y1='{TOP}' x2='{x:.1f}' y2='{bottom}'/>")
        parts.append(f"<text x='{x:.1f}' y='{bottom + 18}' text-anchor='middle'>{shown}</text>")
    for tick, shown in zip(y_ticks, tick_labels(y_ticks), strict=True):
        _, y = place(x_ticks[0], tick)
        parts.append(f"<line class='rule' x1='{LEFT}' y1='{y:.1f}' x2='{right}' y2='{y:.1f}'/>")
        parts.append(f"<text x='{LEFT - 8}' y='{y + 4:.1f}' text-anchor='end'>{shown}</text>")
    parts.append(f"<path class='axes' d='M{LEFT} {TOP}V{bottom}H{right}'/>")
    middle = (TOP + bottom) / 2
    parts.append(
        f"<text x='{(LEFT + right) / 2}' y='{HEIGHT - 10}' text-anchor='middle'>{escape(curve['x_label'])}</text>"
        f"<text x='14' y='{middle}' text-anchor='middle' transform='rotate(-90 14 {middle})'>"
        f"{escape(curve['y_label'])}</text>"
    )
    for k, pieces in enumerate(series.values()):
        for piece in pieces:
            placed = [place(*point) for point in piece]
            joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
            parts.append(f"<polyline class='line s{k % STYLES}' points='{joined}'/>")
        if sum(map(len, pieces)) <= MARKED:
            for x, y in (place(*point) for piece in pieces for point in piece):
                parts.append(f"<circle class='dot s{k % STYLES}' cx='{x:.1f}' cy='{y:.1f}' r='2.5'/>")
    return "".join(parts) + "</svg>"


def ticks(values: Sequence[float]) -> list[float]:
    """Four to eight round numbers, evenly spaced, from at or below the smallest value to at or above the largest."""
    low, high = min(values), max(values)
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # one value: room on both sides of it
        room = abs(low) / 2 or 0.5
        low, high = low - room, high + room
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((m * power for m in (1, 2, 2.5, 5, 10)), key=lambda s: abs(math.log(s / rough)))
    # The tolerance keeps 0.30000000000000004 from opening another interval.
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [k * step for k in range(first, max(last, first + 1) + 1)]


def tick_labels(values: Sequence[float]) -> list[str]:
    """The ticks with as many digits as tell them apart; in powers of ten where they are very large or small."""
    step = values[1] - values[0]
    largest = max(abs(values[0]), abs(values[-1]))
    if largest >= 1e6 or step < 1e-4:
        digits = math.ceil(math.log10(largest / step)) + 1
        return [f"{value:.{max(digits, 2)}g}" for value in values]
    for decimals in range(6):
        if all(abs(value - round(value, decimals)) < step / 100 for value in values):
            break
    return [f"{value + 0.0:.{decimals}f}" for value in values]
