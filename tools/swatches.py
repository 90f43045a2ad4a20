"""How near hair, or lips, come to a colour that was asked for, on CelebAMask-HQ's faces.

    python tools/swatches.py --data_dir=/path/to/celebamask --half=even MODEL [MODEL ...]

For choosing use --half=even, for reporting --half=odd, once. A model is what `lomit_tf.load` takes, and has a group
that is painted by colour curves; the first one is measured, or --group. Each face gets each of `portraits.SWATCHES`, as
`lomit-translate --colour` does it. A line of JSON for each colour and one for all of them:

- within: the share of faces whose mean colour is within NEAR of it; mean, median, p90 and worst distance. The distance
  is the mean absolute difference of red, green and blue in 0..1; the mean colour is taken where the model's own mask is
  above CORE.
- true: the mean distance where the true region is, and untranslated there.
- outside: pixels that changed although the mask is below the floor under which nothing may change.
- without: faces where no mask is above CORE; they count in no share or mean of that mask.
"""

from __future__ import annotations

import json
from pathlib import Path

import celebamask
import numpy as np
from PIL import Image

from lomit_tf.imaging import colours
from lomit_tf.imaging.paste_back import MASK_FLOOR
from lomit_tf.photos import portraits
from lomit_tf.photos.translator import Exemplar, Translator

CORE, NEAR = 0.9, 0.08
Row = tuple[float, float, float, int]  # distance in the core, in the true region, untranslated there; pixels outside


def distance(image: np.ndarray, where: np.ndarray, colour: str) -> float:
    """Of the mean of an image (H, W, 3) uint8 where a bool mask (H, W) says so from a colour; nan for an empty mask."""
    if not where.any():
        return float("nan")
    return float(np.abs(image[where].mean(axis=0) - colours.parse(colour)).mean() / 255)


def measure(
    translator: Translator, path: Path, truth: np.ndarray | None, swatches: list[Exemplar], group: str = ""
) -> list[Row]:
    """A face after each of the swatches; without a true region (H, W) bool its numbers are nan."""
    group = group or translator.colour_groups[0]
    face = translator.prepare(path)
    before = face.photo.rgb
    region = np.zeros(before.shape[:2], bool) if truth is None else truth
    rows = []
    requests = [translator.request(face, None, [group], exemplar=one) for one in swatches]
    for swatch, result in zip(swatches, translator.translate_batch(requests), strict=True):
        mask, after, colour = result.input_masks[group], result.photo.rgb, swatch.colour
        changed = np.any(before != after, axis=-1) & (mask < MASK_FLOOR)
        inside = distance(after, mask > CORE, colour)
        rows.append((inside, distance(after, region, colour), distance(before, region, colour), int(changed.sum())))
    return rows


def summary(rows: np.ndarray) -> dict[str, float]:
    """Rows (N, 4) of `measure` -> what the module's docstring says."""
    inside = rows[~np.isnan(rows[:, 0]), 0]
    there = rows[~np.isnan(rows[:, 1])]
    found = {
        "within": (inside <= NEAR).mean() if inside.size else np.nan, "mean": inside.mean() if inside.size else np.nan,
        "median": np.median(inside) if inside.size else np.nan,
        "p90": np.quantile(inside, 0.9) if inside.size else np.nan, "worst": inside.max(initial=0),
        "true": there[:, 1].mean() if there.size else np.nan,
        "untranslated": there[:, 2].mean() if there.size else np.nan,
    }  # fmt: skip
    rounded = {name: round(float(value), 4) for name, value in found.items()}
    return rounded | {"outside": int(rows[:, 3].sum()), "without": len(rows) - inside.size, "faces": len(rows)}


def main() -> None:
    given, paths = celebamask.asked(__doc__, group=True, colours=True)
    for name in given.models:
        translator = Translator(name, log_notes=False)
        group, classes = given.measured[name]
        swatches = [translator.encode_colour(colour, [group]) for colour in portraits.SWATCHES.values()]
        rows = []
        for path in paths:
            with Image.open(path) as face:
                size = face.size
            truth = celebamask.true_region(given.data_dir, path, classes, size)
            rows.append(measure(translator, path, truth, swatches, group))
        found = np.array(rows, np.float64)  # (N, colours, 4)
        for i, (word, colour) in enumerate(portraits.SWATCHES.items()):
            print(json.dumps({"model": name, "half": given.half, "colour": f"{word} {colour}", **summary(found[:, i])}))
        everything = found.reshape(-1, 4)
        print(json.dumps({"model": name, "half": given.half, "colour": "all", **summary(everything)}), flush=True)


if __name__ == "__main__":
    main()
