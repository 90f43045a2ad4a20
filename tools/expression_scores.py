"""Where a model of drawn expressions paints, against the faces' true regions: the figures of docs/lab_book.md.

    python tools/expression_scores.py --faces=300 MODEL [MODEL ...]

Faces of the test split, which `tools/drawn_expressions.py` gives to no training, each in the style of the next one,
one group after the other. A line of JSON for each model and group: the IoU of the mask with the group's region (at 1/2
and at the best threshold), the mean change within the region and outside of it (0..1), and, of the pairs that differ
in a unit of the group, how far the picture came from the input towards the input drawn with the exemplar's units of
this group: 1 - |result - that| / |input - that| in the region, 0 for the untouched input and 1 for the drawing itself.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import tensorflow as tf

import lomit_tf
from lomit_tf import core
from lomit_tf.config import ConfigError
from lomit_tf.data.drawn_expressions import REGION_OF, REGIONS, UNITS, draw
from lomit_tf.data.drawn_faces import split_indices
from lomit_tf.data.preprocess import to_model_range
from lomit_tf.evaluation.metrics.mask_quality import mask_quality

AT_ONCE = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--faces", type=int, default=300)
    given = parser.parse_args()
    if given.faces < 10:
        parser.error(f"--faces is at least 10, so that some differ; received {given.faces}")
    indices = split_indices("test", given.faces)
    for name in given.models:
        try:
            model = lomit_tf.load(name)
        except ConfigError as error:
            parser.error(str(error))
        others = [label for label in model.config.data.attributes if label not in REGION_OF]
        if others:
            parser.error(f"{name} is not a model of drawn expressions: it knows {', '.join(others)}")
        faces = draw(indices, size=model.config.data.image_size)
        for group, units in model.config.data.group_labels.items():
            region = REGIONS.index(REGION_OF[units[0]])
            columns = [list(UNITS).index(unit) for unit in units]
            moved = faces.intensities.copy()
            moved[:, columns] = np.roll(faces.intensities, -1, axis=0)[:, columns]
            wanted = draw(indices, size=model.config.data.image_size, intensities=moved)
            found = scores(model, group, faces.images, wanted.images, faces.masks[..., region] / np.float32(255))
            print(json.dumps({"model": name, "group": group, **found}), flush=True)


def scores(
    model: lomit_tf.Lomit, group: str, images: np.ndarray, wanted: np.ndarray, region: np.ndarray
) -> dict[str, float]:
    """The figures of one group; images and wanted (N, S, S, 3) uint8, region (N, S, S) in 0..1."""
    channel = model.group_names.index(group)
    translated, masks = translations(model, channel, images)
    before, goal = images / np.float32(255), wanted / np.float32(255)
    quality = mask_quality(masks, region)
    inside, outside = region > 0.5, region == 0
    change = np.abs(translated - before).mean(axis=-1)
    differ = np.abs(goal - before).reshape(len(images), -1).max(axis=1) > 0
    left = (np.abs(translated - goal).mean(axis=-1) * region)[differ].sum()
    there = (np.abs(before - goal).mean(axis=-1) * region)[differ].sum()
    found = {
        "IoU at 1/2": quality.iou, "best IoU": quality.best_iou, "change inside": change[inside].mean(),
        "change outside": change[outside].mean(), "pairs that differ": int(differ.sum()),
        "towards the drawing": 1 - left / there,
    }  # fmt: skip
    return {k: v if isinstance(v, int) else round(float(v), 4) for k, v in found.items()}


def translations(model: lomit_tf.Lomit, channel: int, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each picture with one group in the style of the next: (N, S, S, 3) in 0..1, and the masks (N, S, S)."""
    g, size = model.inference_generator, model.config.data.image_size

    @tf.function(input_signature=[tf.TensorSpec((None, size, size, 3))] * 2, autograph=False)
    def run(x: tf.Tensor, exemplar: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        transfer = tf.one_hot(tf.fill([tf.shape(x)[0]], channel), g.num_groups)
        painting = core.apply_styles(g, x, core.encode_exemplar(g, exemplar)[0], transfer)
        return painting.image, painting.masks[..., channel]

    exemplars = np.roll(images, -1, axis=0)
    parts = [slice(i, i + AT_ONCE) for i in range(0, len(images), AT_ONCE)]
    found = [run(to_model_range(images[p]), to_model_range(exemplars[p])) for p in parts]
    pictures, masks = (np.concatenate([np.asarray(one[i]) for one in found]) for i in (0, 1))
    return np.clip((pictures + 1) / 2, 0, 1), masks


if __name__ == "__main__":
    main()
