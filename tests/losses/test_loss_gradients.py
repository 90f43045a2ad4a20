"""Where each loss's gradient goes (docs/method.md, 5 and 6)."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.plain_adain import PlainAdaIN
from lomit_tf import objectives
from lomit_tf.losses import classification, mask
from lomit_tf.model import Lomit
from lomit_tf.networks.critic import Critic
from lomit_tf.networks.generator import Generator

GROUPS = {"groups": "hair: Black_Hair; smile: Smiling"}
MEMBERSHIP = np.eye(2, dtype="float32")
NETWORKS = {"content_encoder", "mask_decoder", "style_encoder", "foreground_mlp", "background_mlp", "decoder"}
IMAGE_TERMS = ("adversarial", "classification", "reconstruction", "cycle", "content", "style_foreground",
               "style_background")  # fmt: skip
ALL_OFF = dict.fromkeys(("adversarial_weight", "critic_classification_weight", "reconstruction_weight", "cycle_weight",
                         "mask_similarity", "mask_sparsity", "edge_weight", "mask_cycle_weight"), 0.0)  # fmt: skip


def by_network(generator) -> dict[str, list]:
    """The variables of each part of the generator side."""
    found = {name: getattr(generator, name).trainable_variables for name in NETWORKS}
    assert sum(map(len, found.values())) == len(generator.trainable_variables)
    return found


def small_pairs(seed: int = 0) -> objectives.Pairs:
    """Two pairs of 16 px images; the networks take any multiple of their strides."""
    random = np.random.default_rng(seed)
    x1, x2 = (tf.constant(random.uniform(-1, 1, (2, 16, 16, 3)), tf.float32) for _ in range(2))
    y1, y2 = tf.constant([[1.0, 0.0], [0.0, 0.0]]), tf.constant([[0.0, 0.0], [1.0, 1.0]])
    return objectives.Pairs.of(x1, y1, x2, y2, tf.constant([[1.0, 1.0], [0.0, 1.0]]), MEMBERSHIP)


def reached_by_term(config) -> dict[str, set[str]]:
    """Term -> the networks that get a gradient from it alone."""
    keras.utils.set_random_seed(3)
    generator, critic, pairs = Generator(config.model, 2), Critic(config.model, 2), small_pairs()
    with tf.GradientTape(persistent=True) as tape:
        first = objectives.translate(generator, config, pairs, reconstruct=True)
        step = objectives.Step(generator, critic, config, MEMBERSHIP, pairs, first)
        terms = objectives.generator_terms(step)
        terms["mask_similarity"] = objectives.similarity_term(
            config, first.encoding.masks, first.encoding.content[0], pairs.images
        )
    parts = by_network(generator)
    reached = {}
    for name, term in terms.items():
        gradients = dict(zip((id(v) for v in generator.trainable_variables),
                             tape.gradient(term, generator.trainable_variables), strict=True))  # fmt: skip
        reached[name] = {
            part
            for part, variables in parts.items()
            if any(gradients[id(v)] is not None and np.any(gradients[id(v)].numpy()) for v in variables)
        }
    return reached


def test_coupled_masks_are_shaped_by_every_term(tiny):
    reached = reached_by_term(tiny(**GROUPS))
    assert set(reached) == {*IMAGE_TERMS, "mask_similarity", "mask_sparsity"}
    for term in IMAGE_TERMS:
        assert reached[term] == NETWORKS, term
    assert reached["mask_sparsity"] == {"mask_decoder", "content_encoder"}


def test_decoupled_masks_learn_from_their_own_questions_only(tiny):
    reached = reached_by_term(tiny(**GROUPS, system="recipe"))
    own = {"mask_classification", "mask_critic", "mask_cycle", "mask_similarity", "mask_sparsity"}
    assert set(reached) == {*IMAGE_TERMS, *own}
    for term in IMAGE_TERMS:
        assert reached[term] == NETWORKS - {"mask_decoder"}, term
    for term in own:  # neither G nor the styles: what is painted is fixed while the mask asks where
        assert reached[term] == {"mask_decoder", "content_encoder"}, term


def test_sparsity_by_change_reaches_the_masks_only(tiny):
    reached = reached_by_term(tiny(**GROUPS, system="recipe", mask_sparsity_change=1.0))
    assert reached["mask_sparsity"] == {"mask_decoder", "content_encoder"}


def test_full_masks_make_the_translation_plain_adain(tiny):
    keras.utils.set_random_seed(3)
    config = tiny(system="recipe")
    generator, pairs = PlainAdaIN(config.model, 1), small_pairs()
    content = generator.encode_content(pairs.images)
    masks = generator.masks(content, pairs.images)
    np.testing.assert_array_equal(masks[..., 0], 1)
    np.testing.assert_array_equal(masks[..., 1], 0)
    styles = generator.styles(pairs.images, masks)
    other = tf.concat([styles[:, :1], styles[:, 1:] + 5.0], axis=1)  # another background style changes nothing
    np.testing.assert_allclose(generator.decode(content, masks, styles), generator.decode(content, masks, other))
    pairs = dataclasses.replace(pairs, transfer=pairs.transfer[:, :1])
    painting = objectives.translate(generator, config, pairs, reconstruct=False).painting
    for image, raw, given, asked in zip(painting.image, painting.raw, pairs.images, pairs.transfer[:, 0], strict=True):
        np.testing.assert_allclose(image, raw if asked else given, atol=1e-6)


@pytest.fixture(scope="module")
def models(tiny) -> dict[str, Lomit]:
    """Built models with two groups; a test sets their configuration and restores their weights through `one_step`."""
    keras.utils.set_random_seed(4)
    made = {}
    for system in ("paper", "recipe"):
        made[system] = Lomit(tiny(**GROUPS, system=system, ema_decay=0.0))
        made[system].compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))
    return made


@pytest.fixture(scope="module")
def one_step(models, element):
    """one_step(config) -> network -> the change of its variables by one SGD step at rate 1, from the same start."""
    starts = {
        system: [v.numpy() for v in model.generator.variables + model.critic.variables]
        for system, model in models.items()
    }

    def step(config):
        model, start = models[config.model.system], starts[config.model.system]
        for variable, value in zip(model.generator.variables + model.critic.variables, start, strict=True):
            variable.assign(value)
        model.config = config  # networks and optimizers stay: only the losses differ
        before = {id(v): v.numpy() for v in model.trainable_variables}
        model.train_step({name: tf.constant(value) for name, value in element(config).items()})
        parts = by_network(model.generator) | {"critic": model.critic.trainable_variables}
        return {part: [v.numpy() - before[id(v)] for v in variables] for part, variables in parts.items()}

    return step


def changed(changes) -> set[str]:
    return {part for part, deltas in changes.items() if any(np.any(d) for d in deltas)}


@pytest.mark.parametrize("system", ["paper", "recipe"])
def test_one_step_of_r1_moves_the_mask_decoder_only_and_by_its_gradient(
    models, one_step, tiny, element, system, monkeypatch
):
    monkeypatch.setattr(objectives.weights, "WEIGHTS", dict.fromkeys(objectives.WEIGHTS, 0.0))
    monkeypatch.setattr(objectives, "PENALTY_WEIGHT", 0.0)
    config, model = tiny(**GROUPS, **ALL_OFF | {"mask_similarity": 2.0}, system=system, ema_decay=0.0), models[system]
    changes = one_step(config)
    assert changed(changes) == {"mask_decoder"}
    for variable, delta in zip(model.generator.mask_decoder.trainable_variables, changes["mask_decoder"], strict=True):
        variable.assign(variable.numpy() - delta)  # back to the start
    data = element(config)
    images = tf.concat([data["x1"][:, 0], data["x2"][:, 0]], axis=0)
    with tf.GradientTape() as tape:
        content = model.generator.encode_content(images)
        masks_ = model.generator.masks(content, images)[..., :2]
        quarter = tf.reduce_mean(tf.reshape(masks_, (4, 16, 4, 16, 4, 2)), axis=(2, 4))
        r1 = mask.mask_similarity(quarter, content[0], cut_negative=system == "recipe")
    gradients = tape.gradient(r1, model.generator.mask_decoder.trainable_variables)
    for delta, gradient in zip(changes["mask_decoder"], gradients, strict=True):
        np.testing.assert_allclose(delta, -2.0 * gradient.numpy(), rtol=1e-3, atol=1e-6)  # float32 sums


def test_r1_beside_all_other_losses_changes_the_mask_decoders_step_only(one_step, tiny):
    without = one_step(tiny(**GROUPS, mask_similarity=0.0, ema_decay=0.0))
    with_r1 = one_step(tiny(**GROUPS, mask_similarity=50.0, ema_decay=0.0))
    assert changed(without) == {*NETWORKS, "critic"}
    for part in NETWORKS | {"critic"}:
        differences = [np.abs(a - b).max() for a, b in zip(without[part], with_r1[part], strict=True)]
        # Both steps round alike: threads may add up gradients in another order, no more.
        assert (max(differences) > 1e-3) if part == "mask_decoder" else (max(differences) < 1e-4), part


def test_decoupled_masks_without_mask_losses_stand_still_in_a_real_step(one_step, tiny):
    config = tiny(**GROUPS, system="recipe", ema_decay=0.0, mask_losses=0)
    assert changed(one_step(config)) == {*NETWORKS - {"mask_decoder"}, "critic"}


def test_cosine_similarity_is_finite_with_its_gradient_at_zero_vectors():
    features = tf.Variable(np.array([[[0, 0, 0], [1, 2, 2], [0, 0, 0]]], "float32"))
    with tf.GradientTape() as tape:
        similarity = mask.cosine_similarity(features)
        total = tf.reduce_sum(similarity)
    np.testing.assert_allclose(similarity, [[[0, 0, 0], [0, 1, 0], [0, 0, 0]]], atol=1e-6)
    assert np.all(np.isfinite(tape.gradient(total, features)))


def test_r1_passes_no_gradient_through_its_features_and_pulls_like_pixels_together():
    masks = tf.Variable(np.array([0.2, 0.9, 0.5], "float32").reshape(1, 1, 3, 1))
    features = tf.Variable(np.array([[1, 0], [1, 0], [-1, 0]], "float32").reshape(1, 1, 3, 2))
    with tf.GradientTape(persistent=True) as tape:
        r1 = mask.mask_similarity(masks, features)
    assert tape.gradient(r1, features) is None
    # d/dm_i of sum_j |m_i - m_j| cos(i, j), each pair twice, over 9: signs (i-j) times +1 (0-1) or -1 (with 2).
    expected = np.array([(-1) - (-1), 1 - 1, (1 - 1) * -1.0]) * 2 / 9
    np.testing.assert_allclose(np.ravel(tape.gradient(r1, masks)), expected, atol=1e-6)


@pytest.mark.parametrize("logit", [-100.0, -1.0, 0.0, 2.0, 100.0])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_classification_gradient_is_probability_minus_label(logit, label):
    logits = tf.constant([[logit]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = classification.classification_loss(logits, tf.constant([[label]]))
    expected = 1 / (1 + np.exp(-logit)) - label
    assert float(tape.gradient(loss, logits)[0, 0]) == pytest.approx(expected, abs=1e-6)
