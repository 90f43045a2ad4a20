"""The gradient penalty's second derivatives (docs/method.md, 5), against a critic written out in float64."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from lomit_tf.losses import adversarial
from lomit_tf.networks.critic import Critic, HalvingConv2D


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
