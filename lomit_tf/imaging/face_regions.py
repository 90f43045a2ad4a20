"""A face's picture parted into hair, skin, background and clothes by its own colours: expectation maximisation.

Each region has a mixture of Gaussians of colours that is this picture's alone, and a prior for where it lies. Regions
compete for every pixel, so that skin and walls are not left over for the hair. docs/method.md, eqs. (9.14) to (9.17).
Nothing here has seen a true mask.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

HAIR, SKIN, BACKGROUND, CLOTHES = range(4)
KERNELS = (2, 2, 4, 3)  # Gaussians of each region's mixture
LAB_UNITS = np.array([25, 10, 10], np.float32)  # CIELAB is divided by these, so that its three directions count alike
TEXTURE_WEIGHT, TEXTURE_SIGMA = 0.5, 1.2  # of the local contrast of the lightness; pixels
ROUNDS, SMOOTH_FROM = 8, 2  # of the expectation maximisation; the round from which responsibilities are smoothed
RADIUS, EPSILON = 1 / 16, 0.1  # of the guided filter: share of the picture's side; in squares of the features' units
SPREAD = 0.02  # added to each Gaussian's variances
LEAST_PRIOR = 1e-4
YIELDED, LIKELY = 0.9, 2.0  # how much of a pixel a region leaves to the first one, and from which density of it on
MASK_POWER, LAYOUT_POWER = 0.3, 1.0  # how much a mask and a layout count in the prior
SURE = 0.6  # a mask from here on counts as 1: what a network is half sure of is mostly hair


def features(image: np.ndarray) -> np.ndarray:
    """Eq. (9.14): CIELAB in LAB_UNITS and the local contrast of the lightness: (H, W, 4) float32 of (H, W, 3) uint8."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    light = lab[..., 0]
    mean, square = (cv2.GaussianBlur(plane, (0, 0), TEXTURE_SIGMA) for plane in (light, light * light))
    contrast = TEXTURE_WEIGHT * np.log1p(np.sqrt(np.maximum(square - mean * mean, 0)))
    return np.concatenate([lab / LAB_UNITS, contrast[..., None]], axis=-1)


def with_rest(mask: np.ndarray, layout: np.ndarray) -> np.ndarray:
    """A mask of the hair (H, W) in 0..1 as all regions (H, W, 4): the others share 1 - mask as in the layout."""
    others = layout[..., 1:] / layout[..., 1:].sum(axis=-1, keepdims=True)
    return np.concatenate([mask[..., None], (1 - mask[..., None]) * others], axis=-1)


def prior(mask: np.ndarray, layout: np.ndarray, sure: float = SURE) -> np.ndarray:
    """Eq. (9.15): where the regions lie before the colours are looked at, (H, W, 4), its sum over regions 1.

    Args:
        mask: (H, W) in 0..1, a model's mask of the hair.
        layout: (H, W, 4), positive, its sum over regions 1.
        sure: a mask from here on counts as 1.
    """
    floor = 1e-3  # a network that is sure may be wrong
    mask = np.minimum(mask / sure, 1)
    weighed = np.maximum(with_rest(mask, layout), floor) ** MASK_POWER * np.maximum(layout, floor) ** LAYOUT_POWER
    return weighed / weighed.sum(axis=-1, keepdims=True)


def responsibilities(
    values: np.ndarray, where: np.ndarray, kernels: Sequence[int] = KERNELS, radius: int = 0, epsilon: float = EPSILON,
    rounds: int = ROUNDS, yielding: Sequence[int] = (),
) -> np.ndarray:  # fmt: skip
    """Eqs. (9.16) and (9.17): how far each pixel belongs to each region, (H, W, R) float32, its sum over regions 1.

    Args:
        values: (H, W, D) of `features`.
        where: (H, W, R) of `prior`.
        kernels: R, the Gaussians of each region's mixture.
        radius: of the guided filter, in pixels (0: RADIUS of the height).
        epsilon: of the guided filter.
        rounds: of the expectation maximisation.
        yielding: regions whose colours are learned little from what the first region explains; docs/method.md, with
            eq. (10.8).
    """
    shape, count = where.shape, where.shape[-1]
    radius = radius or max(1, round(RADIUS * shape[0]))
    x = values.reshape(-1, values.shape[-1]).astype(np.float64)
    where = np.maximum(where.reshape(-1, count).astype(np.float64), LEAST_PRIOR)
    where /= where.sum(axis=1, keepdims=True)
    owner = np.repeat(np.arange(count), kernels)  # region of each Gaussian
    first = np.flatnonzero(np.diff(owner, prepend=-1))  # of each region's Gaussians
    yields = np.isin(owner, yielding)
    parts = _parted_by_lightness(x[:, 0], where**2 / (where**2).sum(axis=1, keepdims=True), kernels)
    moments = _monomials(x)
    for number in range(rounds):
        density = np.exp(np.clip(moments @ _log_densities(moments, parts, owner, x.shape[1]), -600, 300))
        mixture = np.add.reduceat(density, first, axis=1) + 1e-250
        found = where * mixture
        found /= found.sum(axis=1, keepdims=True)
        if number >= SMOOTH_FROM:
            found = _smoothed(values, found.reshape(shape), radius, epsilon).reshape(-1, count)
        if number == rounds - 1:
            break  # nothing is fitted any more
        parts = found[:, owner] * density / mixture[:, owner]
        parts[:, yields] *= 1 - YIELDED * (mixture[:, :1] / (mixture[:, :1] + LIKELY))
    return found.reshape(shape).astype(np.float32)


def _smoothed(values: np.ndarray, found: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """Responsibilities through the guided filter (He et al. 2013) of the picture's colours; their sum stays 1."""
    guide = np.ascontiguousarray(values[..., :3], np.float32)
    smooth = cv2.ximgproc.guidedFilter(guide, found.astype(np.float32), radius, epsilon)
    smooth = np.clip(smooth.astype(np.float64), 1e-6, 1)
    return smooth / smooth.sum(axis=-1, keepdims=True)


def _parted_by_lightness(lightness: np.ndarray, found: np.ndarray, kernels: Sequence[int]) -> np.ndarray:
    """Shares of pixels in the Gaussians that the rounds begin with: each region's pixels parted by their lightness."""
    order = np.argsort(lightness, kind="stable")
    parts = np.zeros((len(lightness), sum(kernels)))
    first = 0
    for k, number in enumerate(kernels):
        weight = found[order, k]
        rank = np.minimum((np.cumsum(weight) / weight.sum() * number).astype(int), number - 1)
        parts[order, first + rank] = weight
        first += number
    return parts


def _monomials(x: np.ndarray) -> np.ndarray:
    """(N, 1 + D + D (D + 1) / 2): 1, the values and their products, in which Gaussians' logarithms are linear."""
    rows, columns = np.triu_indices(x.shape[1])
    return np.concatenate([np.ones((len(x), 1)), x, x[:, rows] * x[:, columns]], axis=1)


def _log_densities(moments: np.ndarray, parts: np.ndarray, owner: np.ndarray, dims: int) -> np.ndarray:
    """Coefficients, a column a Gaussian, with which `moments` gives log(share in its region's mixture * density)."""
    sums = parts.T @ moments
    weights = sums[:, 0] + 1e-6
    means = sums[:, 1 : 1 + dims] / weights[:, None]
    rows, columns = np.triu_indices(dims)
    covariance = np.empty((len(owner), dims, dims))
    covariance[:, rows, columns] = sums[:, 1 + dims :] / weights[:, None] - means[:, rows] * means[:, columns]
    covariance[:, columns, rows] = covariance[:, rows, columns]
    covariance += SPREAD * np.eye(dims)
    precision = np.linalg.inv(covariance)
    linear = np.einsum("ckl,cl->ck", precision, means)
    shares = weights / np.bincount(owner, weights)[owner]
    constant = np.log(shares) - (np.linalg.slogdet(covariance)[1] + (means * linear).sum(axis=1)) / 2
    square = np.where(rows == columns, -0.5, -1.0) * precision[:, rows, columns]  # off the diagonal each stands for two
    return np.concatenate([constant[:, None], linear, square], axis=1).T


__all__ = [
    "BACKGROUND", "CLOTHES", "HAIR", "SKIN", "features", "prior", "responsibilities", "with_rest",
]  # fmt: skip
