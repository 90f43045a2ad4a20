"""Where a label shows in pictures that are framed alike: every pixel regressed on the labels of all pictures.

    where = place(evidence(pictures, labels, [names.index("Smiling")]), share=0.15, edge=0.04)

A smile shows around the mouth. The place is one mask for all pictures, and the network that it is taught to finds it
in each of them, also where a face is turned. docs/method.md, eqs. (9.23) to (9.26). Nothing here has seen a true mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from lomit_tf.imaging import face_regions
from lomit_tf.imaging.mask_cut import Refiner, ellipse_mask

MIDDLE = (0.5, 0.56, 0.12, 0.14)  # an ellipse of skin in CelebA's framing: centre and radii, shares of the side
BLUR = 1 / 32  # sigma of the Gaussian that smooths the evidence, a share of the side
RIDGE = 1e-6  # of the labels' moments, so that a label that never varies is no error


def relative_features(image: np.ndarray) -> np.ndarray:
    """Eq. (9.23): `face_regions.features` less their mean over MIDDLE, so that light and skin colour count less."""
    values = face_regions.features(image)
    return values - values[ellipse_mask(len(image), MIDDLE)].mean(axis=0)


def evidence(pictures: Iterable[np.ndarray], labels: np.ndarray, wanted: Sequence[int]) -> np.ndarray:
    """Eqs. (9.24) and (9.25): how surely labels change each pixel, other labels being equal.

    Args:
        pictures: N pictures (S, S, 3) uint8, framed alike.
        labels: (N, K), all labels that are told apart.
        wanted: columns of labels whose place is asked for.

    Returns:
        (S, S) float32, the root of the mean square of the regressions' t-statistics, the largest over `wanted`.

    Raises:
        ValueError: no more pictures than labels.
    """
    n, count = labels.shape
    if n <= count + 1:
        raise ValueError(f"{n} pictures are too few to tell {count} labels apart")
    x = np.concatenate([np.ones((n, 1)), labels.astype(np.float64)], axis=1)
    cross, squares = np.zeros(1), np.zeros(1)
    shape: tuple[int, ...] = ()
    for row, image in zip(x, pictures, strict=True):
        values = relative_features(image)
        shape = values.shape
        flat = values.reshape(-1).astype(np.float64)
        cross, squares = cross + row[:, None] * flat, squares + flat**2
    moments = x.T @ x + RIDGE * np.eye(count + 1)
    inverse = np.linalg.inv(moments)
    coefficients = inverse @ cross
    residual = np.maximum(squares - (coefficients * cross).sum(axis=0), 1e-9) / (n - count - 1)
    columns = np.asarray(wanted) + 1
    t = coefficients[columns] / np.sqrt(np.diag(inverse)[columns, None] * residual)
    t = t.reshape(len(columns), *shape)
    return np.asarray(np.sqrt((t**2).mean(axis=-1)).max(axis=0), np.float32)


def place(found: np.ndarray, share: float, edge: float) -> np.ndarray:
    """Eq. (9.26): evidence (S, S) as a mask in 0..1 that is above 1/2 in about `share` of the picture.

    Args:
        found: of `evidence`.
        share: of the pixels.
        edge: the mask is 1 where the evidence is among the highest share - edge, 0 where it is not among the highest
            share + edge.
    """
    smooth = cv2.GaussianBlur(found, (0, 0), BLUR * len(found))
    low, high = np.quantile(smooth, [max(0.0, 1 - share - edge), min(1.0, 1 - share + edge)])
    return np.asarray(np.clip((smooth - low) / max(float(high - low), 1e-9), 0, 1), np.float32)


def place_refiner(where: np.ndarray) -> Refiner:
    """The same mask (S, S) for every picture: what `place` gives."""
    area = float(where.mean())
    return lambda image, mask: (area, where)


__all__ = ["evidence", "place", "place_refiner", "relative_features"]
