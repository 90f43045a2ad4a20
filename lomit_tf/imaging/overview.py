"""One picture of several results: tiles in rows, each with its name and, where it has one, its colour."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lomit_tf.imaging import colours
from lomit_tf.imaging.photo import from_array
from lomit_tf.imaging.writing import save

TILE, GAP, CAPTION, COLUMNS = 384, 12, 34, 5  # pixels: width of a tile, between tiles, below each; tiles side by side


@dataclasses.dataclass(frozen=True)
class Tile:
    """A picture (H, W, 3) uint8, what is written below it, and the colour beside that, as `colours.parse` reads it."""

    rgb: np.ndarray
    name: str
    colour: str = ""


def draw(rows: Sequence[Sequence[Tile]]) -> Image.Image:
    """Every row as lines of at most COLUMNS tiles; each line is as high as its highest tile."""
    lines = [row[i : i + COLUMNS] for row in rows for i in range(0, len(row), COLUMNS)]
    heights = [max(_height(tile) for tile in line) + CAPTION + GAP for line in lines]
    width = GAP + max(len(line) for line in lines) * (TILE + GAP)
    canvas = Image.new("RGB", (width, GAP + sum(heights)), "white")
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(20)
    top = GAP
    for line, height in zip(lines, heights, strict=True):
        for n, tile in enumerate(line):
            left, bottom = GAP + n * (TILE + GAP), top + _height(tile)
            canvas.paste(Image.fromarray(tile.rgb).resize((TILE, _height(tile)), Image.Resampling.LANCZOS), (left, top))
            if tile.colour:
                fill = colours.parse(tile.colour)
                pen.rectangle((left, bottom + 5, left + 40, bottom + CAPTION - 5), fill=fill, outline="black")
            beside = left + 50 if tile.colour else left
            pen.text((beside, bottom + CAPTION / 2), tile.name, fill="black", font=font, anchor="lm")
        top += height
    return canvas


def write(rows: Sequence[Sequence[Tile]], path: Path) -> None:
    """Draw the tiles into a file, whole or not at all. Raises OSError where it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save(from_array(np.asarray(draw(rows)), path.name), path)


def _height(tile: Tile) -> int:
    return round(tile.rgb.shape[0] * TILE / tile.rgb.shape[1])
