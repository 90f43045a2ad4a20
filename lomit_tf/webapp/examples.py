"""Pictures to begin with: two portraits for models of real faces, else drawn faces, made when the page starts."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from lomit_tf.data import drawn_faces
from lomit_tf.photos import portraits
from lomit_tf.photos.translator import Translator

SIDE = 256


def for_model(translator: Translator, folder: Path) -> dict[str, Path]:
    """What to call them -> the picture files that suit a model; those that are drawn are written into the folder."""
    if translator.knows_faces:
        return dict(portraits.PORTRAITS)
    return {f"Example {n}": path for n, path in enumerate(write(folder), 1)}


def write(folder: Path, count: int = 6) -> list[Path]:
    """Draw faces of different hair colours into a folder, as PNG files of SIDE pixels; their paths.

    Neighbours differ in hair colour, so that any two of them show something.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pool = drawn_faces.split_indices("test", 16 * count)
    labels = drawn_faces.labels_of(pool)
    colours = len(drawn_faces.HAIR_COLOURS)
    by_colour = [[i for i, row in zip(pool, labels, strict=True) if row[c]] for c in range(colours)]
    indices = [by_colour[n % colours][n // colours] for n in range(count)]
    paths = []
    for index, image in zip(indices, drawn_faces.draw(indices, size=SIDE).images, strict=True):
        paths.append(folder / f"face_{index - pool[0]}.png")
        Image.fromarray(image).save(paths[-1])
    return paths
