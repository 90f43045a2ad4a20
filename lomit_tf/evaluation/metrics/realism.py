"""Realism: distances between the features of real and of translated images.

Only features of InceptionV3 with ImageNet weights give numbers that may be called FID and KID; for any other embedder
the names say which one it was.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from lomit_tf.evaluation.metrics.embedders import RESIZE_FILTER, Embedder

WHOLE_KERNEL = 4096  # samples; three float64 matrices of this side take 400 MB


@dataclasses.dataclass(frozen=True)
class KernelDistance:
    """Mean and standard deviation of the kernel distance over random subsets."""

    mean: float
    std: float
    subsets: int
    subset_size: int


@dataclasses.dataclass(frozen=True)
class Realism:
    """Both distances, with all that one must know to compare them with others.

    Attributes:
      frechet_name, kernel_name: what the numbers may be called.
      features: D, the length of a feature vector.
      note: a warning, or empty.
    """

    embedder: str
    frechet_name: str
    frechet: float
    kernel_name: str
    kernel: KernelDistance
    real_count: int
    translated_count: int
    features: int
    input_size: tuple[int, int]
    resize_filter: str
    note: str

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts and numbers, for JSON."""
        return dataclasses.asdict(self)


def realism(real: np.ndarray, translated: np.ndarray, embedder: Embedder, *, seed: int = 0) -> Realism:
    """Frechet and kernel distance between the embedder's features of real (n, D) and translated (m, D) images.

    Raises ValueError as the two distances do.
    """
    counts, size = (len(real), len(translated)), real.shape[-1]
    note = ""
    if min(counts) <= size:
        note = (
            f"{min(counts)} images for {size} features: the covariances are not of full rank and the Frechet distance "
            "is biased upwards; compare it only with others of the same counts"
        )
    inception = embedder.imagenet_inception
    return Realism(
        embedder.name,
        "FID" if inception else f"Frechet distance ({embedder.name})",
        frechet_distance(real, translated),
        "KID" if inception else f"kernel distance ({embedder.name})",
        kernel_distance(real, translated, seed=seed),
        *counts, size, embedder.input_size, RESIZE_FILTER, note,
    )  # fmt: skip


def frechet_distance(features_a: np.ndarray, features_b: np.ndarray) -> float:
    """Squared Frechet (2-Wasserstein) distance of the Gaussians fitted to features (n, D) and (m, D), in float64.

        |mu_a - mu_b|^2 + tr(A) + tr(B) - 2 tr((A^1/2 B A^1/2)^1/2)      (Heusel et al. 2017, arXiv 1706.08500)

    A and B are unbiased covariances. Both roots are of symmetric matrices, whose eigenvalues are real; those that
    rounding makes negative count as 0, so that fewer samples than features do no harm. Where both sets have at most D
    samples, the same trace is the sum of the singular values of X Y^T, for A = X^T X and B = Y^T Y: a smaller matrix,
    and no root of rounding errors.

    Raises ValueError for shapes that do not fit, fewer than two samples, or features that are not finite.
    """
    a, b = _checked(features_a, features_b)
    mean = a.mean(axis=0) - b.mean(axis=0)
    x, y = ((z - z.mean(axis=0)) / np.sqrt(len(z) - 1) for z in (a, b))
    if max(len(x), len(y)) <= x.shape[1]:
        cross = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    else:
        values, vectors = np.linalg.eigh(x.T @ x)
        root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T  # A^1/2, (D, D)
        product = root @ (y.T @ y) @ root
        cross = np.sqrt(np.maximum(np.linalg.eigvalsh((product + product.T) / 2), 0)).sum()
    return float(max(mean @ mean + (x**2).sum() + (y**2).sum() - 2 * cross, 0.0))


def kernel_distance(
    features_a: np.ndarray, features_b: np.ndarray, *, subsets: int = 50, subset_size: int = 0, seed: int = 0
) -> KernelDistance:
    """Unbiased squared MMD with the kernel k(x, y) = (x.y / D + 1)^3, over random subsets (arXiv 1801.01401).

    The mean may be slightly negative for alike sets: the estimate is unbiased.

    Args:
      features_a, features_b: (n, D) and (m, D).
      subsets: how many pairs of subsets, each drawn without replacement.
      subset_size: images in each (0: half of the smaller set, 1000 at most).
      seed: of the subsets.

    Raises ValueError for shapes that do not fit, features that are not finite, or a subset_size that is not in
    2..min(n, m).
    """
    a, b = _checked(features_a, features_b)
    smaller = min(len(a), len(b))
    size = subset_size or min(1000, max(2, smaller // 2))
    if not 2 <= size <= smaller or subsets < 1:
        raise ValueError(
            f"subset_size must be in 2..{smaller} and subsets at least 1; received {subset_size} and {subsets}"
        )
    rng = np.random.default_rng(seed)
    # Few large products are far cheaper than many small ones, where all of them fit into memory.
    whole = (kernel(a, a), kernel(b, b), kernel(a, b)) if max(len(a), len(b)) <= WHOLE_KERNEL else None
    values = []
    for _ in range(subsets):
        i, j = (rng.choice(len(x), size, replace=False) for x in (a, b))
        if whole is None:
            values.append(squared_mmd(a[i], b[j]))
        else:
            values.append(_unbiased(whole[0][np.ix_(i, i)], whole[1][np.ix_(j, j)], whole[2][np.ix_(i, j)]))
    return KernelDistance(float(np.mean(values)), float(np.std(values)), subsets, size)


def squared_mmd(a: np.ndarray, b: np.ndarray) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy of a (n, D) and b (m, D), with `kernel`."""
    return _unbiased(kernel(a, a), kernel(b, b), kernel(a, b))


def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """k(x, y) = (x.y / D + 1)^3 of all pairs: (n, D), (m, D) -> (n, m)."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def _unbiased(within_a: np.ndarray, within_b: np.ndarray, between: np.ndarray) -> float:
    """Squared MMD from kernel matrices (n, n), (m, m) and (n, m); no sample is compared with itself."""
    own = [float((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))) for k in (within_a, within_b)]
    return own[0] + own[1] - 2 * float(between.mean())


def _checked(features_a: np.ndarray, features_b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64, after the checks that the distances promise."""
    a, b = np.asarray(features_a, np.float64), np.asarray(features_b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"features must be (n, D) and (m, D); received {a.shape} and {b.shape}")
    if min(len(a), len(b)) < 2:
        raise ValueError(f"at least two samples of each are needed; received {len(a)} and {len(b)}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("features must be finite")
    return a, b
