"""What a trained Keras model is asked for: translation, masks that people edit, saving, precision."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from lomit_tf import core
from lomit_tf.model import Lomit
from tests.helpers.lomit_models import PAPER, RECIPE, logs_of, make, tensors


@pytest.fixture(scope="module")
def models(tiny):
    """The paper's system and the decoupled recipe, with optimizers that change nothing."""
    return {name: make(tiny(**fields)) for name, fields in (("paper", PAPER), ("recipe", RECIPE))}


@pytest.fixture
def images(rng):
    return (tf.constant(rng.uniform(-1, 1, (2, 64, 64, 3)), tf.float32) for _ in range(2))


def test_translate_is_the_averaged_generators_and_says_which_masks_it_used(models, images):
    model = models["paper"]
    image, exemplar = images
    found = model.translate(image, exemplar)
    g = model.ema_generator
    encoded = [core.encode(g, x) for x in (image, exemplar)]
    mixed = tf.concat([encoded[1].styles[:, :-1], encoded[0].styles[:, -1:]], axis=1)
    np.testing.assert_allclose(found["image"], g.decode(encoded[0].content, encoded[0].masks, mixed), atol=1e-5)
    np.testing.assert_array_equal(model({"x1": image, "x2": exemplar}), found["image"])
    for side, x in (("image_masks", image), ("exemplar_masks", exemplar)):
        expected = model.ema_generator.masks(model.ema_generator.encode_content(x), x)
        np.testing.assert_allclose(found[side], expected, atol=1e-6)
    given = model.translate(image, exemplar, image_masks=found["image_masks"], exemplar_masks=found["exemplar_masks"])
    np.testing.assert_array_equal(given["image"], found["image"])
    kernel = model.generator.decoder.image.conv.kernel
    before = kernel.numpy()
    kernel.assign(before + 1)  # the raw weights play no part
    np.testing.assert_array_equal(model.translate(image, exemplar)["image"], found["image"])
    kernel.assign(before)


def test_an_empty_input_mask_returns_the_input_exactly(models, images):
    image, exemplar = images
    nowhere = np.zeros((2, 64, 64, 3), "float32")
    nowhere[..., 2] = 1
    found = models["recipe"].translate(image, exemplar, image_masks=nowhere)
    np.testing.assert_array_equal(found["image"], image)
    assert np.abs(found["raw"] - image).max() > 0.1
    half = np.array(models["recipe"].translate(image, exemplar)["image_masks"])
    half[:, :32] = nowhere[:, :32]
    found = models["recipe"].translate(image, exemplar, image_masks=half)
    np.testing.assert_array_equal(found["image"][:, :32], image[:, :32])
    assert np.abs(found["image"] - image)[:, 32:].max() > 0.01


def test_erasing_a_part_of_the_exemplars_mask_changes_what_is_transferred(models, images):
    image, exemplar = images
    for model in models.values():
        full = model.translate(image, exemplar)
        erased = np.array(full["exemplar_masks"])
        erased[:, 16:48, :, -1] += erased[:, 16:48, :, 0]
        erased[:, 16:48, :, 0] = 0
        edited = model.translate(image, exemplar, exemplar_masks=erased)
        assert np.abs(edited["image"] - full["image"]).max() > 1e-5
        np.testing.assert_array_equal(edited["image_masks"], full["image_masks"])


def test_groups_that_are_not_transferred_ignore_the_exemplar(models, images):
    model, (image, exemplar) = models["recipe"], images
    for chosen in ([1, 0], [0, 1]):
        transfer = np.array([chosen, chosen], "float32")
        found = model.translate(image, exemplar, transfer)
        other = np.array(found["exemplar_masks"])
        left_out = chosen.index(0)
        other[..., 2] += other[..., left_out]  # what the exemplar has of that group does not matter
        other[..., left_out] = 0
        edited = model.translate(image, exemplar, transfer, exemplar_masks=other)
        np.testing.assert_allclose(edited["image"], found["image"], atol=1e-6)
        own = model.translate(image, image, transfer)
        assert np.abs(own["image"] - found["image"]).max() > 1e-5


# Configuration and weights.


def test_config_survives_json_and_makes_the_same_model(models):
    model = models["recipe"]
    again = Lomit.from_config(json.loads(json.dumps(model.get_config())))
    assert again.config == model.config
    assert again.group_names == ("hair", "smile")
    np.testing.assert_array_equal(again.membership, [[1, 0], [0, 1]])


def test_membership_and_labels_of_two_domains(tiny):
    model = Lomit(tiny(dataset="two_domains"))
    assert model.group_names == ("all",)
    assert model.membership.tolist() == [[1.0]]


def test_saved_weights_give_the_same_translation(models, images, tmp_path):
    model, (image, exemplar) = models["recipe"], images
    path = tmp_path / "lomit.weights.h5"
    model.save_weights(path)
    again = Lomit(model.config)
    again.build()
    assert np.abs(again.translate(image, exemplar)["raw"] - model.translate(image, exemplar)["raw"]).max() > 1e-3
    again.load_weights(path)
    found, expected = (m.translate(image, exemplar)["image"] for m in (again, model))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    for name in ("generator", "critic"):
        for a, b in zip(getattr(again, name).get_weights(), getattr(model, name).get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_mixed_bfloat16_keeps_the_critic_and_all_losses_in_float32(tiny, models, element):
    exact = models["recipe"]
    model = Lomit(tiny(**RECIPE, precision="mixed_bfloat16"))
    model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    model.generator.set_weights(exact.generator.get_weights())
    model.critic.set_weights(exact.critic.get_weights())
    assert {v.dtype for v in model.variables if "seed" not in v.path} == {"float32"}
    assert all(layer.compute_dtype == "float32" for layer in model.critic._flatten_layers())
    assert any(layer.compute_dtype == "bfloat16" for layer in model.generator._flatten_layers())
    data = tensors(element(model.config, seed=5))
    logs = model.train_step(data)
    assert {tf.as_dtype(value.dtype).name for value in logs.values()} == {"float32"}
    expected = logs_of(exact, data)
    for name in ("generator/total", "generator/reconstruction", "generator/cycle", "critic/gradient_penalty"):
        # 0.4 % a rounding; means over all pixels lose little of that.
        assert float(logs[name]) == pytest.approx(expected[name], rel=0.05, abs=0.02), name
    assert float(logs["generator/total"]) != expected["generator/total"]
