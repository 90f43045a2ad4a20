"""Hair, or lips, on CelebAMask-HQ's faces through the Translator, half by half: the figures of the models' cards.

    python tools/photograph_scores.py --data_dir=/path/to/celebamask --half=even MODEL [MODEL ...]

For choosing use --half=even, for reporting --half=odd, once. Every face is translated after the next one of its half,
found and framed as `lomit-translate` does it, and measured at 256 pixels (`evaluation/metrics/photographs.py`). The
best threshold is one for the half. --group=lips measures another group than the first one that takes colours.
`python -m lomit_tf.evaluate --photograph_size=256` measures both halves together. A line of JSON for each model and
for what its figures are compared with.
"""

from __future__ import annotations

import json

import celebamask
import numpy as np
from PIL import Image

from lomit_tf.evaluation.metrics.mask_quality import THRESHOLDS
from lomit_tf.evaluation.metrics.photographs import METHODS, measure
from lomit_tf.photos.translator import Translator

SIZE = 256


def main() -> None:
    given, paths = celebamask.asked(__doc__, group=True)
    photographs = []
    for path in paths:
        with Image.open(path) as picture:
            photographs.append(np.asarray(picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS)))
    faces, everyone = np.stack(photographs), np.ones(len(paths), bool)
    for name in given.models:
        translator = Translator(name, log_notes=False)
        group, classes = given.measured[name]
        true = np.stack([celebamask.true_region(given.data_dir, path, classes, (SIZE, SIZE)) for path in paths])
        scores = measure(translator, faces, true.astype(np.float32), group)
        best = scores.best_threshold(everyone)
        each = scores.iou_curves[scores.used, best]
        found = {
            "model": name, "group": group, "half": given.half, "faces": int(scores.used.sum()), "IoU": each.mean(),
            "threshold": float(THRESHOLDS[best]), "median": np.median(each), "lowest tenth": np.quantile(each, 0.1),
        }  # fmt: skip
        print(json.dumps({k: round(float(v), 4) if isinstance(v, float) else v for k, v in found.items()}))
        for method in METHODS:
            summary = {k: round(v, 4) for k, v in scores.summary(method, everyone).items()}
            print(json.dumps({"what": method, **summary}), flush=True)


if __name__ == "__main__":
    main()
