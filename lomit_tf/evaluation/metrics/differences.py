"""Differences between pictures: background kept, colour followed, diversity, reconstruction."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf

EDGE = 2  # pixels: a true mask's soft edge belongs to neither side
_SSIM_FILTER = 11
# sRGB (D65) to CIE XYZ, and the white point of the same matrix: IEC 61966-2-1.
_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


@dataclasses.dataclass(frozen=True)
class RegionError:
    """How much of a region stayed as it was; the region is the same in both pictures."""

    count: int  # images with such a region
    error: float  # mean absolute difference, colours in 0..1
    psnr: float  # dB, of the mean squared difference over all such pixels; infinite where nothing changed
    ssim: float  # mean of the SSIM map over the region


def unit(images: np.ndarray) -> np.ndarray:
    """[-1, 1] -> [0, 1], clipped as a saved picture would be."""
    return (np.clip(images, -1, 1) + 1) / 2


def rgb_to_lab(colours: np.ndarray) -> np.ndarray:
    """sRGB in 0..1 (..., 3) -> CIELAB under D65 (..., 3): L in 0..100 (CIE 15:2004)."""
    colours = np.asarray(colours, np.float64)
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    relative = linear @ _XYZ.T / _XYZ.sum(axis=1)
    cube = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(cube, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def grow(masks: np.ndarray, pixels: int) -> np.ndarray:
    """Soft masks (N, H, W) grown by a square maximum filter."""
    side = 2 * pixels + 1
    return np.asarray(tf.nn.max_pool2d(masks[..., None].astype(np.float32), side, 1, "SAME"))[..., 0]


def outside(truth: np.ndarray, edge: int = EDGE) -> np.ndarray:
    """Where a true soft mask (N, H, W) is 0, without `edge` pixels beside it: bool (N, H, W)."""
    return grow(truth, edge) <= 0


def kept(before: np.ndarray, after: np.ndarray, region: np.ndarray) -> RegionError | None:
    """Differences within a region: two (N, H, W, 3) in [-1, 1] and bool (N, H, W). None for an empty region.

    Each image counts alike, whatever the size of its region; PSNR is of the error over all pixels together.
    """
    there = region.any(axis=(1, 2))
    if not there.any():
        return None
    a, b, region = unit(before[there]), unit(after[there]), region[there]
    pixels = region.sum(axis=(1, 2))
    difference = np.abs(a - b).mean(axis=-1)
    error = (difference * region).sum(axis=(1, 2)) / pixels
    squared = float(np.square(a - b)[region].mean())
    similarity = ssim_map(a, b)
    return RegionError(
        int(there.sum()), float(error.mean()), psnr(squared),
        float(((similarity * region).sum(axis=(1, 2)) / pixels).mean()),
    )  # fmt: skip


def psnr(squared: float) -> float:
    """-10 log10 of a mean squared error, for colours in 0..1; infinite for 0."""
    return float("inf") if squared == 0 else -10 * float(np.log10(squared))


def ssim_map(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Structural similarity around each pixel, Wang et al. 2004, 11x11 Gaussian: (N, H, W, 3) in 0..1 -> (N, H, W).

    Pictures are mirrored at their borders, so that every pixel has a value.
    """
    half = _SSIM_FILTER // 2
    parts = []
    for start in range(0, len(a), 64):
        padded = [
            np.pad(x[start : start + 64], ((0, 0), (half, half), (half, half), (0, 0)), mode="reflect") for x in (a, b)
        ]
        similarity: Any = tf.image.ssim(
            *(tf.constant(p, tf.float32) for p in padded), 1.0, filter_size=_SSIM_FILTER, return_index_map=True
        )
        parts.append(np.asarray(similarity).reshape(-1, *a.shape[1:3]))
    return np.concatenate(parts)


def mean_colours(images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean colour (N, 3) in 0..1 of images (N, H, W, 3) in [-1, 1] under soft masks (N, H, W); NaN where empty."""
    weight = np.where(truth >= 0.5, truth, 0.0)
    total = weight.sum(axis=(1, 2))
    sums = np.einsum("nhwc,nhw->nc", unit(images).astype(np.float64), weight)
    return np.where(total[:, None] > 0, sums / np.maximum(total, 1e-9)[:, None], np.nan)


@dataclasses.dataclass(frozen=True)
class ColourDistance:
    """Distance of the foreground's mean colour from the exemplar's."""

    count: int
    lab: float  # CIELAB distance (delta E 1976), mean over pairs
    rgb: float  # mean absolute difference over R, G, B in 0..1


def colour_followed(
    output: np.ndarray, truth: np.ndarray, exemplar: np.ndarray, exemplar_truth: np.ndarray
) -> ColourDistance | None:
    """How near the output's colour in the input's true region comes to the exemplar's in its own.

    Args:
        output, exemplar: (N, H, W, 3) in [-1, 1].
        truth, exemplar_truth: soft masks (N, H, W). Pairs in which either is empty are left out.
    """
    mine, target = mean_colours(output, truth), mean_colours(exemplar, exemplar_truth)
    there = ~np.isnan(mine).any(axis=1) & ~np.isnan(target).any(axis=1)
    if not there.any():
        return None
    mine, target = mine[there], target[there]
    distance = np.linalg.norm(rgb_to_lab(mine) - rgb_to_lab(target), axis=-1)
    return ColourDistance(int(there.sum()), float(distance.mean()), float(np.abs(mine - target).mean()))


def spread(colours: np.ndarray) -> float:
    """Mean CIELAB distance between all pairs of several colours for one input: (N, E, 3) in 0..1 -> over N inputs."""
    lab = rgb_to_lab(colours)
    pairs = np.linalg.norm(lab[:, :, None] - lab[:, None, :], axis=-1)
    count = colours.shape[1]
    return float(pairs.sum(axis=(1, 2)).mean() / (count * (count - 1)))
