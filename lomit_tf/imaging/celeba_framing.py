"""CelebA's framing of a face: where the 178 px centre crop of its aligned images would lie around one that was found.

CelebA's images are aligned by a similarity of eyes, nose and mouth, which do not lie at the same places in all of them.
"""

from __future__ import annotations

import numpy as np

CELEBA_CROP = 178
# CelebA's crop in coordinates from -1/2 to 1/2: where blazeface.POINTS lie in it (the median), and how the logarithm of
# its side, its angle and its centre depend on where they lie instead. tools/face_framing.py fits and prints both.
SHAPE = np.array(
    [[-0.1111, 0.0217], [0.1111, 0.0217], [0.0, 0.1591], [0.0, 0.2665], [-0.2329, 0.0695], [0.2329, 0.0695]]
)
# Rows: x of the six points, y of the six points, 1. Columns: log side, angle (radians), x and y of the centre.
CORRECTION = np.array(
    [
        [1.8228, 0.0569, 0.2528, 0.1260],
        [-1.8228, 0.0569, 0.2528, -0.1260],
        [0.0000, 0.6534, 0.2038, 0.0000],
        [0.0000, -0.2420, -0.4278, 0.0000],
        [-0.2675, -0.2626, -0.1408, -0.1580],
        [0.2675, -0.2626, -0.1408, 0.1580],
        [0.4115, -0.6583, -0.4885, 0.3380],
        [0.4115, 0.6583, 0.4885, 0.3380],
        [-3.1983, 0.0000, 0.0000, -0.2968],
        [3.0783, 0.0000, 0.0000, 0.0676],
        [-0.3515, 0.3022, 0.4265, -0.2234],
        [-0.3515, -0.3022, -0.4265, -0.2234],
        [0.0069, 0.0000, 0.0000, -0.0001],
    ]
)
MOST_CORRECTION = 0.25


def crop_around(
    points: np.ndarray, shape: np.ndarray = SHAPE, correction: np.ndarray = CORRECTION
) -> tuple[complex, complex]:
    """Where CelebA's centre crop would lie around a face. Complex numbers are x + iy.

    A similarity a * m + b takes SHAPE m to the points z with the least squares, a = sum conj(m - mean) (z - mean) /
    sum |m - mean|^2. What is left of the points, r = (z - b) / a - m, corrects it: the crop's side and angle are those
    of a * exp(s + i t), and its centre is b + a * (u + i v), where (s, t, u, v) = (r_x, r_y, 1) @ CORRECTION, each at
    most MOST_CORRECTION large.

    Args:
      points: (6, 2), x and y of blazeface.POINTS in the photograph.
      shape, correction: other constants than those in use.

    Returns:
      The crop's upper side as one complex number (its magnitude is the side's length, its angle the crop's), and the
      crop's centre.
    """
    z, m = (pairs[:, 0] + 1j * pairs[:, 1] for pairs in (points, shape))
    from_mean = m - m.mean()
    a = (from_mean.conj() * (z - z.mean())).sum() / (np.abs(from_mean) ** 2).sum()
    b = z.mean() - a * m.mean()
    left = (z - b) / a - m
    s, t, u, v = np.clip(np.concatenate([left.real, left.imag, [1.0]]) @ correction, -MOST_CORRECTION, MOST_CORRECTION)
    return complex(a * np.exp(s + 1j * t)), complex(b + a * (u + 1j * v))
