"""How good the place of a group's labels is, its competing colours, and a model's masks, on CelebAMask-HQ's faces.

    python tools/place_iou.py --data_dir=/path/to/celebamask --celeba=/path/to/celeba --group=lips --half=even \\
        --place_values=a --place_share=0.02 --place_edge=0.01 --place_competes=0.3 --layout_images=8000 \\
        --controls=Male,Heavy_Makeup,Young,Smiling MODEL [MODEL ...]

For choosing use --half=even, for reporting --half=odd, once. The place is learned from CelebA's training images, as
`lomit_tf.refine_masks --by=labels` does it with the first model's labels. Faces are seen in CelebA's framing, as in
training, at the model's size. A line of JSON each for the place, its competing colours and each model's own mask, with
and without the guided filter of its size. "teeth" is the share of the true mouth's inside that a mask above 1/2 takes.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

import celebamask
import numpy as np
import tensorflow as tf
from PIL import Image

import lomit_tf
from lomit_tf import core
from lomit_tf.config import ConfigError
from lomit_tf.data.preprocess import to_model_range
from lomit_tf.data.sources import open_set
from lomit_tf.data.store import ImageStore
from lomit_tf.evaluation.metrics.mask_quality import THRESHOLDS, iou
from lomit_tf.imaging import label_places
from lomit_tf.model import Lomit
from lomit_tf.settings.mask_teacher import PLACE_VALUES, RefineConfig
from lomit_tf.training.mask_refinement import refined_data

AT_ONCE = 25


def place(model: Lomit, celeba: str, options: RefineConfig) -> tuple[np.ndarray, int]:
    """Where the group's labels show in images spread over CelebA's training part, as `found_place` gives it."""
    data = refined_data(dataclasses.replace(model.config.data, data_dir=celeba, train_images=0), options)
    images = open_set(data, "train")
    chosen = np.linspace(0, len(images) - 1, min(len(images), options.layout_images)).astype(int)
    pictures, found = ImageStore(images, data, num_workers=2, cache=False).readable(np.unique(chosen))
    wanted = [images.label_names.index(label) for label in model.config.data.group_labels[options.group]]
    values = [PLACE_VALUES.index(value) for value in options.place_values]
    shows = label_places.t_statistics(pictures, images.labels[found], wanted, values)
    return label_places.found_place(shows, values, options.place_share, options.place_edge)


def own_masks(model: Lomit, group: int, faces: np.ndarray, radius: int) -> np.ndarray:
    """The model's masks (N, S, S) of faces (N, S, S, 3) uint8 through the guided filter of a radius; 0 for none."""
    g = model.inference_generator
    g.mask_filter = radius

    @tf.function(autograph=False, reduce_retracing=True)
    def masks(x: tf.Tensor) -> tf.Tensor:
        return core.masks(g, x, 0.0)[..., group]  # as they are, not sharpened

    parts = [to_model_range(faces[i : i + AT_ONCE]) for i in range(0, len(faces), AT_ONCE)]
    return np.concatenate([masks(tf.constant(part)).numpy() for part in parts])


def picture(path: Path, size: int) -> np.ndarray:
    """(size, size, 3) uint8."""
    with Image.open(path) as opened:
        return np.asarray(opened.convert("RGB").resize((size, size), Image.Resampling.BOX))


def scores(masks: np.ndarray, true: np.ndarray, teeth: np.ndarray) -> dict[str, float]:
    """The mean IoU at the best threshold and at 1/2, and its lowest tenth, over the faces that have the region.

    Masks (N, S, S) in 0..1, true regions and the mouths' insides (N, S, S) bool.
    """
    there = true.any(axis=(1, 2))
    curve = np.array([iou(masks[there] >= t, true[there]) for t in THRESHOLDS])
    best = int(curve.mean(axis=1).argmax())
    found = {
        "best IoU": curve[best].mean(), "at threshold": THRESHOLDS[best],
        "IoU at 0.5": iou(masks[there] >= 0.5, true[there]).mean(), "lowest tenth": np.quantile(curve[best], 0.1),
        "area": (masks >= 0.5).mean() / true.mean(), "teeth": (masks[teeth] >= 0.5).mean(),
    }  # fmt: skip
    return {name: round(float(value), 4) for name, value in found.items()}


def flags(parser: argparse.ArgumentParser) -> None:
    """Those of `lomit_tf.refine_masks --by=labels`."""
    parser.add_argument("--celeba", required=True, help="the folder of CelebA")
    for name, default in (("controls", ""), ("place_values", ",".join(PLACE_VALUES))):
        parser.add_argument(f"--{name}", type=lambda text: tuple(filter(None, text.split(","))), default=default)
    for field in ("place_share", "place_edge", "place_competes", "layout_images"):
        default = getattr(RefineConfig(), field)
        parser.add_argument(f"--{field}", type=type(default), default=default)


def main() -> None:
    given, paths = celebamask.asked(__doc__, group=True, add=flags)
    group, classes = given.measured[given.models[0]]
    wanted = {name: getattr(given, name) for name in vars(given) if name in vars(RefineConfig())}
    try:
        options = RefineConfig(**wanted | {"by": "labels", "refuse": (), "group": group})
    except ConfigError as error:
        print(f"place_iou.py: {error}", file=sys.stderr)
        sys.exit(2)
    first = lomit_tf.load(given.models[0])
    size = first.config.data.image_size
    options = dataclasses.replace(options, refine_size=size)
    faces = np.stack([picture(path, size) for path in paths])
    true = np.stack([celebamask.true_region(given.data_dir, path, classes, (size, size)) for path in paths])
    teeth = np.stack([celebamask.true_region(given.data_dir, path, (10,), (size, size)) for path in paths])
    where, along = place(first, given.celeba, options)
    print(json.dumps({"what": "place", **scores(np.repeat(where[None], len(faces), 0), true, teeth)}), flush=True)
    refined = label_places.competing_refiner(where, options.place_competes, along=along)
    nothing = np.zeros((size, size), np.float32)
    found = np.stack([refined(face, nothing)[1] for face in faces])
    print(json.dumps({"what": "competing", **scores(found, true, teeth)}), flush=True)
    for name in given.models:
        model = lomit_tf.load(name)
        channel = model.group_names.index(group)
        for radius in sorted({0, model.config.model.mask_filter}):
            found = scores(own_masks(model, channel, faces, radius), true, teeth)
            print(json.dumps({"what": name, "mask_filter": radius, **found}), flush=True)


if __name__ == "__main__":
    main()
