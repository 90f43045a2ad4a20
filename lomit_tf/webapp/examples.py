"""Pictures to begin with: drawn faces, made when the page starts. Nobody's photograph is needed."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from lomit_tf.data import drawn_faces

SIDE = 256


def write(folder: Path, count: int = 6) -> list[Path]:
    """Draw faces of different hair colours into a folder, as PNG files of SIDE pixels; their paths.

    Neighbours differ in hair colour, so that any two of them show something.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pool = drawn_faces.split_indices("test", 16 * count)
    labels = drawn_faces.labels_of(pool)
    colours = len(drawn_faces.HAIR_COLOURS)
    wanted = [[i for i, row in zip(pool, labels, strict=True) if row[c]] for c in range(colours)]
    indices = [wanted[n % colours][n // colours] for n in range(count)]
    paths = []
    for index, image in zip(indices, drawn_faces.draw(indices, size=SIDE).images, strict=True):
        paths.append(folder / f"face_{index - pool[0]}.png")
        Image.fromarray(image).save(paths[-1])
    return paths
