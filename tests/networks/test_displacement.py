"""Pixels that move: sampling, the head, the composite and the term, against NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from lomit_tf import core
from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.networks.decoder import changed, composed
from lomit_tf.networks.displacement import DisplacementHead, displaced, roughness
from lomit_tf.networks.generator import Generator

FREE = {"attributes": ("Smiling",), "system": "recipe", "free_change": True, "displacement": 3}


def by_hand(images: np.ndarray, displacement: np.ndarray) -> np.ndarray:
    """Bilinear samples one by one; beyond the edges the nearest pixel."""
    count, height, width, _ = images.shape
    out = np.zeros_like(images)
    for b, i, j in np.ndindex(count, height, width):
        x = min(max(j + displacement[b, i, j, 0], 0), width - 1)
        y = min(max(i + displacement[b, i, j, 1], 0), height - 1)
        left, top = int(np.floor(x)), int(np.floor(y))
        for row, share in ((top, 1 - (y - top)), (top + 1, y - top)):
            for column, part in ((left, 1 - (x - left)), (left + 1, x - left)):
                if share * part > 0:
                    out[b, i, j] += share * part * images[b, row, column]
    return out


@pytest.fixture
def moving(rng) -> tuple[np.ndarray, np.ndarray]:
    """Pictures and displacements, of which some lead beyond the edges."""
    return rng.uniform(-1, 1, (2, 7, 9, 3)).astype("float32"), rng.uniform(-4, 4, (2, 7, 9, 2)).astype("float32")


def test_each_pixel_comes_from_where_its_displacement_leads(moving):
    images, displacement = moving
    np.testing.assert_allclose(displaced(images, displacement), by_hand(images, displacement), atol=1e-5)
    whole = np.round(displacement)
    np.testing.assert_allclose(displaced(images, whole), by_hand(images, whole), atol=1e-6)


def test_without_displacement_every_pixel_stays_to_the_bit(moving):
    images, displacement = moving
    np.testing.assert_array_equal(displaced(images, 0 * displacement), images)


def test_the_displacement_learns_from_what_it_shows(rng):
    """Its gradient against differences of the sampled picture, between pixels."""
    images = tf.constant(rng.uniform(-1, 1, (1, 6, 6, 2)), tf.float32)
    at = rng.integers(-1, 2, (1, 6, 6, 2)) + rng.uniform(0.3, 0.7, (1, 6, 6, 2))
    at[:, [0, -1]] = at[:, :, [0, -1]] = 0.5 * np.sign(2.5 - np.arange(6))[[0, -1]].mean()
    weights = tf.constant(rng.normal(size=(1, 6, 6, 2)), tf.float32)

    def loss(displacement: np.ndarray) -> float:
        return float(tf.reduce_sum(weights * displaced(images, tf.constant(displacement, tf.float32))))

    with tf.GradientTape() as tape:
        d = tf.Variable(tf.constant(at, tf.float32))
        total = tf.reduce_sum(weights * displaced(images, d))
    found = tape.gradient(total, d).numpy()
    for place in ((0, 2, 2, 0), (0, 3, 1, 1), (0, 1, 4, 0), (0, 4, 3, 1)):
        more, less = at.copy(), at.copy()
        more[place] += 0.05
        less[place] -= 0.05
        assert found[place] == pytest.approx((loss(more) - loss(less)) / 0.1, abs=2e-3)
    assert np.abs(found).max() > 0.1


def test_the_head_begins_with_nothing_and_keeps_within_its_reach(rng):
    head = DisplacementHead(6, 3)
    features = rng.normal(size=(2, 8, 8, 4)).astype("float32")
    assert not np.asarray(head(features)).any()
    head.field.conv.kernel.assign(rng.normal(0, 20, head.field.conv.kernel.shape))
    found = np.asarray(head(features))
    assert found.shape == (2, 16, 16, 2) and 5.5 < np.abs(found).max() <= 6


def test_a_composite_moves_the_input_within_the_mask_and_adds_what_was_painted(rng):
    """Eq. (3.16) by hand."""
    image, wanted, present = (rng.uniform(-0.6, 0.6, (2, 12, 12, 3)).astype("float32") for _ in range(3))
    there, here = (rng.uniform(-2, 2, (2, 12, 12, 2)).astype("float32") for _ in range(2))
    mask = rng.uniform(0, 1, (2, 12, 12, 1)).astype("float32")
    mask[:, :4] = 0
    both, moves = np.concatenate([wanted, present]), np.concatenate([there, here])
    found, by = composed(image, mask, both, moves)
    np.testing.assert_allclose(by, mask * (there - here), atol=1e-6)
    before, details = by_hand(image, mask * (there - here)), by_hand(image - present, mask * (there - here))
    lost = 1 - (np.asarray(changed(present + 1, wanted, present)) - wanted)[..., :1]  # eq. (3.10)
    painted = np.clip(before + wanted - present - lost * details, -1, 1)
    np.testing.assert_allclose(found, before + mask * (painted - before), atol=1e-5)
    np.testing.assert_array_equal(np.asarray(found)[:, :4], image[:, :4])
    same, none = composed(image, mask, np.concatenate([wanted, wanted]), np.concatenate([there, there]))
    np.testing.assert_array_equal(same, image)
    assert not np.asarray(none).any()


def test_roughness_counts_differences_between_neighbours(rng):
    """Eq. (5.13), written out."""
    d = rng.normal(size=(2, 5, 6, 2)).astype("float32")
    across = [((d[:, i, j + 1] - d[:, i, j]) ** 2).sum(axis=-1).mean() for i in range(5) for j in range(5)]
    along = [((d[:, i + 1, j] - d[:, i, j]) ** 2).sum(axis=-1).mean() for i in range(4) for j in range(6)]
    assert float(roughness(d)) == pytest.approx(np.mean(across) + np.mean(along), rel=1e-5)
    assert float(roughness(np.ones((1, 4, 4, 2), "float32"))) == 0


@pytest.fixture
def moved(tiny, rng) -> tuple[Generator, np.ndarray, np.ndarray]:
    """A generator whose pixels move visibly, and pictures."""
    keras.utils.set_random_seed(8)
    config = tiny(**FREE)
    made = Generator(config.model, 1, None, ())
    size = config.data.image_size
    x, exemplar = rng.uniform(-1, 1, (2, 2, size, size, 3)).astype("float32")
    core.translate(made, x, exemplar)
    made.style_encoder.code.kernel.assign(made.style_encoder.code.kernel * 5)
    field = made.decoder.displacement.field.conv.kernel
    field.assign(np.random.default_rng(1).normal(0, 0.3, field.shape))
    return made, x, exemplar


def test_a_translation_says_how_its_pixels_moved(moved):
    made, x, exemplar = moved
    found = core.translate(made, x, exemplar)
    size = x.shape[1]
    assert made.parts(size) == {"raw": (size, size, 3), "displacement": (size, size, 2)}
    by, mask = np.asarray(found.displacement), np.asarray(found.masks)[..., :1]
    assert 0.05 < np.abs(by).max() <= 2 * 3
    before = by_hand(x, by)
    np.testing.assert_allclose(found.image, before + mask * (np.asarray(found.raw) - before), atol=1e-4)
    own = core.encode_exemplar(made, x)[0]
    np.testing.assert_allclose(core.apply_styles(made, x, own).image, x, atol=1e-5)


def test_what_is_not_asked_for_does_not_move(moved):
    made, x, exemplar = moved
    styles = core.encode_exemplar(made, exemplar)[0]
    found = core.apply_styles(made, x, styles, np.zeros((len(x), 1), "float32"))
    assert not np.asarray(found.displacement).any()
    np.testing.assert_array_equal(found.image, x)


def test_a_displacement_needs_an_input_that_is_kept():
    said = "--displacement=4 needs --system=recipe and --free_change.*received --system=recipe and --nofree_change"
    with pytest.raises(ConfigError, match=said):
        LomitConfig.create("small", dataset="celeb_a", attributes=("Smiling",), system="recipe", displacement=4)
    with pytest.raises(ConfigError, match="at most 32 of the model's pixels; received 33"):
        LomitConfig.create("small", dataset="celeb_a", **FREE | {"displacement": 33})
    with pytest.raises(ConfigError, match="pixel by pixel; all groups of this model are --colour_groups=all"):
        LomitConfig.create("small", dataset="celeb_a", **FREE | {"displacement": 4, "colour_groups": ("all",)})
