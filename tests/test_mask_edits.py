"""What an editor's layers mean for a mask, compared with what was painted into them. Nothing here needs TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest

from lomit_tf.webapp import mask_edits
from lomit_tf.webapp.mask_edits import FULL, Edit

SIZE = (60, 80)


def disc(size: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.mgrid[: size[0], : size[1]]
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


def blurred(plane: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian of a plane, the border's values repeated outside."""
    reach = int(5 * sigma) + 1
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    for axis in (0, 1):
        padded = np.pad(plane, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        plane = np.apply_along_axis(np.convolve, axis, padded, kernel / kernel.sum(), mode="valid")
    return plane


@pytest.fixture
def mask(rng) -> np.ndarray:
    """A smooth mask that has all values from 0 to 1."""
    plane = blurred(rng.normal(size=SIZE), 5)
    return ((plane - plane.min()) / np.ptp(plane)).astype(np.float32)


def edited(mask: np.ndarray, layer: np.ndarray, before: Edit | None = None) -> Edit:
    """The edit that the editor's layer stands for, after it was shown this mask."""
    shown = mask_edits.layer_of(mask)[..., 3]
    return mask_edits.after(before or Edit.none(SIZE), shown, mask_edits.opacity_of([layer], SIZE))


def test_an_untouched_layer_leaves_the_mask_to_the_bit(mask, rng):
    layer = mask_edits.layer_of(mask)
    np.testing.assert_allclose(layer[..., 3] / FULL, mask, atol=0.5 / FULL + 1e-6)
    layer[..., 3] = np.clip(layer[..., 3] + rng.integers(-2, 3, SIZE), 0, 255)  # a browser's rounding
    edit = edited(mask, layer)
    assert not edit
    np.testing.assert_array_equal(mask_edits.applied(edit, mask, softness=0.1), mask)


def test_painted_and_erased_pixels_and_no_others(mask):
    layer = mask_edits.layer_of(mask)
    painted, erased = disc(SIZE, (20, 20), 8), disc(SIZE, (40, 60), 9)
    # A stroke of the brush's opacity over what is there already: a + b - ab.
    there = layer[..., 3][painted] / 255
    layer[..., 3][painted] = np.round(255 * (there + 0.5 - there * 0.5))
    layer[..., 3][erased] = 0
    result = mask_edits.applied(edited(mask, layer), mask)
    assert (result[painted] == 1).all()
    np.testing.assert_allclose(result[erased], 0, atol=mask_edits.TOLERANCE / FULL)
    others = ~painted & ~erased
    np.testing.assert_array_equal(result[others], mask[others])


def test_undo_gives_back_the_edit_before(mask):
    first = Edit(disc(SIZE, (30, 30), 5), disc(SIZE, (30, 30), 5).astype(np.float32))
    current = mask_edits.applied(first, mask)
    layer = mask_edits.layer_of(current)
    again = edited(current, layer, first)
    np.testing.assert_array_equal(again.touched, first.touched)
    np.testing.assert_array_equal(again.painted, first.painted)
    layer[..., 3][disc(SIZE, (30, 30), 2)] = 0
    second = mask_edits.applied(edited(current, layer, first), mask)
    assert not second[disc(SIZE, (30, 30), 2)].any()
    assert (second[disc(SIZE, (30, 30), 5) & ~disc(SIZE, (30, 30), 2)] == 1).all()


@pytest.mark.parametrize("size", [(15, 20), (240, 320), (60, 80)])
def test_an_edit_at_another_size_is_where_it_was_painted(mask, size):
    edit = Edit(disc(SIZE, (30, 40), 16), disc(SIZE, (30, 40), 16).astype(np.float32))
    own = np.full(size, 0.25, np.float32)
    result = mask_edits.applied(edit, own)
    scale = size[0] / SIZE[0]
    centre, pixel = ((30 + 0.5) * scale - 0.5, (40 + 0.5) * scale - 0.5), max(scale, 1.0) * 1.5
    assert (result[disc(size, centre, 16 * scale - pixel)] == 1).all()
    assert (result[~disc(size, centre, 16 * scale + pixel)] == 0.25).all()


def test_soft_edges_are_a_gaussian_of_the_edit_and_not_of_the_mask(mask):
    edit = Edit(disc(SIZE, (30, 40), 15), disc(SIZE, (30, 40), 15).astype(np.float32))
    sigma = 0.03 * 80
    weight = blurred(edit.touched.astype(np.float64), sigma)
    result = mask_edits.applied(edit, mask, softness=0.03)
    np.testing.assert_allclose(result, mask * (1 - weight) + weight, atol=0.005)
    far = ~disc(SIZE, (30, 40), 15 + 6 * sigma)
    assert far.any()
    np.testing.assert_array_equal(result[far], mask[far])

    anew = Edit(np.ones(SIZE, bool), edit.painted)  # all erased, and then painted
    np.testing.assert_allclose(mask_edits.applied(anew, mask, softness=0.03), weight, atol=0.005)


def test_clear_erases_everything_and_none_nothing(mask):
    assert not mask_edits.applied(Edit.clear(SIZE), mask, softness=0.05).any()
    assert Edit.clear(SIZE)
    assert not Edit.none(SIZE)


def test_layers_lie_over_each_other_and_come_in_any_scale():
    one, two = (np.zeros((*SIZE, 4), np.uint8) for _ in range(2))
    one[..., 3], two[..., 3] = 100, 50
    expected = 255 * (1 - (1 - 100 / 255) * (1 - 50 / 255))
    np.testing.assert_allclose(mask_edits.opacity_of([one, None, two], SIZE), expected, atol=0.51)
    assert not mask_edits.opacity_of([], SIZE).any()
    doubled = one.repeat(2, axis=0).repeat(2, axis=1)  # a screen of two device pixels for each
    np.testing.assert_array_equal(mask_edits.opacity_of([doubled], SIZE), 100)
    with pytest.raises(ValueError, match="shape"):
        mask_edits.opacity_of([np.zeros((80, 60, 4), np.uint8)], SIZE)
    with pytest.raises(ValueError, match=r"\(h, w, 4\)"):
        mask_edits.opacity_of([np.zeros((60, 80, 3), np.uint8)], SIZE)


def test_the_longer_side_is_the_editors():
    assert mask_edits.editor_size((3000, 4000), 640) == (480, 640)
    assert mask_edits.editor_size((64, 64), 640) == (640, 640)
    assert mask_edits.editor_size((1, 5000), 640) == (1, 640)
