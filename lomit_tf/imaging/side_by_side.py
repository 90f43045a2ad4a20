"""Photographs beside each other, for a look at input, exemplar and translation at once."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from lomit_tf.imaging.photo import Photo

HEIGHT = 1080  # pixels, at most


def side_by_side(photos: Sequence[Photo]) -> Photo:
    """Photographs side by side, 8 bits, all of the height of the last one (HEIGHT at most) and in its colours.

    It has the last one's colour profile.
    """
    height = min(HEIGHT, photos[-1].size[0])
    parts = []
    for photo in photos:
        image = Image.fromarray(photo.in_colours_of(photos[-1]))
        parts.append(np.asarray(image.resize((max(1, round(image.width * height / image.height)), height))))
    gap = np.full((height, max(1, height // 50), 3), 255, np.uint8)
    row: list[np.ndarray] = []
    for part in parts:
        row += [part, gap]
    return Photo(cv2.hconcat(row[:-1]), name="comparison", icc=photos[-1].icc)
