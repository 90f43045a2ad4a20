"""Masks that people give, framing, and the way back to full size."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lomit_tf.data.preprocess import CorruptImageError, centre_crop
from lomit_tf.imaging.formats import ImageError
from lomit_tf.imaging.framing import Window, choose, cut, parse_crop, uncut
from lomit_tf.imaging.given_masks import read_mask, read_masks, replace
from lomit_tf.imaging.paste_back import MASK_FLOOR, TO_YCC, add, downsample, fading, upsample_change, upsample_masks

pytestmark = pytest.mark.quick

# Masks


def test_a_mask_means_the_same_in_every_form(tmp_path):
    white = np.array([[0.0, 0.2, 1.0], [0.6, 0.4, 0.8]])  # multiples of 1 / 5, exact in 8 and 16 bits
    eight = np.round(white * 255).astype(np.uint8)
    path = tmp_path / "m.png"
    Image.fromarray(eight).save(path)
    buffer = io.BytesIO()
    Image.fromarray((white * 65535).round().astype(np.uint16)).save(buffer, "PNG")
    forms = [white, white[..., None], white.astype(np.float32), eight, path, str(path), Image.fromarray(eight),
             Image.fromarray(eight).convert("RGB"), path.read_bytes(), buffer.getvalue(),
             (white * 65535).round().astype(np.uint16), Image.fromarray(np.float32(white)),
             Image.fromarray(np.int32(eight)), Image.fromarray(np.int32((white * 65535).round()))]  # fmt: skip
    for form in forms:
        read = read_mask(form, (2, 3))
        assert read.dtype == np.float32
        np.testing.assert_allclose(read, white, atol=1e-6)


def test_masks_of_two_values():
    pattern = np.array([[0, 1], [1, 0]])
    for form in (pattern.astype(bool), pattern.astype(np.uint8), Image.fromarray(pattern.astype(bool))):
        np.testing.assert_array_equal(read_mask(form, (2, 2)), pattern)
    assert read_mask(np.zeros((2, 2), np.uint8), (2, 2)).max() == 0


def test_transparent_is_black_in_a_mask():
    rgba = np.full((2, 2, 4), 255, np.uint8)
    rgba[0, :, 3] = 0
    np.testing.assert_array_equal(read_mask(Image.fromarray(rgba), (2, 2)), [[0, 0], [1, 1]])


@pytest.mark.parametrize(
    "mask, says",
    [
        (np.zeros((3, 2)), "mask: the mask is 2x3, the image 3x2"),
        (np.full((2, 3), np.nan), "NaN"),
        (np.full((2, 3), 1.5), "floats must lie in 0..1"),
        (np.zeros((2, 3, 3), np.uint8), r"expected a mask of shape \(H, W\); received \(2, 3, 3\)"),
        (7, "received int"),
        (Image.fromarray(np.full((2, 3), 255, np.float32)), "floats must lie in 0..1"),
        (Image.fromarray(np.full((2, 3), 2**20, np.int32)), "a mask of 32 bits has values in 0..255 or 0..65535; rec"),
    ],
)
def test_masks_that_cannot_be_used(mask, says):
    with pytest.raises(ImageError, match=says):
        read_mask(mask, (2, 3))
    with pytest.raises(CorruptImageError, match="no such file"):
        read_mask("gone.png", (2, 3))


def test_masks_by_group():
    plane = np.ones((2, 2))
    assert list(read_masks(plane, ("all",), (2, 2))) == ["all"]
    assert list(read_masks({"b": plane, "a": None}, ("a", "b"), (2, 2))) == ["b"]
    assert read_masks(None, ("a", "b"), (2, 2)) == {}
    with pytest.raises(ImageError, match=r"the groups a, b; give \{group: mask\}"):
        read_masks(plane, ("a", "b"), (2, 2))
    with pytest.raises(ImageError, match="'hear' is not a group of this model; did you mean hair"):
        read_masks({"hear": plane}, ("hair", "smile"), (2, 2))


def test_replaced_masks_sum_to_one_and_the_rest_keeps_its_proportions(rng):
    masks = rng.dirichlet([1, 1, 1, 1], (4, 5)).astype(np.float32)
    given = rng.random((4, 5)).astype(np.float32)
    given[0, 0], given[0, 1] = 0, 1
    out = replace(masks, {1: given})
    np.testing.assert_allclose(out.sum(-1), 1, atol=1e-6)
    np.testing.assert_array_equal(out[..., 1], given)
    rest = [0, 2, 3]
    expected = masks[..., rest] / masks[..., rest].sum(-1, keepdims=True) * (1 - given)[..., None]
    np.testing.assert_allclose(out[..., rest], expected, atol=1e-6)
    assert replace(masks, {}) is masks


def test_replaced_masks_at_their_limits():
    masks = np.zeros((1, 1, 3), np.float32)
    masks[..., 0] = 1  # all of it is group 0's, and group 0 is taken away: the rest is background
    np.testing.assert_allclose(replace(masks, {0: np.full((1, 1), 0.25)})[0, 0], [0.25, 0, 0.75])
    both = replace(masks, {0: np.ones((1, 1)), 1: np.ones((1, 1))})
    np.testing.assert_allclose(both[0, 0], [0.5, 0.5, 0])


# Framing


@pytest.mark.parametrize("size", [(218, 178), (177, 300), (64, 64), (1, 1), (3, 1)])
def test_center_is_the_crop_of_training(rng, size):
    image = rng.integers(0, 256, (*size, 3), np.uint8)
    (window,), notes = choose(image, "center")
    np.testing.assert_array_equal(cut(image, window), centre_crop(image, 0))
    assert notes == ()


def test_crops_by_word_and_by_numbers():
    image = np.zeros((40, 60, 3), np.uint8)
    assert choose(image, "none")[0] == (Window(0, 0, 60, 40),)
    for crop in ("5,6,7,8", (5, 6, 7, 8), [5, 6, 7, 8], " 5, 6,7,8"):
        assert choose(image, crop)[0] == (Window(5, 6, 7, 8),)
    assert parse_crop("centre") == ("center", None)
    for bad in ("middle", "1,2,3", "1,2,3,4,5", "a,b,c,d", None, 3, (1, 2, 3), "-1,0,5,5", "0,0,0,5"):
        with pytest.raises(ImageError, match=r"crop .*received"):
            parse_crop(bad)
    with pytest.raises(ImageError, match="reaches beyond the image, which is 60x40"):
        choose(image, "50,0,11,10")


def test_without_a_face_the_centre_and_a_word(rng):
    image = rng.integers(0, 256, (80, 100, 3), np.uint8)
    (window,), notes = choose(image, "face")
    assert window == Window(10, 0, 80, 80)
    assert notes == ("no face was found, so the centre was cropped",)
    (window,), notes = choose(image, "face", faces=False)
    assert window == Window(10, 0, 80, 80) and "not trained on photographs of faces" in notes[0]
    for faces, expected in ((True, ("no face was found, so all of it was taken",)), (False, ())):
        assert choose(image[:, :80], "face", faces=faces) == ((Window(0, 0, 80, 80),), expected)


def test_a_photograph_without_a_face_is_as_large_as_a_faces_window_has_to_be():
    """12x14 pixels were taken where no face was found in them, and 40x40 refused where one was."""
    image = np.zeros((14, 12, 3), np.uint8)
    words = r"no face .* too small: it is 12x14 .* at least 32 px are needed; give a larger photograph, or crop=center"
    with pytest.raises(ImageError, match=words):
        choose(image, "face")
    for crop, faces in (("center", True), ("face", False)):  # who asks for it has it
        assert choose(image, crop, faces=faces)[0] == (Window(0, 1, 12, 12),)
    assert choose(np.zeros((32, 40, 3), np.uint8), "face")[0] == (Window(4, 0, 32, 32),)


def test_cut_repeats_the_border_beyond_the_image():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    window = Window(-2, -1, 8, 5)
    np.testing.assert_array_equal(cut(image, window), np.pad(image, [(1, 1), (2, 2)], mode="edge"))
    np.testing.assert_array_equal(cut(image, window, edge=False), np.pad(image, [(1, 1), (2, 2)]))
    np.testing.assert_array_equal(cut(image, window)[window.own((3, 4))], image[window.inside((3, 4))])


def test_a_windows_map_by_hand():
    """Pixel centres are whole numbers, so a window's left side is half a pixel left of its first column."""
    window = Window(10, 20, 30, 40)
    np.testing.assert_allclose(window.matrix @ [9.5, 19.5, 1], [0, 0], atol=1e-12)
    np.testing.assert_allclose(window.matrix @ [39.5, 59.5, 1], [1, 1], atol=1e-12)
    quarter = Window(10, 20, 30, 40, 90.0)  # clockwise: u runs down the photograph, v to its left
    np.testing.assert_allclose(quarter.inverse @ [0.5, 0.5, 1], [24.5, 39.5])
    np.testing.assert_allclose(quarter.inverse @ [1.0, 0.5, 1], [24.5, 54.5])
    np.testing.assert_allclose(quarter.inverse @ [0.5, 1.0, 1], [4.5, 39.5])
    for angle in (0.0, 12.0, -75.0):
        turned = Window(-3, 7, 31, 18, angle)
        both = turned.matrix @ np.vstack([turned.inverse, [0, 0, 1]])
        np.testing.assert_allclose(both, [[1, 0, 0], [0, 1, 0]], atol=1e-12)


def test_a_turned_window_samples_the_photograph_through_its_map():
    """Of an image that is linear in x and y, every sample is known; OpenCV's steps are 1/32 pixel."""
    y, x = np.mgrid[:90, :120].astype(np.float32)
    image = np.stack([x, y, x + y], axis=-1)
    window = Window(30, 20, 60, 40, 25.0)
    u, v = np.meshgrid((np.arange(60) + 0.5) / 60, (np.arange(40) + 0.5) / 40)
    at = np.stack([u, v, np.ones_like(u)], axis=-1) @ window.inverse.T
    expected = np.stack([at[..., 0], at[..., 1], at.sum(axis=-1)], axis=-1)
    np.testing.assert_allclose(cut(image, window), expected, atol=2 / 32)
    half = np.array([[100, 200]], np.uint8)
    np.testing.assert_array_equal(cut(half, Window(0, 0, 2, 1, 180.0)), [[200, 100]])


@pytest.mark.parametrize("angle", [0.0, 7.0, -30.0, 90.0])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_uncut_is_the_way_back(rng, angle, dtype):
    smoothed = smooth(rng.random((4, 4, 3)), 160)
    image = (smoothed * (1 if np.issubdtype(dtype, np.floating) else 250)).astype(dtype)
    window = Window(-10, 20, 90, 100, angle)  # beyond the border on one side
    size = image.shape[:2]
    back = uncut(cut(image, window), window, size)
    whole = uncut(np.ones((100, 90), np.float32), window, size) == 1
    assert back.dtype == dtype and back.shape[:2] == image[window.inside(size)].shape[:2]
    assert whole.mean() > 0.45
    tolerance = 0 if not angle else 0.02 if np.issubdtype(dtype, np.floating) else 3
    error = np.abs(back.astype(np.float64) - image[window.inside(size)])[whole]
    assert error.max() <= tolerance
    outside = np.ones(size, bool)
    outside[window.inside(size)] = False
    y, x = np.mgrid[: size[0], : size[1]]
    at = np.stack([x, y, np.ones_like(x)], axis=-1) @ window.matrix.T
    covered = ((at > 0) & (at < 1)).all(axis=-1)
    assert not (covered & outside).any()  # `inside` leaves out nothing


def test_a_turned_window_has_no_rows_of_its_own():
    with pytest.raises(ValueError, match=r"use framing\.cut and framing\.uncut"):
        Window(0, 0, 9, 9, 5.0).own((20, 20))


def test_sides_of_a_turned_window_within_the_photograph():
    assert Window(20, 20, 40, 40, 10.0).ends_within((100, 100)) == (True, True, True, True)
    assert Window(-60, -60, 200, 200, 10.0).ends_within((80, 80)) == (False, False, False, False)
    assert Window(-30, 20, 60, 60, 10.0).ends_within((100, 100)) == (False, True, True, True)


# The way back


def test_planes_of_the_right_size_stay_as_they_are(rng):
    planes = rng.standard_normal((8, 9, 3)).astype(np.float32)
    np.testing.assert_array_equal(upsample_masks(planes, (8, 9)), planes)
    np.testing.assert_array_equal(upsample_change(planes, np.zeros((8, 9, 3), np.uint8)), planes)


def test_constant_planes_stay_constant_at_any_size(rng):
    planes = np.tile(np.array([0.25, -1.0, 0.5], np.float32), (8, 8, 1))
    for height, width in ((64, 50), (5, 5), (1, 1), (3, 40), (8, 30), (1, 500)):
        guide = rng.integers(0, 256, (height, width, 3), np.uint8)
        for raised in (upsample_masks(planes, (height, width)), upsample_change(planes, guide)):
            assert raised.shape == (height, width, 3)
            np.testing.assert_allclose(raised, np.tile(planes[0, 0], (height, width, 1)), atol=1e-4)


def test_masks_are_interpolated_and_averaged(rng):
    plane = rng.random((8, 8, 1)).astype(np.float32)
    small = upsample_masks(plane, (4, 4))
    np.testing.assert_allclose(small[..., 0], plane.reshape(4, 2, 4, 2).mean(axis=(1, 3)), atol=1e-6)
    ramp = np.tile(np.arange(8, dtype=np.float32)[:, None], (1, 8))[..., None]
    at = (np.arange(32) + 0.5) / 4 - 0.5  # pixel centres
    np.testing.assert_allclose(upsample_masks(ramp, (32, 32))[:, 5, 0], np.clip(at, 0, 7), atol=1e-5)


def test_the_change_takes_the_photographs_texture_along(rng):
    """A change that is linear in the colours (contrast reduced to a third) is found again from its averages."""
    texture = np.repeat(np.repeat(rng.random((20, 20, 1)), 16, axis=0), 16, axis=1)  # 320 x 320, sharp edges
    photo = np.round(255 * (0.2 + texture * [0.6, 0.5, 0.4])).astype(np.uint8)
    photo[:160] = photo[:160] // 2
    expected = photo / 255 * np.float32(-2 / 3) + np.float32(0.1)
    small = expected.reshape(64, 5, 64, 5, 3).mean(axis=(1, 3)).astype(np.float32)
    plain = np.abs(upsample_masks(small, (320, 320)) - expected).mean()
    guided = np.abs(upsample_change(small, photo) - expected).mean()
    assert guided < 0.75 * plain


def test_uneven_colours_do_not_become_fringes_along_the_texture(rng):
    """A model's colours differ from pixel to pixel; strands of hair must not carry that any further."""
    uneven = rng.uniform(-0.2, 0.2, (16, 16, 3)).astype(np.float32)
    uneven -= (uneven @ TO_YCC[0])[..., None]  # of colour only
    strands = np.repeat(rng.integers(20, 120, (256, 64, 1), np.uint8), 4, axis=1)
    raised = upsample_change(uneven, np.repeat(strands, 3, axis=-1))
    plain = upsample_masks(uneven, (256, 256))
    for axis in (0, 1):
        assert np.abs(np.diff(raised, axis=axis)).mean() < 1.01 * np.abs(np.diff(plain, axis=axis)).mean()
    assert np.abs(raised @ TO_YCC[0]).max() < 1e-5


def test_averages_of_the_change_are_the_models(rng):
    """Brought back to the model's size, the change is what the model painted, nearer than without the correction."""
    change = smooth(rng.uniform(-0.5, 0.5, (8, 8, 3)), 32)
    photo = np.round(255 * smooth(rng.random((40, 40, 3)), 400)).astype(np.uint8)
    again = upsample_masks(upsample_change(change, photo), (32, 32))
    assert np.abs(again - change).mean() < 0.05 * np.abs(change).mean()


def smooth(array: np.ndarray, size: int) -> np.ndarray:
    """Smooth random planes, (size, size, C)."""
    return upsample_masks(array.astype(np.float32), (size, size))


def test_the_change_does_not_overshoot(rng):
    change = rng.uniform(-0.5, 0.5, (16, 16, 3)).astype(np.float32)
    raised = upsample_change(change, rng.integers(0, 256, (200, 100, 3), np.uint8))
    assert (raised.min((0, 1)) >= change.min((0, 1))).all() and (raised.max((0, 1)) <= change.max((0, 1))).all()


def test_masks_are_averaged_on_the_way_down(rng):
    mask = rng.random((32, 32)).astype(np.float32)
    np.testing.assert_allclose(downsample(mask, 8), mask.reshape(8, 4, 8, 4).mean(axis=(1, 3)), atol=1e-6)
    assert downsample(np.ones((3, 3), np.float32), 8).min() == 1


def test_the_change_fades_only_where_the_window_ends_within_the_photograph():
    whole = fading(Window(0, 0, 32, 32), (32, 32))
    assert (whole == 1).all()
    beyond = fading(Window(-4, -4, 64, 64), (40, 40))
    assert (beyond == 1).all()
    within = fading(Window(10, 0, 32, 32), (64, 64))  # ends within on the left, the right and below
    np.testing.assert_allclose(within[0, :3], [0.25, 0.75, 1])
    np.testing.assert_allclose(within[16, -2:], [0.75, 0.25])
    np.testing.assert_allclose(within[-2:, 16], [0.75, 0.25])
    assert (within[:-2, 2:-2] == 1).all()


@pytest.mark.parametrize(
    "dtype, white", [(np.uint8, 255.0), (np.uint16, 65535.0), (np.float32, 1.0), (np.float64, 1.0)]
)
def test_adding_a_change_by_hand(rng, dtype, white):
    values = (rng.random((10, 12, 3)) * white).astype(dtype)
    change = rng.uniform(-1.5, 1.5, (10, 12, 3)).astype(np.float32)
    blend = rng.random((10, 12)).astype(np.float32)
    blend[blend < MASK_FLOOR] = MASK_FLOOR
    blend[0], blend[1] = 0, MASK_FLOOR / 2
    out = add(values, change, blend, white)
    assert out.dtype == dtype
    np.testing.assert_array_equal(out[:2], values[:2])
    exact = np.clip(values.astype(np.float64) + change * blend[..., None] * white, 0, white)
    np.testing.assert_allclose(out[2:], exact[2:], atol=0.51 if white > 1 else 1e-6)
    np.testing.assert_array_equal(add(values, np.zeros_like(change), blend, white), values)
