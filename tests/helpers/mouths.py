"""Faces that are little more than a mouth, in CelebA's framing, half of them with corners that are pulled up."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

UP = 0.06  # how far a smile pulls the corners up, a share of the side


def face(rng: np.random.Generator, size: int, smile: bool) -> np.ndarray:
    """(S, S, 3) uint8."""
    light, tint = rng.uniform(120, 220), rng.uniform(0.7, 1, 3)
    coarse = rng.uniform(-1, 1, (6, 6)).astype(np.float32)
    picture = light + 12 * cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    at = (np.arange(size) + 0.5) / size
    x, y = at[None, :] - 0.5, at[:, None] - 0.754
    for eye in (-0.15, 0.15):
        picture = picture - 60 * np.exp(-(((x - eye) / 0.05) ** 2) - ((y + 0.24) / 0.025) ** 2)
    height = -smile * UP * (x / 0.11) ** 2
    mouth = np.exp(-(((y - height) / 0.022) ** 2)) * np.exp(-((x / 0.12) ** 6))
    picture = picture - 80 * mouth
    return np.clip(picture[..., None] * tint, 0, 255).astype(np.uint8)


def faces(count: int, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Faces (count, S, S, 3) uint8, and which of them smile."""
    rng = np.random.default_rng(seed)
    smiles = np.arange(count) % 2 == 1
    return np.stack([face(rng, size, bool(smile)) for smile in smiles]), smiles


def save_celeba(folder: Path, count: int, size: int) -> Path:
    """The same as files of CelebA's kind: `count` of the training part and 4 to validate, every third one a man."""
    pictures, smiles = faces(count + 4, size)
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{i + 1:06d}.png" for i in range(len(pictures))]
    for name, picture in zip(names, pictures, strict=True):
        cv2.imwrite(str(folder / "img_align_celeba" / name), picture[..., ::-1])
    sign = {True: " 1", False: "-1"}
    lines = [f"{n} {sign[bool(s)]} {sign[i % 3 == 0]}" for i, (n, s) in enumerate(zip(names, smiles, strict=True))]
    (folder / "list_attr_celeba.txt").write_text("\n".join([str(len(names)), "Smiling Male", *lines]) + "\n")
    (folder / "list_eval_partition.txt").write_text(
        "".join(f"{name} {int(i >= count)}\n" for i, name in enumerate(names))
    )
    return folder
