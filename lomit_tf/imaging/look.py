"""Squares of a photograph, upright or turned, at the sizes that small networks take."""

from __future__ import annotations

import math

import cv2
import numpy as np

from lomit_tf.imaging.averaging import averaged

LOOK_SIDE = 1280  # the photograph is looked at in a copy of at most this side


class Look:
    """A photograph to look at: copies of it, each half as large as the one before."""

    def __init__(self, image: np.ndarray) -> None:
        """Args: image: (H, W, 3) uint8."""
        self.height, self.width = image.shape[:2]
        scale = min(1.0, LOOK_SIDE / max(self.height, self.width))
        to = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        self.copies = [averaged(image, *to) if scale < 1 else image]

    def square(self, centre: np.ndarray, side: float, angle: float, size: int) -> tuple[np.ndarray, np.ndarray]:
        """A turned square of the photograph, black beyond its border, and its map.

        Returns:
          (size, size, 3) uint8, and (2, 3) float64 which makes x, y in the photograph of (u, v, 1), 0..1 in the square.
        """
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        axes = side * np.array([[cosine, -sine], [sine, cosine]])
        to_photo = np.column_stack([axes, centre - axes.sum(axis=1) / 2])
        level, step = 0, side / size * self.copies[0].shape[1] / self.width
        while step >= 2 and min(self.copies[level].shape[:2]) > 1:
            level, step = level + 1, step / 2
            if level == len(self.copies):
                height, width = self.copies[-1].shape[:2]
                self.copies.append(averaged(self.copies[-1], (width + 1) // 2, (height + 1) // 2))
        copy = self.copies[level]
        scale = np.array([copy.shape[1] / self.width, copy.shape[0] / self.height])
        # Column i and row j of the square are u, v = (i + 0.5) / size, (j + 0.5) / size.
        where = np.column_stack([axes / size, to_photo[:, 2] + axes.sum(axis=1) / size / 2])
        where[:, 2] += 0.5
        where *= scale[:, None]
        where[:, 2] -= 0.5
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(copy, where, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT), to_photo
