"""Colours for the picture that smiles were painted into: the rule, when it is used, and the shipped model."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from lomit_tf.engines.outline import Outline, Painting
from lomit_tf.photos import second_look
from lomit_tf.photos.portraits import PORTRAITS
from lomit_tf.photos.translator import Translator

OUTLINE = Outline(64, ("lips", "smile"), (0,), "celeb_a", 0, boxes={1: (16, 16, 32)})
LIPS, SMILE, BOTH = ([[1, 0]], [[0, 1]], [[1, 1]])


class Networks:
    """Takes what is bright for lips, paints smiles white, and remembers what it was given."""

    outline = OUTLINE

    def __init__(self) -> None:
        self.calls: list[tuple[np.ndarray, ...]] = []

    def masks(self, images: np.ndarray) -> np.ndarray:
        lips = np.float32(images[..., :1] > 0.5)
        smile = np.zeros_like(lips)
        smile[:, 20:40, 20:40] = 1
        return np.concatenate([lips, smile, np.maximum(1 - lips - smile, 0)], axis=-1)

    def paint(self, images, masks, styles, transfer) -> list[Painting]:
        self.calls.append((images.copy(), masks.copy(), transfer.copy()))
        made = []
        for image, mask, asked in zip(images, masks, transfer, strict=True):
            raw = image.copy()
            if asked[1]:
                raw[25:35, 25:35] = 1.0
            made.append(Painting(mask, raw, np.full((8, 8, 24), asked[0], np.float32)))
        return made


def painted(transfer, count: int = 1, strength: float = 1.0, given=((False, False),)):
    networks = Networks()
    images = np.full((count, 64, 64, 3), -0.5, np.float32)
    images[:, 50:54, 10:20] = 0.8  # lips before, outside of the smile
    masks = networks.masks(images)
    asked = np.float32(transfer) * np.ones((count, 1), np.float32)
    strengths = np.full(count, strength, np.float32)
    by_a_person = np.array(given) & np.ones((count, 1), bool)
    styles = np.zeros((count, 2, 9), np.float32)
    faces = np.ones(count, bool)
    found = second_look.paint(networks, images, masks, styles, asked, strengths, by_a_person, faces)
    return networks.calls, images, masks, found


@pytest.mark.parametrize("transfer", [LIPS, SMILE, [[0, 0]]])
def test_one_kind_of_groups_takes_one_pass(transfer):
    calls, _, _, found = painted(transfer)
    assert len(calls) == 1 and found[0].moved is None
    np.testing.assert_array_equal(calls[0][2], transfer)


def test_lips_are_looked_for_where_the_smile_was_painted_and_nowhere_else():
    """Eq. (10.7), against NumPy, pixel by pixel."""
    calls, images, masks, found = painted(BOTH)
    (_, _, first), (picture, seen, second) = calls
    assert first.tolist() == SMILE and second.tolist() == LIPS
    expected = images[0].copy()
    expected[25:35, 25:35] = 1.0
    np.testing.assert_allclose(picture[0], expected, atol=1e-6)
    size = np.abs(expected - images[0]).mean(axis=-1)
    q = np.array([[size[i - 2 : i + 3, j - 2 : j + 3].mean() for j in range(2, 62)] for i in range(2, 62)])
    share = q**2 / (q**2 + 0.05**2)
    of_picture = np.float32(expected[..., 0] > 0.5)[2:62, 2:62]
    before = masks[0, 2:62, 2:62, 0]
    np.testing.assert_allclose(seen[0, 2:62, 2:62, 0], before + share * (of_picture - before), atol=1e-5)
    assert seen[0, 30, 30, 0] > 0.99 and found[0].moved[30, 30, 0] > 0.99
    np.testing.assert_array_equal(seen[0, 45:, :, 0], masks[0, 45:, :, 0])  # to the bit, far from the smile
    np.testing.assert_array_equal(seen[..., 1], masks[..., 1])
    assert found[0].curves.max() == 1 and np.abs(found[0].raw - expected).max() < 1e-6


def test_a_mask_that_a_person_gave_stays_as_it_is():
    calls, _, masks, found = painted(BOTH, given=[[True, False]])
    assert len(calls) == 2 and calls[1][2].tolist() == LIPS
    np.testing.assert_array_equal(calls[1][1][..., 0], masks[..., 0])
    assert not found[0].moved.any()


@pytest.mark.slow
def test_lips_that_were_erased_stay_without_lipstick():
    """Of the shipped model: a smile and an empty mask of lips are the smile alone; given back, masks do the same."""
    translator = Translator("celeba_mobile", log_notes=False)
    translator.set_exemplar(PORTRAITS["Grace Hopper"])
    photo = translator.prepare(PORTRAITS["Eileen Collins"])
    smile = translator.translate(photo, groups=["smile"]).image
    erased = translator.translate(photo, {"lips": np.zeros(photo.photo.size)}, groups=["lips", "smile"])
    np.testing.assert_array_equal(np.asarray(erased.image), np.asarray(smile))
    assert not erased.input_masks["lips"].any()
    both = translator.translate(photo, groups=["lips", "smile"])
    again = translator.translate(photo, {"lips": both.input_masks["lips"]}, groups=["lips", "smile"])
    difference = np.abs(np.asarray(again.image).astype(int) - np.asarray(both.image))
    assert difference.max() <= 10 and difference.mean() < 0.01


def test_each_image_has_as_many_passes_as_it_needs_and_its_strength_counts():
    calls, _, _, found = painted([[1, 1], [0, 1], [1, 0]], 3)
    assert calls[0][2].tolist() == [[0, 1], [0, 1], [1, 0]] and calls[1][2].tolist() == LIPS
    assert [each.moved is not None for each in found] == [True, False, False]
    calls, images, _, _ = painted(BOTH, strength=0.5)
    np.testing.assert_allclose(calls[1][0][0, 30, 30], (images[0, 30, 30] + 1) / 2, atol=1e-6)


@pytest.mark.slow
def test_a_photograph_takes_smile_and_lips_as_one_after_the_other():
    """Of the shipped model: near to two translations, the second of the first one's result; in one pass it is 0.8."""
    translator = Translator("celeba", log_notes=False)
    translator.set_exemplar(PORTRAITS["Grace Hopper"])
    photo = np.asarray(Image.open(PORTRAITS["Eileen Collins"]).convert("RGB"))
    together = translator.translate(photo, groups=["lips", "smile"])
    first = translator.translate(photo, groups=["smile"])
    second = translator.translate(first.image, groups=["lips"])
    lips = np.abs(second.image.astype(int) - first.image).max(axis=-1)
    error = np.abs(together.image.astype(int) - second.image).max(axis=-1)
    assert lips.max() > 20 and np.abs(first.image.astype(int) - photo).max() > 20
    assert error.mean() < 0.4 * lips.mean(), (error.mean(), lips.mean())
