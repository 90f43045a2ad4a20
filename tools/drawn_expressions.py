"""Write a folder of drawn faces with a table of twelve action units, as `--dataset=labelled_folder` reads it.

    python tools/drawn_expressions.py --out=runs/expressions --count=12000 [--size=64] [--graded]

The folder gets images/*.png and labels.csv: the file, its split (90 of 100 for training, 5 for validation, 5 for
tests) and a column for each unit. Without --graded a unit is 1 or 0. With it, it is its intensity from 0 to 5, and in
one cell of a hundred 999, not annotated: the forms in which EmotioNet's labels come. Exit code 2 for a folder that is
not empty, or numbers out of range.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from rich.progress import track

from lomit_tf.data.drawn_expressions import UNITS, draw
from lomit_tf.data.drawn_faces import split_indices

HELD_OUT_SHARE = 0.05  # of the faces for validation, and as many for tests
NOT_ANNOTATED, UNANNOTATED_SHARE = 999, 0.01
BATCH = 240


def main(argv: list[str] | None = None) -> int:
    """Write the folder; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="a folder that is not there yet, or empty")
    parser.add_argument("--count", type=int, default=12000, help="images, at least 20")
    parser.add_argument("--size", type=int, default=64, help="pixels a side, 64 to 256")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--graded", action="store_true", help="intensities instead of 1 and 0")
    asked = parser.parse_args(argv)
    if asked.count < 20:
        parser.error(f"--count is at least 20, so that each split has an image; received {asked.count}")
    if asked.out.exists() and (not asked.out.is_dir() or any(asked.out.iterdir())):
        parser.error(f"--out={asked.out} is there already, and not an empty folder; name another")
    try:
        draw([0], seed=asked.seed, size=asked.size)
    except ValueError as error:
        parser.error(str(error))
    try:
        (asked.out / "images").mkdir(parents=True)
    except OSError as error:
        parser.error(f"--out={asked.out} cannot be made ({error.strerror}); name another")
    few = max(1, round(HELD_OUT_SHARE * asked.count))
    counts = {"validation": few, "test": few, "train": asked.count - 2 * few}
    hidden = np.random.default_rng(asked.seed)
    with (asked.out / "labels.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "split", *UNITS])
        batches = [
            (split, indices[at : at + BATCH])
            for split, count in counts.items()
            for indices in [split_indices(split, count)]
            for at in range(0, len(indices), BATCH)
        ]
        for split, indices in track(batches, description="drawing faces"):
            faces = draw(indices, seed=asked.seed, size=asked.size)
            labels = faces.intensities if asked.graded else (faces.intensities > 0).astype(int)
            if asked.graded:
                labels = np.where(hidden.random(labels.shape) < UNANNOTATED_SHARE, NOT_ANNOTATED, labels)
            for index, image, row in zip(indices, faces.images, labels, strict=True):
                Image.fromarray(image).save(asked.out / "images" / f"{index:08d}.png")
                table.writerow([f"{index:08d}.png", split, *row.tolist()])
    print(f"{asked.count} faces and labels.csv in {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
