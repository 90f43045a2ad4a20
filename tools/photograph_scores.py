"""Hair on CelebAMask-HQ's faces through the Translator, half by half: the figures of the models' cards.

    python tools/photograph_scores.py --data_dir=/path/to/celebamask --half=even MODEL [MODEL ...]

For choosing use --half=even, for reporting --half=odd, once. Every face is translated after the next one of its half,
found and framed as `lomit-translate` does it, and measured at 256 pixels (`evaluation/metrics/photographs.py`). The
best threshold is one for the half. `python -m lomit_tf.evaluate --photograph_size=256` measures both halves together. A
line of JSON for each model and for what its figures are compared with.
"""

from __future__ import annotations

import json

import celebamask
import numpy as np
from PIL import Image

from lomit_tf.evaluation.metrics.mask_quality import THRESHOLDS
from lomit_tf.evaluation.metrics.photographs import METHODS, measure
from lomit_tf.photos.translator import Translator

HAIR, SIZE = 13, 256


def main() -> None:
    given, paths = celebamask.asked(__doc__)
    photographs, truth = [], []
    for path in paths:
        with Image.open(path) as picture, Image.open(given.data_dir / "masks" / f"{path.stem}.png") as classes:
            photographs.append(np.asarray(picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS)))
            truth.append(np.asarray(classes.resize((SIZE, SIZE), Image.Resampling.NEAREST)) == HAIR)
    faces, true = np.stack(photographs), np.stack(truth).astype(np.float32)
    everyone = np.ones(len(faces), bool)
    for name in given.models:
        scores = measure(Translator(name, log_notes=False), faces, true, "hair")
        best = scores.best_threshold(everyone)
        each = scores.iou_curves[scores.used, best]
        found = {
            "model": name, "half": given.half, "faces": int(scores.used.sum()), "IoU": each.mean(),
            "threshold": float(THRESHOLDS[best]), "median": np.median(each), "lowest tenth": np.quantile(each, 0.1),
        }  # fmt: skip
        print(json.dumps({k: round(float(v), 4) if isinstance(v, float) else v for k, v in found.items()}))
        for method in METHODS:
            summary = {k: round(v, 4) for k, v in scores.summary(method, everyone).items()}
            print(json.dumps({"what": method, **summary}), flush=True)


if __name__ == "__main__":
    main()
