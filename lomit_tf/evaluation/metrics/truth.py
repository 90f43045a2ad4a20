"""True region masks: which region an attribute owns, and the readers of sets that have masks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image, UnidentifiedImageError

from lomit_tf.config import DataConfig
from lomit_tf.data import drawn_faces
from lomit_tf.data.image_set import DataError, ImageSet
from lomit_tf.data.preprocess import centre_crop, decode

# The region in which a label of the data sets shows, under CelebA's names. Labels that are not here (Male, Young,
# Heavy_Makeup, beards) have no region of their own in any set with true masks.
REGION_OF: Mapping[str, str] = {
    **drawn_faces.REGION_OF,
    "Bald": "hair", "Receding_Hairline": "hair", "Straight_Hair": "hair", "Wavy_Hair": "hair",
    "Mouth_Slightly_Open": "mouth", "Wearing_Lipstick": "lips", "Wearing_Hat": "hat", "Wearing_Earrings": "earrings",
    "domain_B": "figure",
}  # fmt: skip
# CelebAMask-HQ's classes, as palette indices of its PNGs.
CELEBAMASK = {"hair": (13,), "mouth": (10, 11, 12), "lips": (11, 12), "glasses": (3,), "hat": (14,), "earrings": (15,)}


def open_mask_set(config: DataConfig, name: str) -> ImageSet:
    """A set of images with masks and without labels: `celebamask` or `horses`, from `config.data_dir`.

    celebamask: images/*.jpg and masks/*.png of the same names, palette indices 0..18 (CelebAMask-HQ's classes); the
    framing is CelebA's centre crop, so nothing is cropped. horses: images/ and masks/, figure where the mask is not 0.

    Raises DataError naming what is missing.
    """
    root = Path(config.data_dir).expanduser()
    images = sorted(p for p in (root / "images").glob("[!.]*") if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not images:
        raise DataError(
            f"--data_dir={config.data_dir}: no images in {root / 'images'}; --dataset={name} needs images/ and masks/"
        )
    masks = [_mask_of(root / "masks", p) for p in images]
    regions = tuple(CELEBAMASK) if name == "celebamask" else ("figure",)
    size = config.image_size

    def read_masks(indices: np.ndarray) -> np.ndarray:
        return np.stack([_read_mask(masks[i], name, regions, size) for i in indices])

    return ImageSet(
        name, "test", np.zeros((len(images), 0), np.float32), (), [str(p) for p in images],
        lambda index: decode(images[index]), read_masks=read_masks, region_names=regions,
    )  # fmt: skip


def _mask_of(folder: Path, image: Path) -> Path:
    for suffix in (".png", ".jpg"):
        path = folder / (image.stem + suffix)
        if path.exists():
            return path
    raise DataError(f"{image}: no mask of that name in {folder}")


def _read_mask(path: Path, name: str, regions: tuple[str, ...], size: int) -> np.ndarray:
    """(size, size, R) uint8, antialiased as the images are."""
    try:
        with Image.open(path) as picture:
            values = np.asarray(picture)
    except (OSError, UnidentifiedImageError) as error:
        raise DataError(f"{path}: not a mask that can be read ({error})") from error
    if name == "celebamask":
        if values.ndim != 2 or values.max() > 18:
            raise DataError(f"{path}: expected a palette PNG with classes 0..18; received shape {values.shape}")
        planes = np.stack([np.isin(values, CELEBAMASK[r]) for r in regions], axis=-1)
    else:
        planes = (values.reshape(*values.shape[:2], -1).max(axis=-1) > 127)[..., None]
    square = centre_crop((planes * 255).astype(np.uint8), 0)
    resized = tf.image.resize(square, (size, size), method="bilinear", antialias=True)
    return np.asarray(tf.cast(tf.round(resized), tf.uint8))


def regions_of(labels: tuple[str, ...]) -> tuple[set[str], list[str]]:
    """The regions that labels own, and the labels that own none."""
    return {REGION_OF[x] for x in labels if x in REGION_OF}, [x for x in labels if x not in REGION_OF]


def union(masks: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Union of soft masks (N, H, W, R) in 0..1 over the regions chosen for each image (N, R): (N, H, W)."""
    picked = masks * chosen[:, None, None, :]
    return np.asarray(1 - np.prod(1 - picked, axis=-1), np.float32)
