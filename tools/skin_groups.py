"""Whom a model serves worse: masks and changes of skin, by how light a face's skin is and by the hair's colour.

    python tools/skin_groups.py --data_dir=/path/to/celebamask --half=odd MODEL [MODEL ...]

Each face is translated after the next one in the list, as `lomit-translate` does it. The groups are thirds of the faces
by the mean CIELAB lightness of the true skin, and faces with black hair (true hair of mean lightness below BLACK) and
with grey hair (lighter than that, mean chroma below GREY). CelebAMask-HQ has no labels for these: thresholds on a
photograph's own colours stand in for them, and mix what a person looks like with the light. A line of JSON each:

- iou: of the mask at the one threshold that is best over all faces; ratio_missed: 1 - iou, over that of all.
- skin_lightness: mean |change of the skin's mean L*|, 0..100; skin_colour: mean change of its mean colour in CIELAB
  (Euclidean); ratio_lightness, ratio_colour: the same over those of all faces.
- hair_lightness: mean |change of the true hair's mean L*|; leak: the skin's change of lightness over the hair's, of
  all faces of the group together; ratio_leak: the same over that of all. White hair that turns black changes by much
  more than brown hair that does, and the soft edge of its mask with it.
- background: mean |change| outside the true region, 0..1.

The mask is the hair's, or that of --group: lips, for instance.
"""

from __future__ import annotations

import json
from pathlib import Path

import celebamask
import cv2
import numpy as np
from PIL import Image

from lomit_tf.evaluation.metrics.mask_quality import THRESHOLDS, iou
from lomit_tf.photos.translator import Translator

SKIN, HAIR = 1, 13
LEAST = 0.005  # of the picture: smaller regions are not measured
BLACK, GREY = 25.0, 8.0
MEANS = "skin_lightness", "skin_colour", "hair_lightness", "background"


def lab(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 -> CIELAB, float32."""
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)


def measure(
    translator: Translator, paths: list[Path], classes: np.ndarray, group: str, region: tuple[int, ...]
) -> dict[str, np.ndarray]:
    """Arrays (N, ...) by name: the figures of the module's docstring, and what the groups are made by."""
    faces = [translator.prepare(path) for path in paths]
    rows: dict[str, list] = {
        name: [] for name in ("iou", "skin_lightness", "skin_colour", "hair_lightness", "background", "skin", "hair")
    }
    for n, face in enumerate(faces):
        exemplar = translator.encode_exemplar(paths[(n + 1) % len(paths)])
        (result,) = translator.translate_batch([translator.request(face, None, [group], exemplar=exemplar)])
        before, after = face.photo.rgb, result.photo.rgb
        true, hair, skin = np.isin(classes[n], region), classes[n] == HAIR, classes[n] == SKIN
        lab_before, lab_after = lab(before), lab(after)
        old, new = lab_before[skin].mean(axis=0), lab_after[skin].mean(axis=0)
        old_hair = lab_before[hair].mean(axis=0)
        rows["iou"].append(iou(np.array([result.input_masks[group] >= t for t in THRESHOLDS]), true[None]))
        rows["skin_lightness"].append(abs(new[0] - old[0]))
        rows["skin_colour"].append(np.linalg.norm(new - old))
        rows["hair_lightness"].append(abs(lab_after[hair].mean(axis=0)[0] - old_hair[0]))
        rows["background"].append(np.abs(after[~true].astype(np.float32) - before[~true]).mean() / 255)
        rows["skin"].append(old[0])
        rows["hair"].append(old_hair)
    return {name: np.array(values, np.float64) for name, values in rows.items()}


def groups(skin: np.ndarray, hair: np.ndarray) -> dict[str, np.ndarray]:
    """Lightness of skin (N,) and colour of hair (N, 3) in CIELAB -> which faces belong to each group, bool (N,)."""
    low, high = np.quantile(skin, (1 / 3, 2 / 3))
    black, chroma = hair[:, 0] < BLACK, np.hypot(hair[:, 1], hair[:, 2])
    return {
        "all": np.ones(len(skin), bool), "skin: darkest third": skin < low,
        "skin: middle third": (skin >= low) & (skin < high), "skin: lightest third": skin >= high,
        "hair: black": black, "hair: grey": ~black & (chroma < GREY), "hair: other": ~black & (chroma >= GREY),
    }  # fmt: skip


def main() -> None:
    given, paths = celebamask.asked(__doc__, group=True)
    classes = []
    for path in paths:
        with Image.open(path) as face, Image.open(given.data_dir / "masks" / f"{path.stem}.png") as mask:
            classes.append(np.asarray(mask.resize(face.size, Image.Resampling.NEAREST)))
    some = [n for n, c in enumerate(classes) if (c == HAIR).mean() >= LEAST and (c == SKIN).mean() >= LEAST]
    paths, truth = [paths[n] for n in some], np.stack([classes[n] for n in some])
    for name in given.models:
        translator = Translator(name, log_notes=False)
        group, region = given.measured[name]
        found = measure(translator, paths, truth, group, region)
        at = found["iou"].mean(axis=0).argmax()
        missed = 1 - found["iou"][:, at]
        for who, chosen in groups(found["skin"], found["hair"]).items():
            row: dict[str, float] = {"faces": int(chosen.sum()), "threshold": float(THRESHOLDS[at])}
            if chosen.any():
                row |= {key: found[key][chosen].mean() for key in MEANS}
                row |= {"iou": 1 - missed[chosen].mean(), "ratio_missed": missed[chosen].mean() / missed.mean()}
                row["ratio_lightness"] = row["skin_lightness"] / found["skin_lightness"].mean()
                leak = found["skin_lightness"].mean() / found["hair_lightness"].mean()
                row["leak"] = row["skin_lightness"] / row["hair_lightness"]
                row["ratio_leak"] = row["leak"] / leak
                row["ratio_colour"] = row["skin_colour"] / found["skin_colour"].mean()
            print(json.dumps({"model": name, "half": given.half, "mask": group, "group": who}
                             | {key: round(value, 4) for key, value in row.items()}), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
