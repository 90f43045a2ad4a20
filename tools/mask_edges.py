"""What masks along a photograph's edges gain: the numbers in docs/translate.md.

    python tools/mask_edges.py /path/to/celebamask celeba_small [every Nth face]

The folder has images/NAME.jpg and masks/NAME.png of 256 px, where HAIR is hair. The model's masks are brought to that
size bilinearly and by `mask_edges.refine`. Then the model's masks, and the true ones, are cut to the upper 3/4 of the
picture and continued below by `mask_edges.extend`, beside a fade (nothing below) and their last row repeated.
Choices were made on the even faces; what is printed is of the odd ones.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from lomit_tf.imaging.mask_edges import extend, refine
from lomit_tf.imaging.mask_planes import rectangle, whole
from lomit_tf.imaging.paste_back import upsample_masks

HAIR, CUT = 13, 0.75
THRESHOLDS = np.linspace(0.05, 0.95, 19)[:, None, None]


class Score:
    """Agreement with truth, over all faces."""

    def __init__(self) -> None:
        self.both, self.either = np.zeros(len(THRESHOLDS)), np.zeros(len(THRESHOLDS))
        self.right = self.taken = self.hair = self.other = 0.0

    def add(self, mask: np.ndarray, truth: np.ndarray) -> None:
        above = mask > THRESHOLDS
        self.both += (above & truth).sum(axis=(1, 2))
        self.either += (above | truth).sum(axis=(1, 2))
        self.right += float(mask[truth].sum())
        self.taken += float(mask.sum())
        self.hair += truth.sum()
        self.other += (~truth).sum()

    def __str__(self) -> str:
        wrong = self.taken - self.right
        iou = (self.both / np.maximum(self.either, 1)).max()
        numbers = (iou, self.right / self.hair, wrong / self.other, wrong / max(self.taken, 1e-6))
        return " | ".join(f"{n:.3f}" for n in numbers)


def repeated(upper: np.ndarray, rows: int) -> np.ndarray:
    return np.concatenate([upper, np.repeat(upper[-1:], rows - len(upper), axis=0)])


def continued(image: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """By `extend`, at the picture's size."""
    window = rectangle(0, 0, image.shape[1], len(upper))
    masks, to_masks = extend(image, upper[..., None], window)
    if np.allclose(to_masks, window):  # no mask reaches the border
        return np.pad(upper, [(0, len(image) - len(upper)), (0, 0)])
    assert np.allclose(to_masks, whole(image.shape[:2])), "all of these pictures lies near the window"
    return upsample_masks(masks, image.shape[:2])[..., 0]


def main(folder: Path, model: str, step: int = 1) -> None:
    from lomit_tf.photos.translator import Translator

    translator = Translator(model, crop="none", log_notes=False)
    group = translator.groups[0]
    scores: dict[str, Score] = {}
    for path in sorted((folder / "images").glob("*"))[1 :: 2 * step]:
        image = np.asarray(Image.open(path).convert("RGB"))
        truth = np.asarray(Image.open(folder / "masks" / f"{path.stem}.png")) == HAIR
        prepared = translator.prepare(image)
        full = translator.masks(prepared)[group]
        assert prepared.own_masks is not None
        small = prepared.own_masks[..., :1]
        true_small = cv2.resize(np.float32(truth), small.shape[1::-1], interpolation=cv2.INTER_AREA)[..., None]
        for name, masks in (("the model's", small), ("the true one averaged to its size", true_small)):
            ways = {"bilinear": upsample_masks(masks, truth.shape), "guided": refine(masks, image)}
            for way, made in ways.items():
                scores.setdefault(f"{name}, {way}", Score()).add(made[..., 0], truth)
        rows = round(CUT * len(image))
        for name, mask in (("the model's mask", full), ("the true mask", np.float32(truth))):
            below = {
                "fade": np.zeros_like(mask), "last row repeated": repeated(mask[:rows], len(mask)),
                "extended": continued(image, mask[:rows]), "seen whole": mask,
            }  # fmt: skip
            for way, whole_mask in below.items():
                scores.setdefault(f"below, from {name}: {way}", Score()).add(whole_mask[rows:], truth[rows:])
    print("mask | best IoU | of the hair taken | of the rest taken | wrong of what is taken")
    for name, score in scores.items():
        print(name, score, sep=" | ")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("celebamask", type=Path, help="its folder, with images and masks")
    parser.add_argument("model", help="whose masks are measured")
    parser.add_argument("step", type=int, nargs="?", default=1, help="only every so many-th picture")
    given = parser.parse_args()
    if not any((given.celebamask / "images").glob("*")):
        parser.error(f"{given.celebamask}: there is nothing in images/")
    main(given.celebamask, given.model, given.step)
