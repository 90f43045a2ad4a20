"""How good masks and their refinements are, against CelebAMask-HQ's hair: the numbers of docs/decisions/22.

    python tools/refined_iou.py --data_dir=/path/to/celebamask --celeba=/path/to/celeba --half=even MODEL [MODEL ...]

For choosing use --half=even, for reporting --half=odd, once. Faces are found and framed as in translations, and seen at
the model's size. Layouts are learned from CelebA's training images with each model's own masks, as
`lomit_tf.refine_masks --by=regions` does; GrabCut works at twice the size. The best threshold is one for all pictures.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf
from PIL import Image

import lomit_tf
from lomit_tf import core
from lomit_tf.data.preprocess import resize, square, to_model_range
from lomit_tf.data.sources import open_set
from lomit_tf.data.store import ImageStore
from lomit_tf.evaluation.metrics.mask_quality import THRESHOLDS, iou
from lomit_tf.imaging import mask_cut
from lomit_tf.imaging.face_layouts import Layouts
from lomit_tf.imaging.framing import choose, cut
from lomit_tf.imaging.paste_back import upsample_masks
from lomit_tf.model import Lomit
from lomit_tf.settings.mask_teacher import RefineConfig
from lomit_tf.training.mask_refinement import refined_data

HAIR, OUTSIDE = 13, 255


def framed(paths: list[Path], masks: Path, size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Faces (N, size, size, 3) uint8, their hair, and what lies within the photograph, (N, size, size) bool."""
    faces: list[np.ndarray] = []
    hair: list[np.ndarray] = []
    inside: list[np.ndarray] = []
    for path in paths:
        with Image.open(path) as opened, Image.open(masks / f"{path.stem}.png") as classes:
            photograph = np.asarray(opened.convert("RGB"))
            truth = np.asarray(classes.resize(opened.size, Image.Resampling.NEAREST)) == HAIR
        window = choose(photograph, "face")[0][0]
        faces.append(np.asarray(square(tf.constant(cut(photograph, window)), 0, size)).round().astype(np.uint8))
        for places, found in ((truth, hair), (np.ones_like(truth), inside)):
            part = cut(places.astype(np.float32), window, edge=False)
            found.append(cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA) > 0.5)
    return np.stack(faces), np.stack(hair), np.stack(inside)


def network_masks(model: Lomit, pictures: np.ndarray) -> np.ndarray:
    """(N, S, S) float32 of the hair in pictures (N, S, S, 3) uint8, as they are, not sharpened."""
    g, group = model.inference_generator, model.group_names.index("hair")
    run = tf.function(lambda x: core.masks(g, x, 0.0)[..., group], autograph=False, reduce_retracing=True)
    return np.concatenate([run(to_model_range(pictures[i : i + 25])).numpy() for i in range(0, len(pictures), 25)])


def layouts_of(model: Lomit, celeba: Path, options: RefineConfig) -> Layouts:
    """Layouts of CelebA's training images without the refused labels, spread over all of them."""
    data = dataclasses.replace(model.config.data, data_dir=str(celeba), train_images=0)
    images = open_set(refined_data(data, options), "train")
    barred = images.labels[:, [images.label_names.index(label) for label in options.refuse]].any(axis=1)
    usable = np.flatnonzero(~barred)
    chosen = usable[np.linspace(0, len(usable) - 1, min(len(usable), options.layout_images)).astype(int)]
    store = ImageStore(images, refined_data(data, options), num_workers=2, cache=False)
    pictures, _ = store.readable(np.unique(chosen))
    return Layouts.learn(pictures, network_masks(model, pictures), options.layouts)


def scores(masks: np.ndarray, hair: np.ndarray, inside: np.ndarray) -> dict[str, float]:
    """The IoU at the best threshold and at 1/2, over the faces that have hair."""
    some = hair.any(axis=(1, 2))
    masks = np.where(inside, masks, 0)[some]
    curve = np.array([iou(masks >= t, hair[some]) for t in THRESHOLDS])
    best = int(curve.mean(axis=1).argmax())
    return {
        "best IoU": round(float(curve[best].mean()), 4), "at threshold": round(float(THRESHOLDS[best]), 2),
        "IoU at 0.5": round(float(iou(masks >= 0.5, hair[some]).mean()), 4),
        "median": round(float(np.median(curve[best])), 3),
        "lowest tenth": round(float(np.quantile(curve[best], 0.1)), 3),
    }  # fmt: skip


def halved(places: np.ndarray) -> np.ndarray:
    """Places (N, 2 S, 2 S) bool at half their size: of four pixels at least two."""
    count, side = len(places), places.shape[1] // 2
    return np.asarray(places.reshape(count, side, 2, side, 2).mean(axis=(2, 4)) >= 0.5)


def enlarged(masks: np.ndarray, side: int) -> np.ndarray:
    """Masks (N, S, S) at another size."""
    return np.stack([upsample_masks(mask[..., None], (side, side))[..., 0] for mask in masks])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--data_dir", type=Path, required=True)
    parser.add_argument("--celeba", type=Path, required=True)
    parser.add_argument("--half", choices=("even", "odd"), default="even")
    given = parser.parse_args()
    paths = sorted((given.data_dir / "images").glob("*.jpg"))[given.half == "odd" :: 2]
    if not paths:
        parser.error(f"--data_dir={given.data_dir}: there is no images/*.jpg")
    for name in given.models:
        model = lomit_tf.load(name)
        size = model.config.data.image_size
        large, hair, inside = framed(paths, given.data_dir / "masks", 2 * size)
        truth = halved(hair), halved(inside)
        faces = np.asarray(resize(large, size)).round().astype(np.uint8)
        masks = network_masks(model, faces)
        cutter = mask_cut.cut_refiner(2 * size, RefineConfig())
        cuts = [cutter(face, mask) for face, mask in zip(large, enlarged(masks, 2 * size), strict=True)]
        means = np.stack([m if c is None else c[1] for c, m in zip(cuts, enlarged(masks, 2 * size), strict=True)])
        layouts = layouts_of(model, given.celeba, RefineConfig(refine_size=size))
        regions = np.stack([layouts.regions(face, mask)[..., 0] for face, mask in zip(faces, masks, strict=True)])
        for what, found, true in (
            ("network", masks, truth), ("cut, with the mask", means, (hair, inside)), ("regions", regions, truth)
        ):  # fmt: skip
            print(json.dumps({"model": name, "half": given.half, "what": what, **scores(found, *true)}), flush=True)


if __name__ == "__main__":
    main()
