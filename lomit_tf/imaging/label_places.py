"""Where a label shows in pictures that are framed alike: every pixel regressed on the labels of all pictures.

    where = place(evidence(pictures, labels, [names.index("Smiling")]), share=0.15, edge=0.04)

A smile shows around the mouth. The place is one mask for all pictures, and the network that it is taught to finds it
in each of them, also where a face is turned. Lipstick shows on the lips, whose colours can be told from those around
them in each picture: `competing_refiner`. docs/method.md, eqs. (9.23) to (9.29). Nothing here has seen a true mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from lomit_tf.imaging import face_regions
from lomit_tf.imaging.mask_cut import UNKNOWN, Refiner, ellipse_mask

Ellipse = tuple[float, float, float, float]
# An ellipse of skin in CelebA's framing: centre and radii, shares of the side.
MIDDLE: Ellipse = (0.5, 0.56, 0.12, 0.14)
BLUR = 1 / 32  # sigma of the Gaussian that smooths the evidence, a share of the side
KERNELS = (2, 5)  # Gaussians of the colours of the place, and of what is around it
FULL, LEAST, STEEPNESS = 0.8, 0.25, 4.0  # of eq. (9.29): a quantile, and shares of the distance to what is around
SPREAD, RADIUS, EPSILON = 1 / 32, 1 / 32, 0.05  # blur of the place, and guided filter: shares of the side; in squares
CONTRAST = 3  # index of the feature that is no colour
ISLAND = 1 / 4  # of the largest part of a place; smaller parts apart from it are not of it
MARGIN = 1 / 16  # around the place, a share of the side: what is farther away does not compete
RIDGE = 1e-6  # of the labels' moments, so that a label that never varies is no error


def relative_features(image: np.ndarray, middle: Ellipse = MIDDLE) -> np.ndarray:
    """Eq. (9.23): `face_regions.features` less their mean over `middle`, so that light and skin colour count less."""
    values = face_regions.features(image)
    return values - values[ellipse_mask(len(image), middle)].mean(axis=0)


def in_close_up(ellipse: Ellipse, box: tuple[float, float, float]) -> Ellipse:
    """An ellipse of whole pictures in a square of them: left, top and width, as shares of their side."""
    (x, y, across, down), (left, top, width) = ellipse, box
    return (x - left) / width, (y - top) / width, across / width, down / width


def evidence(
    pictures: Iterable[np.ndarray], labels: np.ndarray, wanted: Sequence[int], values: Sequence[int] = (0, 1, 2, 3)
) -> np.ndarray:
    """Eq. (9.25) of `t_statistics`: (S, S) float32, the root of their mean square, the largest over `wanted`."""
    return combined(t_statistics(pictures, labels, wanted, values))


def combined(t: np.ndarray) -> np.ndarray:
    """Eq. (9.25): t-statistics (W, S, S, F) as evidence (S, S) float32."""
    return np.asarray(np.sqrt((t**2).mean(axis=-1)).max(axis=0), np.float32)


def t_statistics(
    pictures: Iterable[np.ndarray], labels: np.ndarray, wanted: Sequence[int], values: Sequence[int] = (0, 1, 2, 3),
    middle: Ellipse = MIDDLE,
) -> np.ndarray:  # fmt: skip
    """Eq. (9.24): how surely, and in which direction, labels change each pixel, other labels being equal.

    Args:
        pictures: N pictures (S, S, 3) uint8, framed alike.
        labels: (N, K), all labels that are told apart.
        wanted: columns of labels whose place is asked for.
        values: which of the features count.
        middle: skin in the middle of the face, from which all values are counted.

    Returns:
        (W, S, S, F), for each label that is wanted and each value its coefficient over the coefficient's error.

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
        found = relative_features(image, middle)[..., list(values)]
        shape = found.shape
        flat = found.reshape(-1).astype(np.float64)
        cross, squares = cross + row[:, None] * flat, squares + flat**2
    moments = x.T @ x + RIDGE * np.eye(count + 1)
    inverse = np.linalg.inv(moments)
    coefficients = inverse @ cross
    residual = np.maximum(squares - (coefficients * cross).sum(axis=0), 1e-9) / (n - count - 1)
    columns = np.asarray(wanted) + 1
    t = coefficients[columns] / np.sqrt(np.diag(inverse)[columns, None] * residual)
    return np.asarray(t.reshape(len(columns), *shape))


def place(found: np.ndarray, share: float, edge: float) -> np.ndarray:
    """Eq. (9.26): evidence (S, S) as a mask in 0..1 that is above 1/2 in about `share` of the picture, or in less of it
    where small parts of it lie apart.

    Args:
        found: of `evidence`.
        share: of the pixels.
        edge: the mask is 1 where the evidence is among the highest share - edge, 0 where it is not among the highest
            share + edge.
    """
    smooth = cv2.GaussianBlur(found, (0, 0), BLUR * len(found))
    low, high = np.quantile(smooth, [max(0.0, 1 - share - edge), min(1.0, 1 - share + edge)])
    return _without_islands(np.clip((smooth - low) / max(float(high - low), 1e-9), 0, 1).astype(np.float32))


def _without_islands(where: np.ndarray) -> np.ndarray:
    """A place (S, S) without the parts of it that are small and apart: cheeks that rise move the lower lids too."""
    _, parts, stats, _ = cv2.connectedComponentsWithStats((where > 0).astype(np.uint8))
    areas = stats[:, cv2.CC_STAT_AREA]
    small = np.flatnonzero(areas < ISLAND * areas[1:].max(initial=0))
    return np.where(np.isin(parts, small), np.float32(0), where)


def found_place(t: np.ndarray, values: Sequence[int], share: float, edge: float) -> tuple[np.ndarray, int]:
    """`place` of t-statistics (W, S, S, F), and the direction in which one label changes one value there.

    Returns:
        The place, (S, S) float32; and `along` of `competing_refiner`, 0 for several labels or values and for contrast.
    """
    where = place(combined(t), share, edge)
    one = len(t) == len(values) == 1 and values[0] < CONTRAST
    return where, (values[0] + 1) * int(np.sign((t[0, ..., 0] * where).sum())) if one else 0


def place_refiner(where: np.ndarray) -> Refiner:
    """The same mask (S, S) for every picture: what `place` gives."""
    area = float(where.mean())
    return lambda image, mask: (area, where)


def competing_refiner(where: np.ndarray, share: float, far: float = 1.0, along: int = 0) -> Refiner:
    """Eqs. (9.28) and (9.29): in each picture, the colours of a place compete with those around it for each pixel.

    Args:
        where: (S, S) in 0..1, what `place` gives; above 0 somewhere.
        share: of the prior that the place has in its middle, in 0..1.
        far: share of the pixels far from the place that are taught, so that they do not outnumber the others.
        along: where not 0, only what differs from the surroundings in one value stays: 2 for more of CIELAB's a, -2 for
            less of it, 1 and -1 for its L, 3 and -3 for its b.

    Returns:
        A refiner of pictures (S, S, 3), which looks at no mask. Far from the place it gives 0 in `far` of the pixels,
        drawn once for all pictures, and UNKNOWN in the others.
    """
    size = len(where)
    inside = share * cv2.GaussianBlur(where.astype(np.float32), (0, 0), SPREAD * size)
    rows, columns = (np.flatnonzero((inside > 0.02 * share).any(axis=axis)) for axis in (1, 0))
    margin = round(MARGIN * size)
    box = tuple(slice(max(0, int(at[0]) - margin), int(at[-1]) + 1 + margin) for at in (rows, columns))
    prior = np.stack([inside, 1 - inside], axis=-1)[box]
    rest = np.where(np.random.default_rng(0).random((size, size)) < far, 0, UNKNOWN).astype(np.float32)

    def refined(image: np.ndarray, mask: np.ndarray) -> tuple[float, np.ndarray]:
        values = rest.copy()
        seen = face_regions.features(image)[box]
        found = face_regions.responsibilities(seen, prior, KERNELS, max(1, round(RADIUS * size)), EPSILON)
        region = found[..., 0]
        if along:
            region = region * _differs(np.sign(along) * seen[..., abs(along) - 1], region)
        values[box] = region
        return float(region.sum()) / size**2, values

    return refined


def _differs(value: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Eq. (9.29): how far a value (H, W) is that of a region (H, W) in 0..1 and not of what is around it, in 0..1."""
    order = np.argsort(value, axis=None)
    share = np.cumsum(region.ravel()[order])
    full = value.ravel()[order][np.searchsorted(share, FULL * share[-1])]
    around = float(((1 - region) * value).sum() / (1 - region).sum())
    distance = max(float(full) - around, 0.05)
    return np.asarray(np.clip(STEEPNESS * ((value - around) / distance - LEAST) + 0.5, 0, 1), np.float32)


__all__ = [
    "combined", "competing_refiner", "evidence", "found_place", "in_close_up", "place", "place_refiner",
    "relative_features", "t_statistics",
]  # fmt: skip
