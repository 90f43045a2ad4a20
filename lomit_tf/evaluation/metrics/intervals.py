"""Intervals of realism: how far a distance would move with other images of the same kind. Bootstrap over images."""

from __future__ import annotations

import numpy as np

from lomit_tf.evaluation.metrics.realism import frechet_distance, kernel

LOW, HIGH = 2.5, 97.5  # percent


def kernel_interval(
    real: np.ndarray, translated: np.ndarray, *, resamples: int = 1000, seed: int = 0
) -> tuple[float, float, float]:
    """The unbiased squared MMD with the kernel of `realism.kernel`, and its 95 % percentile interval.

    Both sets are resampled with replacement. An image is never compared with itself, however often it was drawn, so
    that repetitions do not bias the distance:

        sum_(i != j) u_i u_j k(x_i, x_j) / sum_(i != j) u_i u_j + the same of y, v - 2 sum u_i v_j k(x_i, y_j) / (n m)

    with the numbers u, v of times that each image was drawn.

    Args:
        real, translated: features (n, D) and (m, D).
    """
    a, b = np.asarray(real, np.float64), np.asarray(translated, np.float64)
    within, between = (kernel(a, a), kernel(b, b)), kernel(a, b)
    rng = np.random.default_rng(seed)

    def own(k: np.ndarray, u: np.ndarray) -> float:
        return float((u @ k @ u - (u * u) @ np.diag(k)) / (u.sum() ** 2 - (u * u).sum()))

    def distance(u: np.ndarray, v: np.ndarray) -> float:
        return own(within[0], u) + own(within[1], v) - 2 * float(u @ between @ v / (u.sum() * v.sum()))

    def drawn(count: int) -> np.ndarray:
        return rng.multinomial(count, np.full(count, 1 / count)).astype(np.float64)

    values = [distance(drawn(len(a)), drawn(len(b))) for _ in range(resamples)]
    low, high = np.percentile(values, [LOW, HIGH])
    return distance(np.ones(len(a)), np.ones(len(b))), float(low), float(high)


def frechet_interval(
    real: np.ndarray, translated: np.ndarray, *, resamples: int = 50, seed: int = 0
) -> tuple[float, float, float]:
    """The Frechet distance d and its basic bootstrap interval, [2 d - q(97.5 %), 2 d - q(2.5 %)], at least 0.

    Resampled sets have images twice, which raises the distance; the basic interval takes that bias off again.

    Args:
        real, translated: features (n, D) and (m, D).
    """
    rng = np.random.default_rng(seed)
    value = frechet_distance(real, translated)
    values = [
        frechet_distance(*(x[rng.integers(0, len(x), len(x))] for x in (real, translated))) for _ in range(resamples)
    ]
    low, high = np.percentile(values, [LOW, HIGH])
    return value, max(0.0, 2 * value - float(high)), max(0.0, 2 * value - float(low))
