"""Masks at a photograph's own size: saved and given back, erased and painted beyond the crop, and shared by faces."""

from __future__ import annotations

import numpy as np
import pytest

from lomit_tf.imaging.framing import Window
from lomit_tf.imaging.photo import from_array
from lomit_tf.photos import photo_masks
from lomit_tf.photos.portraits import PORTRAITS
from lomit_tf.photos.translation import FramedPhoto
from lomit_tf.photos.translator import Translator
from lomit_tf.webapp.mask_edits import layer_of
from lomit_tf.webapp.session import Session, Settings

EXEMPLAR, PHOTO = PORTRAITS["Grace Hopper"], PORTRAITS["Eileen Collins"]
CROP = "120,60,230,160"  # cuts through the hair of PHOTO


@pytest.fixture(scope="module")
def translator() -> Translator:
    """The shipped model of hair, which goes on beyond the crop of this photograph."""
    translator = Translator("celeba_hair", log_notes=False, crop=CROP)
    translator.set_exemplar(EXEMPLAR)
    return translator


@pytest.fixture(scope="module")
def outside(translator) -> np.ndarray:
    """(H, W) bool: well outside of the photograph's crop."""
    framed = translator.prepare(PHOTO)
    beyond = photo_masks._distance(framed) > 0.02
    assert beyond.mean() > 0.1
    return beyond


def picture(result) -> np.ndarray:
    return np.asarray(result.image).astype(int)


def test_masks_given_back_unedited_lead_to_the_same_picture(translator, outside):
    plain, masks = translator.translate(PHOTO), translator.masks(PHOTO)
    np.testing.assert_array_equal(masks["hair"], plain.input_masks["hair"])
    assert masks["hair"][outside].max() > 0.2, "nothing to be seen here"
    saved = {"hair": np.uint8(np.round(255 * masks["hair"]))}  # as a grey picture has them
    for given in (masks, saved):
        again = translator.translate(PHOTO, given)
        assert np.abs(picture(again) - picture(plain)).max() <= 1
        np.testing.assert_array_equal(again.input_masks["hair"], masks["hair"])
        assert again.notes == ()


def test_what_is_erased_or_painted_beyond_the_crop_is_as_given(translator, outside):
    # Blue, which this photograph is nowhere: else some pixels would have the wanted colour already.
    blue = translator.encode_colour("#2b6fd6")
    before, masks = picture(translator.translate(PHOTO, strength=0)), translator.masks(PHOTO)
    hair = np.where(outside, 0, masks["hair"]).astype(np.float32)
    np.testing.assert_array_equal(picture(translator.translate(PHOTO, hair))[outside], before[outside])
    rows, columns = np.nonzero(outside & (masks["hair"] == 0))
    hair[rows, columns] = 1
    made = translator.translate(PHOTO, hair, exemplar=blue)
    np.testing.assert_array_equal(made.input_masks["hair"], hair)
    assert (picture(made) != before).any(axis=-1)[rows, columns].mean() > 0.9


def test_an_exemplars_masks_end_with_its_crop(translator, outside):
    masks = translator.masks(PHOTO, exemplar=True)
    assert masks["hair"].max() > 0.5 and not masks["hair"][outside].any()
    np.testing.assert_array_equal(masks["hair"], translator.encode_exemplar(PHOTO).masks["hair"])
    marked = np.float32(outside)
    notes = translator.encode_exemplar(PHOTO, np.maximum(marked, masks["hair"])).notes
    assert "exemplar: exemplar mask: what is marked outside of the crop is ignored" in notes


def test_a_stroke_on_the_page_leaves_the_hair_beyond_the_crop_as_it_was(translator, outside, tmp_path):
    session = Session(translator)
    session.open("input", str(PHOTO), PHOTO.name)
    session.open("exemplar", str(EXEMPLAR), EXEMPLAR.name)
    plain = session.show(Settings()).after[0][1].astype(int)
    layer = session.input.layers["hair"]
    np.testing.assert_array_equal(layer, layer_of(translator.masks(PHOTO)["hair"], session.input.size))
    painted = layer.copy()
    middle = tuple(n // 2 for n in layer.shape)
    painted[middle[0] - 5 : middle[0] + 5, middle[1] - 5 : middle[1] + 5] = 255  # on the nose
    assert session.input.paint("hair", painted)
    edited = session.show(Settings()).after[0][1].astype(int)
    assert (edited != plain).any()
    difference = np.abs(edited - plain).max(axis=-1)[outside]
    assert np.mean(difference > 12) < 0.01, "the hair beyond the crop has lost its colour"
    assert session.exemplar.layers["hair"].max() > 0


@pytest.mark.quick
def test_every_pixel_beyond_the_crops_is_one_faces(rng):
    photo = from_array(rng.integers(0, 256, (90, 160, 3), np.uint8), "two faces")
    windows = Window(10, 20, 40, 40, 0.0), Window(100, 30, 50, 50, 20.0)
    faces = tuple(FramedPhoto(photo, window, 32, ()) for window in windows)
    given = rng.uniform(0.1, 1, (90, 160)).astype(np.float32)
    parts = [photo_masks.of_face(one, faces, {"hair": given}, ("hair",), ("hair",))["hair"] for one in faces]
    np.testing.assert_array_equal(sum(parts), given)
    assert (parts[0][20:60, 10:50] > 0).all() and (parts[1][55, 125] > 0).all()
    assert (parts[0][:, 0] > 0).all() and (parts[1][:, -1] > 0).all()
    within = [photo_masks.of_face(one, faces, {"hair": given}, ("hair",))["hair"] for one in faces]
    assert [np.count_nonzero(part) < 60**2 for part in within] == [True, True]


@pytest.mark.quick
def test_each_face_keeps_its_own_of_a_mask_that_comes_back(rng):
    """Of two faces whose crops overlap: a saved mask has the larger value there, which each took for its own."""
    photo = from_array(rng.integers(0, 256, (90, 160, 3), np.uint8), "two faces")
    faces = tuple(FramedPhoto(photo, Window(left, 20, 60, 60), 32, ()) for left in (20, 60))
    for face in faces:
        face.own_masks = np.float32(rng.dirichlet([1, 1], (32, 32)))
    faces[0].others = faces[1:]
    found = [photo_masks.of_face(one, faces, {}, ("hair",), ("hair",))["hair"] for one in faces]
    saved = np.uint8(np.round(255 * np.max(found, axis=0))) / np.float32(255)
    edited = saved.copy()
    edited[40:50, 90:100] = 1 - edited[40:50, 90:100].round()
    far = np.pad(np.zeros((14, 14), bool), ((38, 38), (88, 58)), constant_values=True)
    for given, where in ((saved, np.ones_like(saved, bool)), (edited, far)):
        same = photo_masks.as_found(faces[0], {"hair": given}, ("hair",), ("hair",))
        np.testing.assert_array_equal(same["hair"] | ~where, True)
        for one, own in zip(faces, found, strict=True):
            used = photo_masks.of_face(one, faces, {"hair": given}, ("hair",), ("hair",), same)["hair"]
            np.testing.assert_array_equal(used[where], own[where])
            placed = photo_masks.of_face(one, faces, {"hair": given}, ("hair",), ("hair",))["hair"]
            np.testing.assert_array_equal(used[~same["hair"]], placed[~same["hair"]])
            small = one.network_masks({"hair": given}, ("hair",), same)[..., 0]
            assert np.mean(np.abs(small - one.own_masks[..., 0]) <= 1e-6) > (0.999 if given is saved else 0.9)


@pytest.mark.quick
def test_given_and_found_masks_sum_to_one_beyond_the_crop_too(rng):
    photo = from_array(np.full((100, 100, 3), (70, 40, 20), np.uint8), "one colour")
    framed = FramedPhoto(photo, Window(30, 30, 40, 40, 0.0), 32, ())
    framed.own_masks = np.full((32, 32, 3), (0.54, 0.44, 0.02), np.float32)
    groups = ("hair", "make-up")
    found = photo_masks.of_photo(framed, {}, groups, groups)
    assert found["make-up"][80, 50] > 0.1 > found["make-up"][15, 50]  # below the window, and above it
    made = photo_masks.of_photo(framed, {"hair": np.full((100, 100), 0.9)}, groups, groups)
    np.testing.assert_array_equal(made["hair"], np.float32(0.9))
    expected = 0.1 * found["make-up"] / (1 - found["hair"])  # eq. (10.2)
    np.testing.assert_allclose(made["make-up"], expected, atol=1e-6)
    assert made["make-up"].max() < found["make-up"].max()
