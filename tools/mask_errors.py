"""Where a model's hair masks are wrong, against CelebAMask-HQ's classes: the numbers in docs/decisions.

    python tools/mask_errors.py --data_dir=/path/to/celebamask --half=even MODEL [MODEL ...]

For choosing use --half=even, for reporting --half=odd, once. Each model sees the pictures at its own size; its masks
are brought to 256 pixels bilinearly. A model may be followed by `:SIZE`, another size at which it sees them, and by
`:sharp`, which takes smoothstep(0.2, 0.6) of its masks. The best threshold is one for all pictures.
"""

from __future__ import annotations

import json
from pathlib import Path

import celebamask
import numpy as np
import tensorflow as tf
from PIL import Image

import lomit_tf
from lomit_tf import core
from lomit_tf.data.preprocess import decode, square, to_model_range
from lomit_tf.evaluation.metrics.mask_quality import THRESHOLDS, iou
from lomit_tf.imaging.paste_back import upsample_masks

SIZE, HAIR = 256, 13
CLASSES = {
    "background": (0,), "face": (1, 2), "eyes, brows, mouth": (3, 4, 5, 6, 7, 10, 11, 12), "ears": (8, 9, 15),
    "neck": (16, 17), "clothes": (18,), "hat": (14,),
}  # fmt: skip


def masks_of(name: str, paths: list[Path]) -> np.ndarray:
    """(N, SIZE, SIZE) float32 of a model's name, `:SIZE` and `:sharp` at its end."""
    name, *how = name.split(":")
    model = lomit_tf.load(name)
    g = model.inference_generator
    size = next((int(h) for h in how if h.isdigit()), model.config.data.image_size)
    group = model.group_names.index("hair") if "hair" in model.group_names else 0
    run = tf.function(lambda x: core.masks(g, x)[..., group], autograph=False, reduce_retracing=True)
    found = []
    for start in range(0, len(paths), 25):
        pictures = [square(decode(path), 0, size) for path in paths[start : start + 25]]
        for mask in run(to_model_range(tf.stack(pictures))).numpy():
            found.append(upsample_masks(mask[..., None], (SIZE, SIZE))[..., 0])
    masks = np.stack(found)
    if "sharp" in how:
        t = np.clip((masks - 0.2) / 0.4, 0, 1)
        masks = t * t * (3 - 2 * t)
    return masks


def measures(masks: np.ndarray, classes: np.ndarray) -> dict[str, float]:
    """IoU over the pictures that have hair; the other shares are of all pixels of all pictures together."""
    true = classes == HAIR
    some = true.any(axis=(1, 2))
    curve = np.array([iou(masks[some] >= t, true[some]).mean() for t in THRESHOLDS])
    best = float(THRESHOLDS[curve.argmax()])
    each = iou(masks[some] >= best, true[some])
    false, area = (masks >= best) & ~true, true.sum()
    rows = {
        "best IoU": curve.max(), "at threshold": best, "IoU at 0.5": iou(masks[some] >= 0.5, true[some]).mean(),
        "median": np.median(each), "lowest decile": np.quantile(each, 0.1),
        "mask outside hair": masks[~true].sum() / masks.size, "false positives / hair": false.sum() / area,
        "false negatives / hair": ((masks < best) & true).sum() / area,
    }  # fmt: skip
    for name, members in CLASSES.items():
        rows[f"FP {name} / hair"] = (false & np.isin(classes, members)).sum() / area
    return {name: round(float(value), 4) for name, value in rows.items()}


def main() -> None:
    given, paths = celebamask.asked(__doc__)
    classes = []
    for path in paths:
        with Image.open(given.data_dir / "masks" / f"{path.stem}.png") as mask:
            classes.append(np.asarray(mask.resize((SIZE, SIZE), Image.Resampling.NEAREST)))
    truth = np.stack(classes)
    for name in given.models:
        print(json.dumps({"model": name, "half": given.half, **measures(masks_of(name, paths), truth)}))


if __name__ == "__main__":
    main()
