"""Masks refined along a photograph's edges, and continued beyond the window; colours that a person names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lomit_tf.imaging.colours import moments, parse
from lomit_tf.imaging.formats import ImageError
from lomit_tf.imaging.mask_edges import REFINED_SIDE, extend, refine
from lomit_tf.imaging.mask_planes import rectangle, whole
from lomit_tf.imaging.paste_back import TO_YCC, upsample_masks

HAIR, WALL = np.array([70, 40, 20]), np.array([150, 170, 190])


def two_strands(rng, height=160, width=120):
    """Hair on the left, all the way down; hair on the right that starts again below a gap of wall."""
    hair = np.zeros((height, width), bool)
    hair[:, 20:45] = True
    hair[100:, 80:100] = True
    noise = rng.normal(0, 2, (height, width, 3))
    return np.uint8(np.clip(np.where(hair[..., None], HAIR, WALL) + noise, 0, 255)), hair


def seen(hair, size=32):
    return upsample_masks(np.float32(hair)[..., None], (size, size))


def test_hair_goes_on_below_the_window_but_not_across_a_gap(rng):
    photo, hair = two_strands(rng)
    window = rectangle(0, 0, 120, 80)
    masks, to_masks = extend(photo, seen(hair[:80]), window)
    np.testing.assert_allclose(to_masks, whole(photo.shape[:2]))
    full = upsample_masks(masks, photo.shape[:2])[..., 0]
    assert full[84:110, 24:41].min() > 0.7  # nearly half of the window's side
    assert full[84:, 50:75].max() < 0.05  # wall
    assert full[104:, 84:96].max() < 0.05  # hair's colour, not connected
    assert full[155:, 20:45].max() < 0.3  # it fades out over one side of the window
    np.testing.assert_allclose(full[:76], upsample_masks(seen(hair[:80]), (80, 120))[:76, :, 0], atol=0.15)


def test_above_the_window_hair_is_hardly_wider_than_where_it_meets_it(rng):
    """A wall of the hair's colour above a head: before, all of it became hair, with a straight lower edge."""
    photo = np.uint8(np.clip(HAIR + rng.normal(0, 2, (200, 200, 3)), 0, 255))
    mask = np.zeros((32, 32, 1), np.float32)
    mask[:12, 12:20] = 1  # of a window of 80 pixels: 30 of them to 50
    photo[100:180, 60:140][~(upsample_masks(mask, (80, 80))[..., 0] > 0.5)] = WALL
    masks, to_masks = extend(photo, mask, rectangle(60, 100, 80, 80))
    np.testing.assert_allclose(to_masks, rectangle(0, 16, 200, 184), atol=1e-9)
    full = upsample_masks(masks, (184, 200))[..., 0]  # 84 rows above the window
    assert full[80:83, 95:105].min() > 0.8 and full[76, 95:105].min() > 0.7
    for up in (4, 8, 16):
        wide = 2 + up / 4 + 4  # half a cell of the mask, the slope, and the blur
        assert full[84 - up, : int(90 - wide)].max() < 0.1 and full[84 - up, int(110 + wide) :].max() < 0.1
    assert full[:60].max() < 0.02  # a quarter of the window's side above it nothing is left


def test_a_mask_that_ends_with_the_window_is_not_continued(rng):
    """Lips lie within the crop: what reaches its border in their mask is a collar, and goes no further."""
    photo, hair = two_strands(rng)
    window, masks = rectangle(0, 0, 120, 80), np.repeat(seen(hair[:80]), 2, axis=-1)
    both, place = extend(photo, masks, window, ending=(1,))
    alone, _ = extend(photo, masks[..., :1], window)
    np.testing.assert_allclose(both[..., :1], alone, atol=1e-6)
    full = upsample_masks(both, photo.shape[:2])
    assert full[84:110, 24:41, 0].min() > 0.7 and full[82:, :, 1].max() == 0
    np.testing.assert_allclose(full[:78, :, 1], full[:78, :, 0], atol=0.02)
    unchanged, place = extend(photo, masks, window, ending=(0, 1))
    assert unchanged is masks and place is not None


def test_extended_masks_of_a_large_photograph_stay_small(rng):
    photo, hair = two_strands(rng)
    large = np.ascontiguousarray(photo.repeat(12, axis=0).repeat(12, axis=1))
    masks, to_masks = extend(large, seen(hair[:80]), rectangle(0, 0, 120 * 12, 80 * 12))
    assert max(masks.shape) <= 400 and masks.dtype == np.float32
    down = (to_masks @ [30 * 12, 100 * 12, 1])[::-1] * masks.shape[:2]
    assert masks[int(down[0]), int(down[1]), 0] > 0.7


def test_a_turned_window_is_continued_along_its_own_borders(rng):
    photo, hair = two_strands(rng)
    turn = np.deg2rad(8)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) / 90
    to = np.column_stack([axes, [0.5, 0.5] - axes @ [50, 40]])
    rows, columns = np.mgrid[:32, :32]
    places = np.linalg.inv(axes) @ ((np.stack([columns, rows]).reshape(2, -1) + 0.5) / 32 - to[:, 2:])
    x, y = np.clip(np.round(places), 0, [[119], [159]]).astype(int)
    masks, to_masks = extend(photo, np.float32(hair[y, x].reshape(32, 32, 1)), to)

    def at(x, y):
        u, v = to_masks @ [x, y, 1]
        return masks[int(v * masks.shape[0]), int(u * masks.shape[1]), 0]

    assert at(30, 60) > 0.7 and at(30, 100) > 0.5 and at(62, 110) < 0.05 and at(90, 115) < 0.05


def test_what_needs_no_extension_is_given_back(rng):
    photo, hair = two_strands(rng)
    masks = seen(hair)
    assert extend(photo, masks, whole(photo.shape[:2]))[0] is masks
    inner = np.zeros((32, 32, 1), np.float32)
    inner[8:24, 8:24] = 1
    assert extend(photo, inner, rectangle(10, 10, 80, 80))[0] is inner


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1), height=st.integers(1, 60), width=st.integers(1, 60), left=st.integers(-40, 70),
    top=st.integers(-40, 70), side=st.integers(1, 90), groups=st.integers(1, 2),
)  # fmt: skip
def test_extended_masks_are_masks(seed, height, width, left, top, side, groups):
    rng = np.random.default_rng(seed)
    photo = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    masks, to_masks = extend(photo, np.float32(rng.random((8, 8, groups))), rectangle(left, top, side, side))
    assert masks.shape[-1] == groups and np.isfinite(masks).all() and masks.min() >= 0 and masks.max() <= 1 + 1e-6
    assert to_masks.shape == (2, 3)


def test_refined_masks_follow_the_edges(rng):
    photo, hair = two_strands(rng, 160, 160)
    coarse = seen(hair, 16)
    plain, made = upsample_masks(coarse, (160, 160))[..., 0], refine(coarse, photo)[..., 0]
    edge = np.abs(np.arange(160) - 44.5) < 4
    assert np.abs(made - hair)[:90, edge].mean() < 0.7 * np.abs(plain - hair)[:90, edge].mean()
    assert made.min() >= 0 and made.max() <= 1
    large = refine(coarse, photo.repeat(5, axis=0).repeat(5, axis=1))
    assert large.shape == (REFINED_SIDE, REFINED_SIDE, 1)
    assert refine(coarse, photo[:16, :16]).shape == (16, 16, 1)


def test_colours_are_read():
    for text in ("#8a3b12", " rgb(138, 59, 18)", "RGB(138,59,18)", "#8A3B12"):
        assert parse(text) == (138, 59, 18)
    assert parse("SaddleBrown") == (139, 69, 19)
    assert parse("#fff") == (255, 255, 255)


@pytest.mark.parametrize("text", ["brwn", "#8a3b1", "#8a3b12ff", "", "rgb(300,0,0)", "138,59,18", None, 7])
def test_colours_that_cannot_be_read(text):
    with pytest.raises(ImageError, match="cannot be read; give #rrggbb") as error:
        parse(text)
    assert repr(text) in str(error.value)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_the_moments_have_the_colours_mean_and_some_deviation(colour):
    found = moments(colour)
    assert found.shape == (8,) and found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.inv(TO_YCC) @ found[:3], np.array(colour) / 127.5 - 1, atol=1e-5)
    assert (found[3:6] >= 0.01 - 1e-6).all() and (found[3:6] < 0.4).all()
    expected = found[1:3] * np.array([0.213 - 2.143 * found[0], -0.206 - 2.622 * found[0]])
    np.testing.assert_allclose(found[6:], np.clip(expected, -0.3, 0.3), atol=1e-5)
    assert found[3] > found[4]
