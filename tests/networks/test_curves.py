"""The colour painter's curves, against NumPy that reads the formulas one pixel at a time."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from lomit_tf.losses.colour import moments_l1
from lomit_tf.networks import colour, curves

pytestmark = pytest.mark.quick

K = curves.BINS


def slow_change(grid: np.ndarray, image: np.ndarray) -> np.ndarray:
    """(h, w, 4 K), (H, W, 3) -> (H, W, 3)."""
    h, w = grid.shape[:2]
    out = np.zeros_like(image)
    for y, x in np.ndindex(*image.shape[:2]):
        light = (np.array(colour.TO_YCC[0]) @ image[y, x] + 1) / 2
        v, u = (y + 0.5) / image.shape[0] * h - 0.5, (x + 0.5) / image.shape[1] * w - 0.5
        curve = np.zeros(4 * K)
        for i in (int(np.floor(v)), int(np.floor(v)) + 1):
            for j in (int(np.floor(u)), int(np.floor(u)) + 1):
                share = max(0, 1 - abs(v - i)) * max(0, 1 - abs(u - j))
                curve += share * grid[np.clip(i, 0, h - 1), np.clip(j, 0, w - 1)]
        place = np.clip(K * light, 0.5, K - 0.5)
        for k in range(K):
            *moved, saturation = curve[4 * k : 4 * k + 4]
            out[y, x] += max(0, 1 - abs(place - k - 0.5)) * (moved + saturation * (image[y, x] - (2 * light - 1)))
    return out


def test_change_against_numpy(rng):
    grid, image = rng.normal(size=(2, 2, 3, 4 * K)), rng.uniform(-1, 1, (2, 16, 24, 3))
    found = np.asarray(curves.change(grid.astype("float32"), image.astype("float32")))
    for b in range(2):
        np.testing.assert_allclose(found[b], slow_change(grid[b], image[b]), atol=2e-5)


def test_bin_weights_sum_to_one_everywhere():
    grey = np.linspace(-1, 1, 201, dtype="float32")[None, None, :, None] * np.ones(3, "float32")
    weights = np.asarray(curves.bin_weights(grey))
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)
    assert (weights >= 0).all() and weights[0, 0, 0, 0] == 1 and weights[0, 0, -1, -1] == 1


def moments(*mean: float, deviation: float = 0.2, slopes: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    return np.array([[[*mean, deviation, 0.05, 0.05, *slopes]]], "float32")


def tone(curve: np.ndarray) -> np.ndarray:
    """l + dY(l) at the bins' centres."""
    return np.array(curves.CENTRES) + np.ravel(curve)[0::3]


def test_closed_form_carries_the_moments_over():
    dark, light = moments(-0.6, -0.01, 0.03), moments(0.2, -0.2, 0.1, deviation=0.24)
    painted = tone(curves.closed_form(light, dark))
    expected = (np.array(curves.CENTRES) + 0.6) * (0.241 / 0.201) + 0.2
    # Away from the floor and the ceiling, where the tones bend before the change as after it.
    middle = (np.abs(expected) < 0.6) & (np.array(curves.CENTRES) > -0.7)
    assert middle.sum() == 2
    np.testing.assert_allclose(painted[middle], expected[middle], atol=0.01)
    assert painted.min() >= curves.FLOOR and painted.max() <= curves.CEILING + 0.1
    np.testing.assert_allclose(np.ravel(curves.closed_form(light, dark))[1::3], -0.2 + 0.01, atol=1e-6)


def test_closed_form_carries_lines_of_colour_over():
    """Against NumPy: blond hair, yellow in the middle alone, to hair that is redder where it is lighter."""
    own = moments(0.1, -0.15, 0.05, deviation=0.3, slopes=(-0.1, 0.02))
    target = moments(-0.4, -0.05, 0.08, deviation=0.24, slopes=(0.05, 0.2))
    found = np.ravel(curves.closed_form(target, own)).reshape(K, 3)
    before = np.array(curves.CENTRES)
    after = (before - 0.1) * (0.241 / 0.301) - 0.4
    inside = (np.abs(after) < 0.75) & (np.abs(before) < 0.75)  # where floor and ceiling do not bend
    assert inside.sum() >= 3
    for c, (mean, slope) in enumerate([(-0.05, 0.05), (0.08, 0.2)]):
        # Below the ends of the lines, at -0.4 - 0.36 and 0.1 - 0.45, colours go straight to 0 at black.
        line = (mean + slope * np.clip(after + 0.4, -0.36, 0.36)) * np.clip((after + 1) / 0.24, 0, 1)
        was, change = [(-0.15, -0.1), (0.05, 0.02)][c]
        line -= (was + change * np.clip(before - 0.1, -0.45, 0.45)) * np.clip((before + 1) / 0.65, 0, 1)
        np.testing.assert_allclose(found[inside, 1 + c], line[inside], atol=3e-3)


def test_black_of_blond_hair_does_not_become_blue():
    """What is far darker than the hair has little of its yellow, and loses no more than that."""
    blond, black = moments(0.2, -0.2, 0.08, deviation=0.15), moments(-0.8, 0.0, 0.0, deviation=0.1)
    found = np.ravel(curves.closed_form(black, blond)).reshape(K, 3)
    np.testing.assert_allclose(found[0, 1:], np.array([0.2, -0.08]) * 0.125 / 0.975, atol=0.01)
    np.testing.assert_allclose(found[5, 1:], [0.2, -0.08], atol=1e-6)


@pytest.mark.parametrize("mean", [-0.95, -0.3, 0.0, 0.9])
def test_equal_moments_give_exactly_no_change(mean):
    same = moments(mean, 0.02, -0.03, slopes=(-0.3, 0.2))
    assert not np.any(curves.closed_form(same, same))
    assert not np.any(curves.finished(tf.zeros((1, 2, 2, 3 * K)), same[:, 0], same[:, 0]))
    maps = tf.random.normal((1, 2, 2, 3 * K))
    assert not np.any(curves.correction(maps, maps))


def test_correction_is_bounded(rng):
    wild, none = tf.constant(rng.normal(size=(9, 3 * K)) * 100, tf.float32), tf.zeros((9, 3 * K))
    far = np.abs(curves.correction(wild, none)).reshape(9, K, 3).max(axis=(0, 1))
    np.testing.assert_allclose(far, curves.CORRECTION, atol=1e-4)


def test_monotone_limits_the_slope_and_keeps_what_is_within(rng):
    wild = rng.normal(size=(2, 3, 3, 3 * K)).astype("float32")
    own = np.concatenate([moments(-0.35, 0, 0)[:, 0], moments(0.99, 0, 0)[:, 0]])
    limited = np.asarray(curves.monotone(wild, own))
    slope = np.diff(limited[..., 0::3] + np.array(curves.CENTRES), axis=-1) * K / 2
    assert slope.min() >= curves.SLOPE[0] - 1e-5 and slope.max() <= curves.SLOPE[1] + 1e-5
    # What stays is the change at the mean luminance: bin 2.1 of the first, the last bin of the second.
    for n, weights in enumerate((np.eye(K)[2] * 0.9 + np.eye(K)[3] * 0.1, np.eye(K)[7])):
        np.testing.assert_allclose(limited[n, ..., 0::3] @ weights, wild[n, ..., 0::3] @ weights, atol=1e-5)
    np.testing.assert_array_equal(limited[..., 1::3], wild[..., 1::3])
    tame = wild * 0.02
    np.testing.assert_allclose(curves.monotone(tame, own), tame, atol=1e-6)


def test_luminances_that_a_region_does_not_have_keep_their_colour(rng):
    """Dark hair painted blond: at the luminance of skin, far above all of the hair, nothing changes."""
    dark, flat = moments(-0.7, 0, 0, deviation=0.15), moments(-0.7, 0, 0, deviation=0.001)
    away = np.abs(np.array(curves.CENTRES) + 0.7)
    for own, deviation in ((dark, 0.15), (flat, 0.08)):  # even hair without any texture has a deviation of 0.08
        t = np.clip((away / deviation - 2.5) / 1.5, 0, 1)
        np.testing.assert_allclose(np.ravel(curves.likely(own[:, 0])), 1 - (3 * t**2 - 2 * t**3), atol=1e-6)
    blond = moments(0.2, -0.1, 0.05)
    light = curves.closed_form(blond, dark)
    painted = np.ravel(curves.finished(light[:, None], blond[:, 0], dark[:, 0])).reshape(K, 4)[:, :3]
    colours = painted @ np.array(colour.TO_YCC).T
    assert colours[1, 0] > 0.8  # of hair, about as much as the means differ
    np.testing.assert_allclose(colours[4:, 1:], 0, atol=1e-6)
    tones = np.array(curves.CENTRES) + colours[:, 0]
    assert (np.diff(tones) > 0.02).all()


def test_colour_differences_come_nearer_to_the_line_by_the_ratio_of_deviations(rng):
    """Brown hair made black, gamma = 1/2: a pixel keeps half of what it differs from the brown line, eq. (7.13)."""
    brown, black = (
        np.array([[[-0.2, -0.1 * t, 0.1 * t, 0.2, 0.06 * d, 0.08 * d, 0, 0]]], "float32")
        for d, t in ((1, 1), (0.5, 0.1))
    )
    less = np.asarray(curves.saturation(black[:, 0], brown[:, 0]))
    np.testing.assert_allclose(less, -0.5, atol=0.01)
    assert not np.any(curves.saturation(brown[:, 0], brown[:, 0]))
    assert np.asarray(curves.saturation(brown[:, 0], black[:, 0])).item() == 0  # none becomes more colourful
    grid = curves.finished(curves.closed_form(black, brown)[:, None], black[:, 0], brown[:, 0])
    ycc = np.stack([np.full((1, 8, 8), -0.2), *rng.uniform(-0.2, 0.2, (2, 1, 8, 8))], axis=-1)
    image = (ycc @ np.array(colour.TO_RGB).T).astype("float32")
    after = (image + np.asarray(curves.change(grid, image))) @ np.array(colour.TO_YCC).T
    own, wanted = np.array([-0.1, 0.1]), np.array([-0.01, 0.01])
    np.testing.assert_allclose(after[..., 1:], wanted + 0.5 * (ycc[..., 1:] - own), atol=0.01)


def test_to_rgb_is_the_inverse_of_to_ycc(rng):
    rgb = rng.uniform(-1, 1, (5, 3 * K)).astype("float32")
    ycc = np.asarray(colour.to_ycc(rgb.reshape(5, K, 3))).reshape(5, 3 * K)
    np.testing.assert_allclose(curves.to_rgb(ycc), rgb, atol=1e-5)


def test_moments_loss_counts_asked_groups_only(rng):
    images, masks = rng.uniform(-1, 1, (2, 8, 8, 3)).astype("float32"), np.ones((2, 8, 8, 2), "float32")
    own = np.asarray(colour.region_moments(images, masks))
    asked = np.array([[1, 0], [1, 1]], "float32")
    target = own + np.array([0.1, 100.0])[:, None, None] * (1 - asked)[..., None]
    assert float(moments_l1(images, masks, target.astype("float32"), asked)) == pytest.approx(0, abs=1e-6)
    target = own + np.array([[[0.3], [9]], [[0.6], [0.0]]])
    target[..., colour.FIRST :] += 5  # slopes do not count
    assert float(moments_l1(images, masks, target.astype("float32"), asked)) == pytest.approx(0.3, rel=1e-4)
    assert float(moments_l1(images, masks, target.astype("float32"), asked * 0)) == 0
