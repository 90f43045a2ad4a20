"""Smaller copies of photographs, averaged by area."""

from __future__ import annotations

import cv2
import numpy as np


def averaged(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """A smaller copy: OpenCV's INTER_AREA, halved before it where that is exact.

    Halves are means of 2 x 2 pixels, rounded half up, which cost a tenth of any other averaging; a picture is halved as
    long as both sides are even and not smaller than twice what is asked for. site/js/planes.js and android_demo's Rows
    do the same.

    Args:
      image: (H, W, 3) uint8.
      width, height: at most those of the image.

    Returns:
      (height, width, 3) uint8.
    """
    high, wide = image.shape[:2]
    while not (high % 2 or wide % 2) and high >= 2 * height and wide >= 2 * width:
        high, wide = high // 2, wide // 2
        image = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA)
    if image.shape[:2] == (height, width):
        return np.ascontiguousarray(image)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
