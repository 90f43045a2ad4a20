"""Light of faces, docs/method.md, eq. (10.9), against plain NumPy, and what a translation makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import lomit_tf
from lomit_tf.imaging import light
from lomit_tf.photos import portraits

SIZE = 64
LUMINANCE = np.array([0.299, 0.587, 0.114])


def face(skin=(0.8, 0.6, 0.5), hair=(0.2, 0.15, 0.1)) -> np.ndarray:
    """(SIZE, SIZE, 3) in -1..1: hair, and skin in a middle that is larger than what is looked at."""
    made = np.full((SIZE, SIZE, 3), hair, np.float64)
    made[24:52, 18:46] = skin
    return np.float32(made * 2 - 1)


def test_the_light_is_the_median_of_the_skin_at_luminance_1():
    skin = np.array([0.8, 0.6, 0.5]) + 0.02
    np.testing.assert_allclose(light.of_face(face()), skin / (skin @ LUMINANCE), atol=1e-5)
    with_glasses = face()
    with_glasses[34:36, 22:30] = -1  # a few pixels do not count
    np.testing.assert_allclose(light.of_face(with_glasses), light.of_face(face()), atol=1e-6)


def test_a_picture_takes_the_ratio_of_both_lights_and_keeps_its_luminance(rng):
    pixels = np.float32(rng.uniform(-1, 0.2, (SIZE, SIZE, 3)))
    own, wanted = light.of_face(face()), light.of_face(face(skin=(0.7, 0.6, 0.52)))
    made = light.changed(pixels, own, wanted)
    before = (pixels.astype(np.float64) + 1) / 2
    expected = before * (wanted.astype(np.float64) / own) ** light.SHARE
    expected *= (before @ LUMINANCE / (expected @ LUMINANCE))[..., None]
    np.testing.assert_allclose((made + 1) * 127.5, np.round(255 * expected), atol=1e-3)
    np.testing.assert_allclose((made + 1) / 2 @ LUMINANCE, before @ LUMINANCE, atol=0.5 / 255 + 1e-5)


@pytest.mark.parametrize("skin", [(0.8, 0.3, 0.5), (0.5, 0.5, 0.5), (0.3, 0.4, 0.9)])
def test_paint_and_grey_say_nothing_of_the_light(skin):
    unknown, usual = light.of_face(face(skin=skin)), light.of_face(face())
    assert (light.known(unknown), light.known(usual)) == (0, 1)
    for lights in ((unknown, usual), (usual, unknown)):
        np.testing.assert_array_equal(light.changed(face(), *lights), face())


@pytest.mark.parametrize(("start", "end"), [((0.6, 0.6, 0.6), (0.8, 0.6, 0.5)), ((0.8, 0.6, 0.5), (0.8, 0.3, 0.5))])
def test_what_is_known_fades_in(start, end):
    """No level of a colour switches it on: from grey to skin, and from skin to pink paint, by small steps."""
    between = (np.add(start, share * np.subtract(end, start)) for share in np.linspace(0, 1, 101))
    steps = [light.known(light.of_face(face(skin=skin))) for skin in between]
    assert np.abs(np.diff(steps)).max() < 0.06 and {min(steps), max(steps)} == {0, 1}


def test_the_same_light_changes_nothing_and_coloured_light_a_part_alone():
    own = light.of_face(face())
    np.testing.assert_array_equal(light.changed(face(), own, own), face())
    red = light.of_face(face(skin=(0.9, 0.25, 0.2)))
    made = (light.changed(np.zeros((1, 1, 3), np.float32), own, red)[0, 0] + 1) / 2
    assert made.max() / made.min() <= light.FURTHEST ** (2 * light.SHARE) + 0.01  # of levels
    bright = light.changed(np.ones((1, 1, 3), np.float32), own, red)
    assert bright.max() <= 1 and bright.min() >= -1


def test_hair_is_taken_from_an_exemplar_in_the_light_of_the_photograph():
    """A warm lamp on the exemplar changes the hair that it gives less than its own pixels."""
    photograph, exemplar = (np.asarray(Image.open(path).convert("RGB")) for path in portraits.PORTRAITS.values())
    warm = np.uint8(exemplar * [1.0, 0.88, 0.7])
    translator = lomit_tf.Translator("celeba_hair", log_notes=False)
    hair = translator.masks(photograph)["hair"] > 0.9
    made, given = {}, {}
    for name, picture in (("plain", exemplar), ("warm", warm)):
        encoded = translator.encode_exemplar(picture)
        assert encoded.seen is not None
        made[name] = np.asarray(translator.translate(photograph, exemplar=encoded).image)[hair].mean(axis=0)
        given[name] = picture[encoded.masks["hair"] > 0.9].mean(axis=0)
    moved, was = (np.abs(c["plain"] / c["plain"].sum() - c["warm"] / c["warm"].sum()).max() for c in (made, given))
    assert moved < 0.8 * was, (moved, was)
