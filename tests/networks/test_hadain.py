"""Highway AdaIN against loops in float64 (docs/method.md, 2.5)."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest

from lomit_tf.networks.blocks import area_pool
from lomit_tf.networks.hadain import HighwayAdaIN, widen

pytestmark = pytest.mark.quick

LIMIT = 6.0  # log-variances are softly bound to it


def adain(content: np.ndarray, mean: np.ndarray, log_variance: np.ndarray) -> np.ndarray:
    """std * (c - mean of c) / (std of c) + mean for one image (h, w, C), by loops; the true deviation over space."""
    out = np.zeros_like(content)
    height, width, channels = content.shape
    for k in range(channels):
        values = [float(v) for v in content[:, :, k].ravel()]
        centre = sum(values) / len(values)
        spread = math.sqrt(sum((v - centre) ** 2 for v in values) / len(values))
        for y, x in np.ndindex(height, width):
            out[y, x, k] = math.exp(log_variance[k] / 2) * (content[y, x, k] - centre) / spread + mean[k]
    return out


def hadain(content: np.ndarray, masks: np.ndarray, statistics: np.ndarray) -> np.ndarray:
    """sum over regions of the area-averaged mask times the region's AdaIN."""
    batch, height, width, channels = content.shape
    factor = masks.shape[1] // height
    out = np.zeros_like(content)
    for b in range(batch):
        for r in range(masks.shape[-1]):
            styled = adain(content[b], statistics[b, r, :channels], statistics[b, r, channels:])
            for y, x in np.ndindex(height, width):
                cell = masks[b, y * factor : (y + 1) * factor, x * factor : (x + 1) * factor, r]
                out[b, y, x] += cell.sum() / factor**2 * styled[y, x]
    return out


def soft_masks(rng, shape) -> np.ndarray:
    raw = rng.uniform(size=shape) ** 3
    return raw / raw.sum(axis=-1, keepdims=True)


def run(content, masks, statistics) -> np.ndarray:
    return np.asarray(HighwayAdaIN()(*(np.asarray(v, "float32") for v in (content, masks, statistics))))


@pytest.fixture
def content(rng) -> np.ndarray:
    """Channels of very different means and deviations: a deviation shared by channels would show."""
    return rng.normal(size=(2, 4, 4, 5)) * np.array([0.3, 1, 10, 2, 0.5]) + np.array([0, 5, -20, 1, 0])


@pytest.mark.parametrize("regions", [2, 4])
@pytest.mark.parametrize("size", [4, 8, 16])
def test_hadain_is_the_papers_formula(rng, content, regions, size):
    masks = soft_masks(rng, (2, size, size, regions))
    statistics = rng.normal(size=(2, regions, 10)) * 0.3
    expected = hadain(content, masks, statistics)
    # The soft limit lowers a log-variance v by v^3 / 108, under 0.01 here; the guard 1e-5 in the variance is less.
    np.testing.assert_allclose(run(content, masks, statistics), expected, rtol=1e-2, atol=1e-2)
    limited = statistics.copy()
    limited[..., 5:] = LIMIT * np.tanh(statistics[..., 5:] / LIMIT)
    # 1e-5 beside the smallest variance here, 0.03, changes values by 2e-4.
    np.testing.assert_allclose(run(content, masks, statistics), hadain(content, masks, limited), rtol=5e-4, atol=5e-4)


@pytest.mark.parametrize("region", [0, 1])
def test_a_mask_of_one_region_is_plain_adain_of_its_style(rng, content, region):
    masks = np.zeros((2, 16, 16, 2))
    masks[..., region] = 1
    statistics = rng.normal(size=(2, 2, 10)) * 0.2
    found = run(content, masks, statistics)
    np.testing.assert_allclose(found.mean(axis=(1, 2)), statistics[:, region, :5], atol=1e-4)
    np.testing.assert_allclose(found.std(axis=(1, 2)), np.exp(statistics[:, region, 5:] / 2), rtol=2e-3)
    for b in range(2):
        expected = adain(content[b], statistics[b, region, :5], statistics[b, region, 5:])
        np.testing.assert_allclose(found[b], expected, rtol=3e-3, atol=3e-3)  # limit and guard, as above


def test_the_mask_counts_by_the_area_that_it_covers(content):
    masks = np.zeros((2, 16, 16, 2))
    masks[..., 1] = 1
    masks[:, 4:7, 8, 0], masks[:, 4:7, 8, 1] = 1, 0  # 3 of the 16 pixels of cell (1, 2)
    statistics = np.zeros((2, 2, 10))
    statistics[:, 0, :5] = 100  # the foreground's mean
    only_background = run(content, np.broadcast_to([0.0, 1.0], masks.shape), statistics)
    difference = run(content, masks, statistics) - only_background
    expected = np.zeros((2, 4, 4, 5))
    expected[:, 1, 2] = 100 * 3 / 16
    np.testing.assert_allclose(difference, expected, atol=1e-4)


def test_one_style_for_all_regions_makes_the_masks_irrelevant(rng, content):
    statistics = np.repeat(rng.normal(size=(2, 1, 10)), 3, axis=1)
    first, second = (run(content, soft_masks(rng, (2, 16, 16, 3)), statistics) for _ in range(2))
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-4)


def test_extreme_statistics_and_constant_channels_stay_finite(rng):
    content = np.zeros((1, 4, 4, 2))
    content[..., 0] = 1.0  # a white crop: no deviation at all
    masks = soft_masks(rng, (1, 16, 16, 2))
    statistics = np.array([[[0, 0, 1e4, 1e4], [0, 0, -1e4, -1e4]]])
    assert np.all(np.isfinite(run(content, masks, statistics)))
    content[..., 1] = rng.normal(size=(1, 4, 4))
    assert np.abs(run(content, masks, statistics)[..., 1]).max() < 4 * math.exp(3)  # deviations end at exp(6 / 2)


def test_hadain_computes_in_the_policys_type(rng, content):
    masks, statistics = soft_masks(rng, (2, 16, 16, 2)), rng.normal(size=(2, 2, 10)) * 0.3
    arguments = [np.asarray(v, "float32") for v in (content, masks, statistics)]
    found = HighwayAdaIN(dtype="mixed_bfloat16")(*arguments)
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
    # bfloat16 has 8 significant bits: 0.4 % for each of some five roundings, and the means (to 20) round before
    # they are subtracted: 20 * 0.4 % beside deviations from 0.3.
    error = np.abs(np.asarray(keras.ops.cast(found, "float32")) - hadain(content, masks, statistics))
    assert error.mean() < 0.03


@pytest.mark.parametrize(("side", "size"), [(8, 8), (8, 4), (8, 2), (12, 3)])
def test_area_pool_averages_cells(rng, side, size):
    x, factor = rng.uniform(size=(2, side, side, 3)), side // size
    found = np.asarray(area_pool(np.asarray(x, "float32"), size))
    assert found.shape == (2, size, size, 3)
    for b, i, j, c in np.ndindex(2, size, size, 3):
        cell = x[b, i * factor : (i + 1) * factor, j * factor : (j + 1) * factor, c]
        assert found[b, i, j, c] == pytest.approx(sum(cell.ravel()) / factor**2, rel=1e-5)


@pytest.mark.parametrize("margin", [0, 1, 3])
def test_widen_is_a_maximum_filter_and_keeps_the_sum(rng, margin):
    masks = keras.ops.convert_to_numpy(keras.ops.softmax(3 * rng.normal(size=(2, 16, 16, 3)).astype("float32")))
    found = np.asarray(widen(masks, margin))
    grown = maximum_filter(masks[..., :-1], margin)
    total = grown.sum(-1, keepdims=True)
    np.testing.assert_allclose(found[..., :-1], grown / np.maximum(total, 1), rtol=1e-5)
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-5)
    if margin == 0:
        np.testing.assert_array_equal(found, masks)


def maximum_filter(planes: np.ndarray, margin: int) -> np.ndarray:
    """Maximum over a square around each pixel, pixel by pixel."""
    out = np.empty_like(planes)
    for i, j in np.ndindex(planes.shape[1:3]):
        rows, columns = slice(max(0, i - margin), i + margin + 1), slice(max(0, j - margin), j + margin + 1)
        out[:, i, j] = planes[:, rows, columns].max(axis=(1, 2))
    return out
