"""Sample grids: one column per pair, one labelled row per kind of picture, as PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from lomit_tf.data.host import from_model_range
from lomit_tf.runtime.atomic import write_bytes

MARGIN = 96  # pixels for the names of the rows
SMALLEST = 96  # smaller pictures are enlarged by a whole factor, to be looked at
# Distinguishable on black, also for colour-blind people (Okabe and Ito 2008).
GROUP_COLOURS = np.array(
    [[255, 255, 255], [230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [204, 121, 167]], np.float32
)


def mask_picture(masks: np.ndarray) -> np.ndarray:
    """Masks (N, H, W, G + 1), background last -> uint8 (N, H, W, 3), each group in its colour (one group: white)."""
    groups = masks.shape[-1] - 1
    first = 0 if groups == 1 else 1
    colours = GROUP_COLOURS[(first + np.arange(groups)) % len(GROUP_COLOURS)]
    return np.clip(masks[..., :groups] @ colours, 0, 255).astype(np.uint8)


def picture(images: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] (N, H, W, 3) -> uint8."""
    return from_model_range(images)


ROWS = {  # of a sample grid, in their order: what a model gives -> its title
    "x1": "input", "m1": "its mask", "x2": "exemplar", "m2": "its mask ", "x12": "input in the\nexemplar's style",
    "x21": "exemplar in the\ninput's style", "x11": "reconstruction", "x121": "there and back",
}  # fmt: skip
MASKS = ("m1", "m2")


def sample_rows(samples: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The rows of a grid from what a model's `samples` gives, of ROWS those that it has: name -> uint8 (N, H, W, 3)."""
    return {
        title: mask_picture(samples[name]) if name in MASKS else picture(samples[name])
        for name, title in ROWS.items()
        if name in samples
    }


def draw_grid(rows: Mapping[str, np.ndarray]) -> Image.Image:
    """One picture of all rows: uint8 (N, H, W, 3) each, all of one shape."""
    count, height, width = next(iter(rows.values())).shape[:3]
    factor = max(1, -(-SMALLEST // height))
    canvas = Image.new("RGB", (MARGIN + count * width * factor, len(rows) * height * factor), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default()
    for r, (name, images) in enumerate(rows.items()):
        strip = Image.fromarray(np.concatenate(list(images), axis=1))
        strip = strip.resize((strip.width * factor, strip.height * factor), Image.Resampling.NEAREST)
        canvas.paste(strip, (MARGIN, r * height * factor))
        draw.multiline_text((6, (r + 0.5) * height * factor), name.strip(), fill="black", font=font, anchor="lm")
    return canvas


def save_png(image: Image.Image, path: Path) -> None:
    """Write a PNG whole or not at all."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    write_bytes(path, buffer.getvalue())
