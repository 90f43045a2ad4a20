"""The critic: its sources and labels (docs/method.md, 2.7)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import tensorflow as tf

from lomit_tf.networks.critic import Critic


def normal(rng, *shape, scale=1.0):
    return tf.constant(rng.normal(size=shape) * scale, tf.float32)


@pytest.fixture(params=["paper", "recipe"])
def critic(request, tiny, rng) -> Critic:
    made = Critic(tiny(system=request.param).model, 3)
    made(np.zeros((1, 16, 16, 3), "float32"), np.zeros((1, 3), "float32"))
    for variable in made.variables:
        variable.assign(rng.normal(size=variable.shape) * 0.3)
    return made


def test_critics_rows_do_not_know_of_each_other(critic, rng):
    images, labels = normal(rng, 5, 16, 16, 3), tf.constant(rng.integers(0, 2, (5, 3)), tf.float32)
    scores, logits = critic(images, labels)
    for i in range(5):
        score, row = critic(images[i : i + 1], labels[i : i + 1])
        np.testing.assert_allclose(scores[i], score[0], rtol=1e-4, atol=1e-5)  # the same sums, differently blocked
        np.testing.assert_allclose(logits[i], row[0], rtol=1e-4, atol=1e-5)


def test_labels_change_the_score_of_a_conditioned_critic_and_never_the_logits(critic, rng):
    image = normal(rng, 1, 16, 16, 3)
    corners = [np.array([y], "float32") for y in itertools.product([0, 1], repeat=3)]
    results = [critic(image, y) for y in corners]
    assert len({round(float(score[0]), 6) for score, _ in results}) == (8 if critic.conditioned else 1)
    for _, logits in results:
        np.testing.assert_array_equal(logits, results[0][1])


def test_heads_score_by_the_head_of_each_labels_value(tiny, rng):
    critic = Critic(tiny(system="recipe").model, 3)
    image = normal(rng, 1, 16, 16, 3)
    critic(image, np.zeros((1, 3), "float32"))
    kernel = rng.normal(size=critic.source.kernel.shape)
    assert kernel.shape[-1] == 6
    for label, value in itertools.product(range(3), (0, 1)):
        only = np.zeros_like(kernel)  # all heads silent but that of `label` = `value`
        only[..., 3 * value + label] = kernel[..., 3 * value + label]
        critic.source.kernel.assign(only)
        for y in itertools.product([0, 1], repeat=3):
            score = float(critic(image, np.array([y], "float32"))[0][0])
            assert (score != 0) == (y[label] == value)
    soft = [float(critic(image, np.array([[0, 0, v]], "float32"))[0][0]) for v in (0, 0.25, 1)]
    assert soft[1] == pytest.approx(0.75 * soft[0] + 0.25 * soft[2], abs=1e-6)


def test_labels_count_in_the_score_by_their_weights(tiny, rng):
    config = tiny(system="recipe").model
    weights = (0.5, 0.125, 0.375)
    critic, plain = Critic(config, 3, weights), Critic(config, 3)
    image, labels = rng.uniform(-1, 1, (4, 64, 64, 3)).astype("float32"), rng.integers(0, 2, (4, 3)).astype("float32")
    critic(image, labels), plain(image, labels)
    for a, b in zip(critic.variables, plain.variables, strict=True):
        b.assign(a)
    kernel = np.asarray(plain.source.kernel)
    parts = []
    for label in range(3):  # all heads silent but those of one label
        only = np.zeros_like(kernel)
        only[..., [label, 3 + label]] = kernel[..., [label, 3 + label]]
        plain.source.kernel.assign(only)
        parts.append(3 * np.asarray(plain(image, labels)[0]))
    expected = sum(w * part for w, part in zip(weights, parts, strict=True))
    np.testing.assert_allclose(critic(image, labels)[0], expected, rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="3 entries; received 2"):
        Critic(config, 3, (0.5, 0.5))
