"""Write what the Android core's tests compare with: `python tools/android/golden.py [FOLDER]`, drawn faces only.

The pictures come from `preprocess.square` (TensorFlow) and `carry_back` (OpenCV), the core's counterparts in Python.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from lomit_tf.data import preprocess
from lomit_tf.data.drawn_faces import draw
from lomit_tf.imaging import carry_back
from lomit_tf.imaging.framing import Window

FOLDER = Path(__file__).parents[2] / "android_demo" / "core" / "testdata"
SIZE = 64


def pictures() -> dict[str, np.ndarray]:
    """File names, and pictures (H, W, 3) or masks (H, W), all uint8."""
    faces = draw([3, 4], size=200).images
    photo = np.ascontiguousarray(faces[0][3:180, 20:169])  # 149x177: odd margins
    window = Window(12, 31, 110, 101)  # within the photo, so that the change fades out on all four sides
    seen = preprocess.resize(photo[window.inside(photo.shape[:2])], SIZE).numpy()
    painted = preprocess.square(faces[1], 0, SIZE).numpy()
    rows, columns = np.mgrid[:SIZE, :SIZE]
    mask = np.round(255 * np.clip(1.6 - np.hypot(rows - 30, columns - 27) / 18, 0, 1)).astype(np.uint8)
    change = (preprocess.to_model_range(painted) - preprocess.to_model_range(seen)).numpy() / 2
    large = carry_back.upsample_masks(change, (window.height, window.width))
    where = carry_back.upsample_masks(np.float32(mask / 255)[..., None], (window.height, window.width))[..., 0]
    inside = window.inside(photo.shape[:2])
    carried = photo.copy()
    carried[inside] = carry_back.add(photo[inside], large, where * carry_back.fading(window, photo.shape[:2]), 255)
    return {
        "photo.png": photo,
        "square_64.png": preprocess.square(photo, 0, 64).numpy(),
        "square_200.png": preprocess.square(photo, 0, 200).numpy(),
        "seen.png": seen,
        "painted.png": painted,
        "mask.png": mask,
        "carried.png": carried,
    }


def main(folder: Path = FOLDER) -> None:
    """Write all pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures().items():
        Image.fromarray(picture).save(folder / name, optimize=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
