"""Colour curves at a photograph's own size against the equation, and what must stay to the bit."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lomit_tf.imaging import mask_planes
from lomit_tf.imaging.curves import BINS, WHITE, apply
from lomit_tf.imaging.framing import Window
from lomit_tf.imaging.mask_planes import rectangle, whole
from lomit_tf.imaging.paste_back import MASK_FLOOR

TYPES = (np.uint8, np.uint16, np.float32, np.float64)


def by_the_equation(values, curves, masks, to_curves, to_masks, strength=1.0):
    """In float64 and at full size, as the module's docstring has it; in the type's own range, not rounded."""
    height, width = values.shape[:2]
    x = values / WHITE.get(values.dtype.name, 1.0) * 2 - 1
    rows, columns = np.mgrid[:height, :width]

    def sampled(planes, to):
        u = to[0][0] * columns + to[0][1] * rows + to[0][2]
        v = to[1][0] * columns + to[1][1] * rows + to[1][2]
        h, w = planes.shape[:2]
        a, b = np.clip(u * w - 0.5, 0, w - 1), np.clip(v * h - 0.5, 0, h - 1)
        left, top = np.int64(a), np.int64(b)
        right, bottom = np.minimum(left + 1, w - 1), np.minimum(top + 1, h - 1)
        a, b = (a - left)[..., None], (b - top)[..., None]
        upper = planes[top, left] * (1 - a) + planes[top, right] * a
        lower = planes[bottom, left] * (1 - a) + planes[bottom, right] * a
        inside = (u > -1e-9) & (u < 1 + 1e-9) & (v > -1e-9) & (v < 1 + 1e-9)
        return upper * (1 - b) + lower * b, inside[..., None]

    light = np.clip(BINS * ((x + 1) / 2) @ [0.299, 0.587, 0.114], 0.5, BINS - 0.5)
    weights = np.maximum(0, 1 - np.abs(light[..., None] - np.arange(BINS) - 0.5))
    np.testing.assert_allclose(weights.sum(axis=-1), 1)
    of_groups = sampled(np.float64(curves), to_curves)[0].reshape(height, width, masks.shape[-1], BINS, 4)
    m, inside = sampled(np.float64(masks), to_masks)
    m = np.where((m >= MASK_FLOOR) & inside, m, 0)
    found = strength * np.einsum("hwg,hwk,hwgkc->hwc", m, weights, of_groups)
    change = found[..., :3] + found[..., 3:] * (x - (x @ [0.299, 0.587, 0.114])[..., None])
    return (np.clip(x + change, -1, 1) + 1) / 2 * WHITE.get(values.dtype.name, 1.0)


def a_photograph(rng, size, kind):
    base = cv2.resize(rng.random((9, 9, 3)), size[::-1], interpolation=cv2.INTER_CUBIC)
    values = np.clip(base + rng.normal(0, 0.03, (*size, 3)), 0, 1)
    return np.round(values * WHITE[np.dtype(kind).name]).astype(kind) if kind in (np.uint8, np.uint16) else kind(values)


def some_curves(rng, height, width, groups):
    """Smooth over the picture and over luminance, of a change between black and blond, also of saturation."""
    colours = rng.normal(0, 0.5, (4, 4, groups * 3, 3))
    saturation = np.random.default_rng(1).normal(0, 0.2, (4, 4, groups * 3, 1))
    rough = np.concatenate([colours, saturation], axis=-1).reshape(4, 4, -1)
    planes = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in rough.transpose(2, 0, 1)]
    spread = np.stack(planes, axis=-1)
    spread = spread.reshape(height, width, groups, 3, 4)
    over = np.array([np.interp(np.linspace(0, 2, BINS), np.arange(3), row) for row in np.eye(3)])  # (3, BINS)
    return np.float32(np.einsum("hwgjc,jk->hwgkc", spread, over).reshape(height, width, -1))


def some_masks(rng, size, groups):
    masks = cv2.resize(rng.random((5, 5, groups)), (size, size)).reshape(size, size, groups)
    masks[: size // 4] = 0
    return np.float32(masks)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "size, window",
    [
        ((240, 320), Window(40, 20, 200, 190)),
        ((240, 320), Window(-40, -60, 330, 330)),
        ((97, 61), Window(3, 30, 40, 50)),
        ((60, 1500), Window(100, -500, 1300, 1300)),
        ((1, 1), Window(0, 0, 1, 1)),
    ],
)
def test_the_equation_in_every_depth(rng, kind, size, window):
    values, curves, masks = a_photograph(rng, size, kind), some_curves(rng, 8, 8, 2), some_masks(rng, 64, 2)
    to = rectangle(window.left, window.top, window.width, window.height)
    made = apply(values, curves, masks, to)
    expected = by_the_equation(values, curves, masks, to, to)
    assert made.dtype == values.dtype and made.shape == values.shape
    white = WHITE.get(values.dtype.name, 1.0)
    half = 0.5 / 255 if kind == np.uint8 else 0
    assert np.abs(made / white - expected / white).max() <= 0.5 / 255 + half + 1e-6
    rows, columns = window.inside(size)
    outside = np.ones(size, bool)
    outside[rows, columns] = False
    np.testing.assert_array_equal(made[outside], values[outside])


@pytest.mark.parametrize("kind", TYPES)
def test_a_turned_window_and_masks_of_another_place(rng, kind):
    size = (150, 210)
    values, curves, masks = a_photograph(rng, size, kind), some_curves(rng, 16, 16, 1), some_masks(rng, 64, 1)
    turned = np.array([[0.007, 0.003, -0.4], [-0.003, 0.007, 0.1]])
    white, half = WHITE.get(values.dtype.name, 1.0), 0.5 / 255 if kind == np.uint8 else 0
    for to_masks in (turned, whole(size), rectangle(20.5, -3, 100, 170.25)):
        made = apply(values, curves, masks, turned, to_masks, strength=0.8)
        expected = by_the_equation(values, curves, masks, turned, to_masks, 0.8)
        assert (made != values).any()
        assert np.abs(made / white - expected / white).max() <= 0.75 / 255 + half


def test_masks_of_the_photographs_own_pixels(rng):
    size = (70, 1100)
    values, curves = a_photograph(rng, size, np.uint16), some_curves(rng, 8, 8, 1)
    masks = np.float32(rng.random((*size, 1)))
    masks[20:40, 100:900] = 0
    made = apply(values, curves, masks, rectangle(5, -400, 900, 900), whole(size))
    expected = by_the_equation(values, curves, masks, rectangle(5, -400, 900, 900), whole(size))
    assert np.abs(made - expected).max() <= 0.5 / 255 * 65535 + 0.5
    np.testing.assert_array_equal(made[20:40, 100:900], values[20:40, 100:900])


@pytest.mark.parametrize("kind", TYPES)
def test_no_change_is_no_change_to_the_bit(rng, kind):
    values, curves, masks = a_photograph(rng, (80, 90), kind), some_curves(rng, 8, 8, 2), some_masks(rng, 64, 2)
    to = rectangle(5, 5, 70, 70)
    np.testing.assert_array_equal(apply(values, np.zeros_like(curves), masks, to), values)
    np.testing.assert_array_equal(apply(values, curves, masks, to, strength=0.0), values)
    faint = np.full_like(masks, np.nextafter(np.float32(MASK_FLOOR), np.float32(0)))
    np.testing.assert_array_equal(apply(values, curves, faint, to), values)
    assert (apply(values, curves, np.full_like(masks, MASK_FLOOR), to) != values).any()
    before = values.copy()
    apply(values, curves, masks, to)
    np.testing.assert_array_equal(values, before)


@pytest.mark.parametrize("kind", TYPES)
def test_a_saturation_of_minus_1_leaves_grey(rng, kind):
    values, curves = a_photograph(rng, (40, 50), kind), np.zeros((2, 2, BINS, 4), np.float32)
    curves[..., 3] = -1
    made = apply(values, curves.reshape(2, 2, -1), np.ones((4, 4, 1), np.float32), whole((40, 50)))
    luminance = values @ np.array([0.299, 0.587, 0.114])
    white = WHITE.get(values.dtype.name, 1.0)
    assert np.abs(made - luminance[..., None]).max() <= (0.51 if white > 1 else 1e-5)


def test_a_group_without_a_change_does_not_count(rng):
    values, curves, masks = a_photograph(rng, (80, 90), np.uint8), some_curves(rng, 8, 8, 2), some_masks(rng, 64, 2)
    to = rectangle(5, 5, 70, 70)
    curves[..., : 4 * BINS] = 0
    np.testing.assert_array_equal(
        apply(values, curves, masks, to), apply(values, curves[..., 4 * BINS :], masks[..., 1:], to)
    )


def test_curves_go_on_beyond_their_window_by_their_edges(rng):
    values = np.full((60, 60, 3), 100, np.uint8)
    curves = np.zeros((8, 8, 4 * BINS), np.float32)
    curves[-1] = 0.4
    made = apply(values, curves, np.ones((4, 4, 1), np.float32), rectangle(0, 0, 60, 30), whole((60, 60)))
    assert (made[30:] == 151).all() and (made[:20] == 100).all()


def test_the_tiles_leave_no_seams(rng, monkeypatch):
    size = (100, 130)
    values, curves, masks = a_photograph(rng, size, np.float32), some_curves(rng, 8, 8, 1), some_masks(rng, 64, 1)
    to = rectangle(-3, 4, 120, 90)
    whole_at_once = apply(values, curves, masks, to)
    monkeypatch.setattr(mask_planes, "TILE", (7, 11))
    assert np.abs(apply(values, curves, masks, to) - whole_at_once).max() < 0.2 / 255


@pytest.mark.parametrize("kind", TYPES)
def test_a_photograph_may_be_changed_in_its_place(rng, kind):
    values, curves, masks = a_photograph(rng, (100, 130), kind), some_curves(rng, 8, 8, 2), some_masks(rng, 64, 2)
    masks[30:, 20:, 0], masks[:50, :, 1] = 0, 0  # each covers a part of its own
    given, to = values.copy(), Window(10, 5, 100, 80, 12.0).matrix
    made = apply(values, curves, masks, to)
    np.testing.assert_array_equal(values, given)
    in_place = apply(values, curves, masks, to, in_place=True)
    assert in_place is values and (in_place != given).any()
    np.testing.assert_array_equal(in_place, made)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1), height=st.integers(1, 90), width=st.integers(1, 90), left=st.integers(-50, 80),
    top=st.integers(-50, 80), side=st.integers(1, 150), h=st.integers(1, 9), w=st.integers(1, 9),
    kind=st.sampled_from(TYPES), strength=st.floats(0, 2),
)  # fmt: skip
def test_any_window_and_size(seed, height, width, left, top, side, h, w, kind, strength):
    rng = np.random.default_rng(seed)
    values = a_photograph(rng, (height, width), kind)
    curves = np.float32(rng.uniform(-0.2, 0.2, (h, w, 4 * BINS)))
    masks = np.float32(rng.random((int(rng.integers(1, 70)), int(rng.integers(1, 70)), 1)))
    to = rectangle(left, top, side, side)
    made = apply(values, curves, masks, to, strength=strength)
    expected = by_the_equation(values, curves, masks, to, to, strength)
    # A pixel whose mask is at the floor but for rounding may count or not: then its whole change may be missing.
    white = WHITE.get(values.dtype.name, 1.0)
    allowed = max(MASK_FLOOR * 0.2 * strength / 2 * white, (0.5 + strength) / 255 * white) + (white > 1) * 0.5
    assert np.abs(np.float64(made) - expected).max() <= allowed + 1e-6


@pytest.mark.parametrize(
    "values, curves, masks, says",
    [
        ((4, 4), (1, 1, 32), (2, 2, 1), r"values: expected \(H, W, 3\); received \(4, 4\)"),
        ((4, 4, 3), (1, 1, 32), (2, 2, 2), r"received \(2, 2, 2\) and \(1, 1, 32\)"),
        ((4, 4, 3), (1, 1, 32), (2, 2), r"received \(2, 2\) and"),
    ],
)
def test_shapes_that_do_not_fit(values, curves, masks, says):
    with pytest.raises(ValueError, match=says):
        apply(np.zeros(values, np.uint8), np.zeros(curves), np.zeros(masks), whole((4, 4)))


def test_the_android_demos_golden_data_is_what_this_makes():
    folder = Path(__file__).parents[2] / "android_demo" / "core" / "testdata"
    read = {path.stem: np.asarray(Image.open(path)) for path in folder.glob("*.png")}
    curves = (np.float32(read["curves"]) - 128) / 127 * np.float32(0.8)
    masks = np.stack([read["mask"], read["mask_other"]], axis=-1) / np.float32(255)
    straight = rectangle(12, 31, 110, 101)
    turned = np.array([[0.008, 0.0025, -0.35], [-0.0025, 0.008, -0.1]])
    for name, to_curves, strength in (("curved", straight, 1.0), ("curved_turned", turned, 0.7)):
        made = apply(read["photo"], curves.reshape(8, 8, -1), masks, to_curves, straight, strength=strength)
        off = np.abs(np.int16(made) - read[name])
        assert off.max() <= 1 and (off > 0).mean() < 1e-3  # last bits of another OpenCV
        exact = by_the_equation(read["photo"], curves.reshape(8, 8, -1), masks, to_curves, straight, strength)
        assert np.abs(read[name] - exact).max() <= 1
