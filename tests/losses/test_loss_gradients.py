"""Where each loss's gradient goes (docs/method.md, 5 and 6), and that the penalty's second derivatives are right."""

from __future__ import annotations

import dataclasses
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.plain_adain import PlainAdaIN
from lomit_tf import objectives
from lomit_tf.losses import adversarial, classification, mask
from lomit_tf.model import Lomit
from lomit_tf.networks.critic import Critic, HalvingConv2D
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


# The gradient penalty's second derivatives.


def convolution_matrix(kernel: np.ndarray, side: int, stride: int) -> np.ndarray:
    """The (side^2 C_in, out^2 C_out) matrix of a convolution with one row and column of zero padding, by loops."""
    size, _, c_in, c_out = kernel.shape
    out = side // stride
    matrix = np.zeros((side, side, c_in, out, out, c_out))
    for oy, ox, ky, kx in np.ndindex(out, out, size, size):
        y, x = oy * stride + ky - 1, ox * stride + kx - 1
        if 0 <= y < side and 0 <= x < side:
            matrix[y, x, :, oy, ox, :] += kernel[ky, kx]
    return matrix.reshape(side * side * c_in, out * out * c_out)


class NumpyCritic:
    """D_src and the derivative of its score with respect to the image, in float64: matrices and slopes of LeakyReLU."""

    def __init__(self, critic: Critic) -> None:
        self.conditioned, self.labels = critic.conditioned, critic.num_labels
        self.weights = [w.astype("float64") for layer in critic.trunk for w in layer.get_weights()]
        self.weights += [critic.source.get_weights()[0].astype("float64")]

    def scores_and_gradients(self, images: np.ndarray, labels: np.ndarray) -> list[tuple[float, np.ndarray]]:
        """Each image's score and its derivative, the chain rule written out."""
        side, layers = images.shape[1], (len(self.weights) - 1) // 2
        matrices = []
        for i in range(layers):
            matrices.append(convolution_matrix(self.weights[2 * i], side, 2))
            side //= 2
        places, source = side * side, self.weights[2 * layers]
        maps = convolution_matrix(source, side, 1).reshape(-1, places, source.shape[-1]).mean(axis=1)
        return [self._one(i.astype("float64"), y, matrices, maps, places) for i, y in zip(images, labels, strict=True)]

    def _one(self, image, label, matrices, maps, places) -> tuple[float, np.ndarray]:
        x, slopes = image.ravel(), []
        for i, matrix in enumerate(matrices):
            bias = self.weights[2 * i + 1]
            z = x @ matrix + np.tile(bias, matrix.shape[1] // bias.size)
            slopes.append(np.where(z > 0, 1.0, 0.01))
            x = z * slopes[-1]
        head = maps[:, 0]
        if self.conditioned:  # the head of each label's value, averaged over labels
            ones, zeros = maps[:, self.labels :], maps[:, : self.labels]
            head = sum((ones if label[k] else zeros)[:, k] for k in range(self.labels)) / self.labels
        score, gradient = float(x @ head), head
        for matrix, slope in zip(reversed(matrices), reversed(slopes), strict=True):
            gradient = matrix @ (slope * gradient)
        return score, gradient.reshape(image.shape)

    def penalty(self, images: np.ndarray, labels: np.ndarray) -> float:
        norms = [math.sqrt((g**2).sum()) for _, g in self.scores_and_gradients(images, labels)]
        return sum((norm - 1) ** 2 for norm in norms) / len(norms)


@pytest.fixture(params=["paper", "recipe"])
def critics(request, tiny, rng):
    """A critic of four halvings (16 px -> 1: both code paths of HalvingConv2D) and its float64 replica."""
    config = tiny(system=request.param, critic_channels=2, critic_layers=4)
    critic = Critic(config.model, 2)
    critic(np.zeros((1, 16, 16, 3), "float32"), np.zeros((1, 2), "float32"))
    for variable in critic.variables:  # weights at which scores are of order 1, and biases that are not 0
        fan = np.prod(variable.shape[:-1]) if len(variable.shape) > 1 else 25
        variable.assign(rng.normal(size=variable.shape) * np.sqrt(2 / fan))
    images = rng.uniform(-1, 1, (3, 16, 16, 3)).astype("float32")
    labels = np.array([[0, 1], [1, 1], [0, 0]], "float32")
    return critic, NumpyCritic(critic), images, labels


def penalty_and_gradients(critic, images, labels, variables):
    """The penalty as the train step takes it."""
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(images)
            scores = critic(images, labels)[0]
            total = tf.reduce_sum(scores)
        first = inner.gradient(total, images)
        penalty = adversarial.gradient_penalty(first)
    return scores, first, penalty, tape.gradient(penalty, variables)


def test_penalty_of_the_critic_is_second_order_correct(critics, rng):
    critic, exact, images, labels = critics
    variables = [v for layer in critic.trunk for v in layer.trainable_variables] + [critic.source.kernel]
    scores, first, penalty, gradients = penalty_and_gradients(critic, images, labels, variables)
    replica = exact.scores_and_gradients(images, labels)
    # float32 against float64, over four layers.
    np.testing.assert_allclose(scores, [score for score, _ in replica], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(first, [gradient for _, gradient in replica], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(penalty, exact.penalty(images, labels), rtol=1e-4)
    # Central differences of the float64 penalty along a random direction of each variable. Between the kinks of
    # LeakyReLU the penalty is smooth: at 1e-6 the truncation is about 1e-12 and the rounding about 1e-10.
    step = 1e-6
    for i, (weight, gradient) in enumerate(zip(exact.weights, gradients, strict=True)):
        direction = rng.normal(size=weight.shape)
        direction /= np.linalg.norm(direction)
        ends = []
        for sign in (1, -1):
            exact.weights[i] = weight + sign * step * direction
            ends.append(exact.penalty(images, labels))
        exact.weights[i] = weight
        slope = (ends[0] - ends[1]) / (2 * step)
        if gradient is None:  # the last bias: it moves a score by a constant, unless it moves a kink
            gradient = tf.zeros(weight.shape)
        # float32's part: 1e-4 of the gradient's length, which a direction may be almost orthogonal to.
        tolerance = 1e-4 * float(np.linalg.norm(gradient)) + 1e-6
        assert float(np.sum(gradient * direction)) == pytest.approx(slope, rel=1e-3, abs=tolerance), variables[i].path
    assert any(np.abs(g).max() > 1e-2 for g in gradients if g is not None)


def test_penalty_and_its_gradient_are_finite_for_a_constant_critic(critics):
    critic, _, images, labels = critics
    for variable in critic.variables:
        variable.assign(np.zeros(variable.shape))
    _, _, penalty, gradients = penalty_and_gradients(critic, images, labels, critic.trainable_variables)
    assert float(penalty) == pytest.approx(1.0, abs=1e-5)  # the guard's root is 1e-6
    assert all(np.all(np.isfinite(g)) for g in gradients if g is not None)
    critic.trunk[0].bias.assign(np.ones(critic.trunk[0].bias.shape))
    critic.source.kernel.assign(np.ones(critic.source.kernel.shape))  # flat below, not above
    _, _, penalty, gradients = penalty_and_gradients(critic, images, labels, critic.trainable_variables)
    assert np.isfinite(float(penalty))
    assert all(np.all(np.isfinite(g)) for g in gradients if g is not None)


@pytest.mark.parametrize("side", [2, 4, 8])
def test_halving_convolution_is_a_plain_one_in_value_and_both_derivatives(side, rng):
    x = tf.constant(rng.normal(size=(3, side, side, 5)), tf.float32)
    halving = HalvingConv2D(6, activation="tanh")
    plain = keras.layers.Conv2D(6, 4, 2, padding="same", activation="tanh")
    halving(x), plain(x)
    weights = [rng.normal(size=w.shape).astype("float32") * 0.2 for w in plain.get_weights()]
    found = []
    for layer in (halving, plain):
        layer.set_weights(weights)
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = layer(x)
                total = tf.reduce_sum(value)
            first = inner.gradient(total, x)
            penalty = adversarial.gradient_penalty(first)
        seconds = outer.gradient(penalty, [x, layer.kernel, layer.bias])
        found.append([value, *outer.gradient(total, [layer.kernel, layer.bias]), first, penalty, *seconds])
    assert found[0][0].shape == (3, side // 2, side // 2, 6)
    for ours, theirs in zip(*found, strict=True):
        assert np.any(np.abs(theirs) > 1e-4)
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)  # the same sums in another order


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
