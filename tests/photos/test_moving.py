"""Pixels of photographs that move: sampling, windows, and the way from a model's displacement to the photograph."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from lomit_tf.engines.outline import Outline, Painting
from lomit_tf.imaging import moving, paste_back
from lomit_tf.imaging.framing import Window
from lomit_tf.imaging.photo import from_array
from lomit_tf.photos import pasting, second_look
from lomit_tf.photos.translation import Exemplar, FramedPhoto, Request

SIZE = 32
OUTLINE = Outline(SIZE, ("smile",), (), "celeb_a", 178)
CURVES_TOO = Outline(SIZE, ("smile", "hair"), (1,), "celeb_a", 178)


@pytest.fixture
def smooth(rng) -> np.ndarray:
    """A picture without noise, so that any interpolation of it is near."""
    noise = ndimage.gaussian_filter(rng.uniform(0, 1, (80, 100, 3)), (4, 4, 0), mode="nearest")
    return ((noise - noise.min()) / (noise.max() - noise.min())).astype(np.float32)


def field(height: int, width: int) -> np.ndarray:
    """A displacement of a few pixels in the middle, 0 towards the edges."""
    y, x = np.mgrid[:height, :width] / [[[height - 1]], [[width - 1]]]
    bump = np.clip(1 - ((x - 0.5) ** 2 + (y - 0.5) ** 2) * 12, 0, 1)
    return (bump[..., None] * (3, -2)).astype(np.float32)


def test_a_photographs_pixels_come_from_where_the_displacement_leads(smooth):
    by = field(80, 100)
    found = moving.moved(smooth, by)
    rows, columns = np.mgrid[:80, :100]
    for c in range(3):
        expected = ndimage.map_coordinates(smooth[..., c], [rows + by[..., 1], columns + by[..., 0]], order=3)
        np.testing.assert_allclose(found[..., c], expected, atol=0.01)
    still = np.abs(by).max(axis=-1) == 0
    assert still.any() and np.abs(found - smooth).max() > 0.05
    np.testing.assert_array_equal(found[still], smooth[still])


def test_tiles_are_not_seen(smooth, monkeypatch):
    by = field(80, 100)
    whole = moving.moved(smooth, by)
    monkeypatch.setattr(moving, "TILE", 17)
    np.testing.assert_allclose(moving.moved(smooth, by), whole, atol=1e-6)


@pytest.mark.parametrize("angle", [0.0, 90.0, 30.0])
def test_a_displacement_turns_and_grows_with_its_window(angle):
    """One eighth of the window to its right, wherever its right is."""
    window = Window(20, 20, 64, 64, angle)
    by = np.zeros((SIZE, SIZE, 2), np.float32)
    by[..., 0] = SIZE / 8
    found = moving.in_photograph(by, window, np.ones((64, 64), np.float32), (104, 104))
    rows, columns = window.inside((104, 104))
    assert found.shape == (rows.stop - rows.start, columns.stop - columns.start, 2)
    turn = np.radians(angle)
    middle = found[len(found) // 2, found.shape[1] // 2]
    np.testing.assert_allclose(middle, [8 * np.cos(turn), 8 * np.sin(turn)], atol=1e-4)


def request(photo: np.ndarray, window: Window, strength: float = 1.0, groups: int = 1) -> Request:
    framed = FramedPhoto(from_array(photo), window, SIZE, ())
    framed.own_masks = np.zeros((SIZE, SIZE, groups + 1), np.float32)
    framed.own_masks[8:24, 8:24, 0] = 1
    framed.own_masks[..., -1] = 1 - framed.own_masks[..., 0]
    nothing = Exemplar(np.zeros((1, 8), np.float32), {}, framed.photo, window)
    return Request(framed, nothing, {}, np.ones(groups, np.float32), strength)


def painted(asked: Request, brighter: float = 0.0) -> Painting:
    """What a model would give that moves by two of its pixels within the mask, and paints a little."""
    assert asked.framed.own_masks is not None
    mask = asked.framed.own_masks[..., :1]
    by = mask * np.float32([2, 0])
    raw = moving.moved(asked.framed.pixels, by, linear=True) + np.float32(2 * brighter)
    return Painting(asked.framed.own_masks, raw, displacement=by)


@pytest.mark.parametrize(("angle", "strength"), [(0.0, 1.0), (90.0, 1.0), (0.0, 0.5)])
def test_the_photographs_own_pixels_move(smooth, angle, strength):
    """At five pixels of the photograph for two of the model's; sharp, since nothing is taken from the model's size."""
    fine = np.random.default_rng(2).uniform(0.2, 0.8, (200, 200, 1)).repeat(3, axis=-1).astype(np.float32)
    window = Window(20, 20, 80, 80, angle)  # a pixel of the model is 2.5 of the photograph
    asked = request(fine, window, strength)
    found, _ = pasting.paste(asked, [painted(asked)], OUTLINE)
    step = round(5 * strength)
    if strength == 1.0:
        across, down = (0, step) if angle else (step, 0)
        inner = np.s_[50:70, 50:70]
        shifted = np.roll(fine, (-down, -across), (0, 1))
        np.testing.assert_allclose(found.values[inner], shifted[inner], atol=0.02)
    outside = np.ones((200, 200), bool)
    outside[18:102, 18:102] = False
    np.testing.assert_array_equal(found.values[outside], fine[outside])
    assert np.abs(found.values[50:70, 50:70] - fine[50:70, 50:70]).mean() > 0.05


def test_what_is_painted_is_added_to_the_pixels_that_moved(smooth):
    photo = np.ascontiguousarray(smooth[:64, :64])
    asked = request(photo, Window(0, 0, 64, 64))
    plain, _ = pasting.paste(asked, [painted(asked)], OUTLINE)
    lighter, _ = pasting.paste(asked, [painted(asked, 0.1)], OUTLINE)
    difference = lighter.values[26:38, 26:38] - plain.values[26:38, 26:38]
    inside = (plain.values[26:38, 26:38] < 0.9).all(axis=-1)
    np.testing.assert_allclose(difference[inside], 0.1, atol=0.01)


@pytest.mark.parametrize("angle", [0.0, 25.0])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_a_grey_photograph_stays_grey(smooth, kind, angle):
    """What is painted brings red: of a grey photograph it becomes as much brightness, and it stays in another, and in
    models without curves, whose free groups may be hair. One tint counts as none.
    """
    grey = smooth[..., :1].repeat(3, axis=-1)
    sepia = grey * np.float32([1, 0.9, 0.75])
    cases = ((grey, CURVES_TOO, True), (sepia, CURVES_TOO, True), (smooth, CURVES_TOO, False), (grey, OUTLINE, False))
    for photo, outline, stays in cases:
        values = np.round(photo * 255).astype(np.uint8) if kind is np.uint8 else photo
        asked = request(values, Window(20, 5, 64, 64, angle), groups=len(outline.groups))
        made = painted(asked)
        red = asked.framed.own_masks[..., :1] * np.float32([0.5, 0, 0])
        found, _ = pasting.paste(asked, [dataclasses.replace(made, raw=made.raw + red)], outline)
        plain, _ = pasting.paste(asked, [made], outline)
        if photo is not sepia:
            assert (np.ptp(found.values, axis=-1).max() == 0) == stays
        inner = np.s_[33:41, 48:56]
        brighter = (found.values[inner].astype(float) - plain.values[inner]).mean(axis=(0, 1)) / found.scale
        np.testing.assert_allclose(brighter, [0.299 * 0.25] * 3 if stays else [0.25, 0, 0], atol=0.02)


def test_one_tint_is_what_brightness_explains(rng):
    """Against least squares, at scales below and above the bound; site/test/paste_back.test.js has the small cases."""
    grey = rng.uniform(40, 200, (80, 70, 1))
    for noise, expected in ((0, True), (2, True), (3.2, True), (3.9, False), (20, False)):
        tinted = grey * [1, 0.9, 0.75] + noise * rng.normal(size=(80, 70, 3)) * [1, 0, 1]
        pixels = np.clip(np.round(tinted), 0, 255).astype(np.uint8)
        r, g, b = pixels.reshape(-1, 3).T.astype(float)
        given = np.stack([r + 2 * g + b, np.ones_like(r)], axis=1)
        left = [np.linalg.lstsq(given, d, rcond=None)[1][0] / len(r) for d in (r - g, b - g)]
        assert (sum(left) <= 25) == expected == paste_back.monochrome(pixels)
    assert paste_back.monochrome(np.full((3, 4, 3), (200, 90, 30), np.uint8))


def test_a_photograph_of_eight_bits_moves_within_its_values(smooth):
    photo = np.round(smooth * 255).astype(np.uint8)
    asked = request(photo, Window(10, 5, 64, 64))
    found, _ = pasting.paste(asked, [painted(asked)], OUTLINE)
    assert found.values.dtype == np.uint8
    np.testing.assert_array_equal(found.values[:5], photo[:5])
    assert (found.values != photo).any()


def test_a_second_look_sees_the_moved_picture(smooth):
    asked = request(smooth, Window(0, 0, 80, 80))
    made = painted(asked)
    seen = second_look._picture(asked.framed.pixels, made.masks, made, np.ones(1, np.float32), 1.0)
    np.testing.assert_allclose(seen, moving.moved(asked.framed.pixels, made.displacement, linear=True), atol=1e-5)
    without = dataclasses.replace(made, displacement=None)
    assert np.abs(second_look._picture(asked.framed.pixels, made.masks, without, np.ones(1), 1.0) - seen).mean() > 0


def test_nothing_moves_outside_of_a_mask_that_a_person_drew(smooth):
    """The mask has an edge that the model's size does not know: pixels where it is 0 stay to the bit."""
    photo = np.ascontiguousarray(smooth[:64, :64])
    asked = request(photo, Window(0, 0, 64, 64))
    drawn = np.zeros((64, 64), np.float32)
    drawn[20:44, 21:43] = 1
    found, _ = pasting.paste(dataclasses.replace(asked, given={"smile": drawn}), [painted(asked, 0.1)], OUTLINE)
    outside = drawn == 0
    np.testing.assert_array_equal(found.values[outside], photo[outside])
    assert (found.values[~outside] != photo[~outside]).any()


def test_no_colour_comes_from_what_is_transparent(smooth):
    """Magenta behind an alpha of 0 stays hidden; where all is opaque, alpha changes nothing."""
    photo = np.full((60, 60, 3), 0.5, np.float32)
    photo[:, 30:] = (1, 0, 1)
    alpha = np.full((60, 60), 255, np.uint8)
    by = np.zeros((60, 60, 2), np.float32)
    by[10:50, 10:30, 0] = 4
    np.testing.assert_array_equal(moving.moved_opaque(photo, alpha, by), moving.moved(photo, by))
    alpha[:, 30:] = 0
    found = moving.moved_opaque(photo, alpha, by)
    np.testing.assert_allclose(found[:, :30], 0.5, atol=0.01)
    assert np.abs(moving.moved(photo, by)[:, :30] - 0.5).max() > 0.4
    np.testing.assert_array_equal(found[:, 30:], photo[:, 30:])
