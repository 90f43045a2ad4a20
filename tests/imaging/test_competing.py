"""Hair that competes with skin, background and clothes for each pixel of a photograph."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from lomit_tf.imaging import face_regions
from lomit_tf.imaging.competing import FACE, LAYOUTS, RAMP, compete
from lomit_tf.imaging.face_layouts import Layouts
from lomit_tf.imaging.found_masks import found
from lomit_tf.imaging.mask_cut import ellipse_mask, photograph_refiner
from lomit_tf.settings.mask_teacher import RefineConfig

ROOT = Path(__file__).resolve().parents[2]
SIZE = 64


def a_head(rng):
    """A picture (64, 64, 3) in -1..1 of a dark head of hair around a light face before a blue wall, and its hair."""
    y, x = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    head = ((x - 0.5) / 0.34) ** 2 + ((y - 0.45) / 0.4) ** 2 <= 1
    face = ((x - 0.5) / 0.22) ** 2 + ((y - 0.58) / 0.3) ** 2 <= 1
    colours = np.array([[0.1, 0.2, 0.7], [-0.7, -0.8, -0.85], [0.7, 0.4, 0.25]])  # wall, hair, skin
    picture = colours[np.where(face, 2, np.where(head, 1, 0))] + rng.normal(0, 0.04, (SIZE, SIZE, 3))
    return np.float32(np.clip(picture, -1, 1)), head & ~face


def rough(hair):
    """A mask that takes a strip of the wall and of the forehead for hair, and misses hair at the right."""
    mask = np.roll(hair, -5, axis=1) | np.roll(hair, 4, axis=0)
    return np.float32(np.where(mask, 0.9, 0.05))


def regions(*groups):
    planes = np.float32(np.stack(groups, axis=-1)[None])
    return np.concatenate([planes, 1 - planes.sum(axis=-1, keepdims=True)], axis=-1)


def iou(mask, hair):
    return ((mask >= 0.5) & hair).sum() / ((mask >= 0.5) | hair).sum()


def test_a_mask_follows_the_colours_of_its_picture(rng):
    picture, hair = a_head(rng)
    before = rough(hair)
    made = compete(picture[None], regions(before), (0,))
    assert iou(before, hair) < 0.7 and iou(made[0, ..., 0], hair) > 0.9
    np.testing.assert_allclose(made.sum(axis=-1), 1, atol=1e-5)


def test_it_is_the_share_of_the_hair_by_the_equations(rng):
    """Eq. (10.8), put together here of the functions of 9.3, which have tests of their own."""
    picture, hair = a_head(rng)
    mask, layouts = rough(hair), Layouts.from_bytes(LAYOUTS.read_bytes()).resized(64)
    values = face_regions.features(np.uint8(np.round((picture + 1) * 127.5)))
    where = face_regions.prior(mask, layouts.mean, 1.0)
    found = face_regions.responsibilities(values, where, rounds=4, yielding=(2, 3))
    where = face_regions.prior(mask, layouts.nearest(found), 1.0)
    found = face_regions.responsibilities(values, where, rounds=3, yielding=(2, 3))
    share = found[..., 0] / (found[..., 0] + 2 * found[..., 1] + found[..., 2] + found[..., 3])  # skin counts twice
    expected = np.clip((share - RAMP[0]) / (RAMP[1] - RAMP[0]), 0, 1)
    y, x = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    eyes = ((x - FACE[0]) / FACE[2]) ** 2 + ((y - FACE[1]) / FACE[3]) ** 2 <= 1
    expected[eyes] = np.minimum(expected, mask)[eyes]
    np.testing.assert_allclose(compete(picture[None], regions(mask), (0,))[0, ..., 0], expected, atol=1e-5)


def test_dark_eyes_are_not_hair(rng):
    picture, hair = a_head(rng)
    picture[34:38, 26:31] = picture[34:38, 35:40] = [-0.7, -0.8, -0.85]
    made = compete(picture[None], regions(rough(hair)), (0,))[0, ..., 0]
    assert made[34:38, 26:40].max() <= 0.05 + 1e-6


def test_other_groups_share_what_is_left_and_overlapping_ones_stay(rng):
    picture, hair = a_head(rng)
    mask, lips = rough(hair) * 0.9, np.zeros((SIZE, SIZE))
    lips[48:52, 26:38] = 0.8
    masks = regions(mask * (lips == 0), lips)
    made = compete(picture[None], masks, (0,))[0]
    assert made[48:52, 26:38, 1].min() > 0.75 and made[..., 0][lips > 0].max() < 0.1
    both = compete(picture[None], masks, (0,), overlapping=(1,))[0]
    np.testing.assert_array_equal(both[..., 1], masks[0, ..., 1])


def test_where_there_is_no_hair_nothing_changes(rng):
    picture, hair = a_head(rng)
    masks = regions(0.5 * rough(hair))
    np.testing.assert_array_equal(compete(picture[None], masks, (0,)), masks)
    assert compete(picture[None], masks, ()) is masks


def test_the_largest_part_is_kept_of_what_competed(rng):
    """The two rules in their order: what is apart from the hair, but of its colour, is left out at the end."""
    picture, hair = a_head(rng)
    picture[2:8, 2:8] = [-0.7, -0.8, -0.85]
    masks = regions(np.maximum(rough(hair), np.pad(np.full((8, 8), 0.9), ((0, 56), (0, 56)))))
    assert compete(picture[None], masks, (0,))[0, 2:8, 2:8, 0].mean() > 0.5
    made = found(picture[None], masks, competing=(0,), connected=(0,), faces=[True])[0, ..., 0]
    assert made[2:8, 2:8].max() < 0.2 and iou(made, hair) > 0.9


def test_only_faces_that_were_found_compete(rng):
    """Where no face was framed, layouts of faces say nothing: with one, a face in the corner became hair."""
    picture, hair = a_head(rng)
    masks = np.repeat(regions(rough(hair)), 2, axis=0)
    made = found(np.stack([picture, picture]), masks, competing=(0,), faces=[False, True])
    np.testing.assert_array_equal(made[0], masks[0])
    np.testing.assert_array_equal(made[1], compete(picture[None], masks[:1], (0,))[0])


def test_layouts_are_read_as_they_were_written(rng):
    parts = rng.dirichlet(np.ones(4), (3, 16, 16)).astype(np.float32)
    layouts = Layouts(parts[0], parts[1:], np.array([0.25, 0.75], np.float32))
    again = Layouts.from_bytes(layouts.to_bytes())
    for name in ("mean", "each", "shares"):
        np.testing.assert_allclose(getattr(again, name), getattr(layouts, name), atol=1e-5)
    assert again.resized(32).each.shape == (2, 32, 32, 4)


def test_layouts_of_other_languages_are_the_shipped_ones():
    """The Android demo's file, with which the static page's tests compute too, is what both builds write."""
    plain = Layouts.from_bytes(LAYOUTS.read_bytes()).to_plain()
    assert plain == (ROOT / "android_demo" / "assets" / "layouts.bin").read_bytes()
    count, side = np.frombuffer(plain[:8], ">u4")
    assert (count, side) == (24, 32) and len(plain) == 8 + 2 * (count + (count + 1) * 4 * side**2)


@pytest.mark.parametrize("part", ["mean", "each"])
def test_the_shipped_layouts_are_shares(part):
    found = getattr(Layouts.from_bytes(LAYOUTS.read_bytes()), part)
    assert found.shape[-3:] == (32, 32, 4) and found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-3)


def test_what_is_taught_as_in_photographs(rng):
    """Eq. (9.38), of the shares whose ramp `compete` takes: 1/2 where its ramp has 1/2, and nothing in the ellipse."""
    picture, hair = a_head(rng)
    picture = cv2.GaussianBlur(picture, (0, 0), 2)  # so that pixels of outlines are shared
    mask, options = rough(hair) * face_regions.SURE, RefineConfig(by="photographs", face="0.5,0.55,0.18,0.13")
    seen = np.uint8(np.round((picture + 1) * 127.5))
    refined = photograph_refiner(SIZE, options)(seen, mask)
    assert refined is not None
    area, taught = refined
    barred = ellipse_mask(SIZE, options.ellipse())
    assert not taught[barred].any() and area == pytest.approx(taught.mean()) and taught.dtype == np.float32
    # Masks of photographs count as they are, and those of training images are divided by SURE.
    made = compete(picture[None], regions(rough(hair)), (0,))[0, ..., 0]
    share = made * (RAMP[1] - RAMP[0]) + RAMP[0]
    inside = (made > 0) & (made < 1) & ~barred
    assert inside.sum() > 20
    np.testing.assert_allclose(taught[inside], share[inside] + 0.5 - sum(RAMP) / 2, atol=1e-5)
    np.testing.assert_array_equal(taught[~barred] > 0.5, made[~barred] > 0.5)
