"""Sheets of results to be graded by eye: photograph, exemplar, translation, of pairs drawn by a seed.

    python tools/grade_sheet.py --data_dir=/path/to/celebamask --half=odd --out=sheets MODEL [MODEL ...]

Writes OUT/MODEL-K.png with ROWS pairs each, numbered. Pairs are PAIRS of the chosen faces, each after another one of
them, the same for every model; nothing is measured and none is left out. One group is translated: --group, or the first
that takes colours. A result is acceptable where a stranger would take it for a photograph with the exemplar's hair
colour.
"""

from __future__ import annotations

from pathlib import Path

import celebamask
import numpy as np
from PIL import Image, ImageDraw

from lomit_tf.photos.translator import Translator

PAIRS, ROWS, SIDE, SEED = 40, 8, 256, 0


def sheets(translator: Translator, pairs: list[tuple[Path, Path]], group: str) -> list[Image.Image]:
    """One for every ROWS pairs; two pairs stand side by side."""
    found = []
    for start in range(0, len(pairs), ROWS):
        sheet = Image.new("RGB", (6 * SIDE, ROWS // 2 * SIDE), "white")
        for i, (photograph, exemplar) in enumerate(pairs[start : start + ROWS]):
            translator.set_exemplar(exemplar)
            result = translator.translate(photograph, groups=[group])
            column, row = 3 * (i % 2), i // 2
            pictures = Image.open(photograph), Image.open(exemplar), Image.fromarray(result.photo.rgb)
            for j, picture in enumerate(pictures):
                sheet.paste(picture.convert("RGB").resize((SIDE, SIDE)), ((column + j) * SIDE, row * SIDE))
            ImageDraw.Draw(sheet).text(
                (column * SIDE + 4, row * SIDE + 2), str(start + i + 1), fill="red", font_size=20
            )
        found.append(sheet)
    return found


def main() -> None:
    given, paths = celebamask.asked(__doc__, out=True, group=True)
    order = np.random.default_rng(SEED).permutation(len(paths))
    pairs = [(paths[a], paths[order[(n + 1) % len(order)]]) for n, a in enumerate(order[:PAIRS])]
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.models:
        for n, sheet in enumerate(sheets(Translator(name, log_notes=False), pairs, given.measured[name][0]), 1):
            sheet.save(given.out / f"{Path(name).name}-{n}.png")


if __name__ == "__main__":
    main()
