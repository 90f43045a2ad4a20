"""The losses of MUNIT, DRIT and AGGAN against NumPy that shares nothing with them, and AGGAN's pool of pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from lomit_tf.baselines import domain_losses
from lomit_tf.baselines.aggan import losses as aggan
from lomit_tf.baselines.aggan.pool import exchanged
from lomit_tf.baselines.drit import losses as drit
from lomit_tf.baselines.munit import losses as munit

B, S = 3, 4


@pytest.fixture
def drawn(rng):
    return lambda *shape: rng.normal(size=shape).astype("float32")


def cross_entropy(logits: np.ndarray, target: float) -> float:
    p = 1 / (1 + np.exp(-logits.astype("float64")))
    return float(np.mean(-target * np.log(p) - (1 - target) * np.log(1 - p)))


def near(value):
    return pytest.approx(value, rel=1e-5)


def test_weight_decay_has_the_gradient_of_adams(drawn):
    weights = [tf.Variable(drawn(3, 2)), tf.Variable(drawn(4))]
    with tf.GradientTape() as tape:
        value = domain_losses.weight_decay(weights)
    assert float(value) == near(0.5e-4 * sum(float((w.numpy() ** 2).sum()) for w in weights))
    for gradient, w in zip(tape.gradient(value, weights), weights, strict=True):
        np.testing.assert_allclose(gradient, 1e-4 * w.numpy(), rtol=1e-5)


def test_munit(drawn):
    real, fake = ([drawn(B, S, S, 1), drawn(B, 2, 2, 1)] for _ in range(2))
    expected = sum(np.mean((r - 1) ** 2) + np.mean(f**2) for r, f in zip(real, fake, strict=True))
    assert float(munit.critic_loss(real, fake)) == near(expected)
    assert float(munit.least_squares(fake, 1.0)) == near(sum(np.mean((f - 1) ** 2) for f in fake))
    styles, chosen, contents, first = drawn(B, 8), drawn(B, 8), drawn(B, S, S, 2), drawn(B, S, S, 2)
    terms = munit.latent_terms(styles, chosen, contents, first)
    assert float(terms["style"]) == near(np.abs(styles - chosen).mean())
    assert float(terms["content"]) == near(np.abs(contents - first).mean())
    values = {"adversarial": 2.0, "image": 3.0, "style": 5.0, "content": 7.0}
    assert munit.total(values, 10.0) == 2 + 30 + 5 + 7
    assert munit.total(values | {"cycle": 11.0}, 10.0) == 2 + 30 + 5 + 7 + 110


def test_drit(drawn):
    real, fake = ([drawn(B, S, S, 1), drawn(B, 2, 2, 1)] for _ in range(2))
    expected = sum(cross_entropy(r, 1) + cross_entropy(f, 0) for r, f in zip(real, fake, strict=True))
    assert float(drit.critic_loss(real, fake)) == near(expected)
    assert float(drit.answers(fake, 1.0)) == near(sum(cross_entropy(f, 1) for f in fake))
    a, b = drawn(B, 1, 1, 1), drawn(B, 1, 1, 1)
    assert float(drit.content_critic_loss(a, b)) == near(cross_entropy(a, 1) + cross_entropy(b, 0))
    assert float(drit.content_confusion(a, b)) == near(cross_entropy(a, 0.5) + cross_entropy(b, 0.5))
    chance = np.zeros((B, 1, 1, 1), "float32")
    for loss in (drit.content_critic_loss, drit.content_confusion):
        assert float(loss(chance, chance)) == near(2 * math.log(2))
    assert float(drit.content_confusion(a, b)) > 2 * math.log(2)  # chance is the least
    mean, log_variance = drawn(B, 8), drawn(B, 8)
    each = [0.5 * (m**2 + math.exp(v) - 1 - v) for m, v in zip(mean.ravel(), log_variance.ravel(), strict=True)]
    assert float(drit.kl(mean, log_variance)) == near(sum(each) / B)
    assert float(drit.kl(0 * mean, 0 * mean)) == 0
    assert float(drit.size(a)) == near(np.mean(a**2))
    assert float(drit.latent(mean, log_variance)) == near(np.abs(mean - log_variance).mean())
    names = ("content", "adversarial", "random_adversarial", "self", "cross", "attributes_kl", "content_size", "latent")
    assert drit.total({name: float(2**i) for i, name in enumerate(names)}) == near(
        1 + 2 + 4 + 10 * 8 + 10 * 16 + 0.01 * 32 + 0.01 * 64 + 10 * 128
    )


def test_aggan(drawn):
    real, fake = drawn(B, S, S, 1), drawn(B, S, S, 1)
    assert float(aggan.critic_loss(real, fake)) == near((np.mean((real - 1) ** 2) + np.mean(fake**2)) / 2)
    assert float(aggan.generator_loss(fake)) == near(np.mean((fake - 1) ** 2))


def test_aggans_critics_see_masked_pictures_in_phase_2_alone(drawn):
    image = drawn(B, S, S, 3)
    attention = tf.Variable(np.linspace(0, 1, B * S * S, dtype="float32").reshape(B, S, S, 1))
    np.testing.assert_array_equal(aggan.seen(image, attention, 0.0), image)
    with tf.GradientTape() as tape:
        seen = aggan.seen(image, attention, 1.0)
    np.testing.assert_array_equal(seen, image * (attention.numpy() > 0.1))
    gradient = tape.gradient(seen, attention)
    assert gradient is None or not np.any(gradient)


def test_the_pool_of_pictures_is_a_list_in_python(rng):
    """Against the pool as one would write it in Python, picture by picture."""
    size, offered = 4, rng.normal(size=(15, 2)).astype("float32")
    draws = rng.uniform(size=(15, 2)).astype("float32")
    kept: list[np.ndarray] = []
    expected = []
    for picture, (coin, place) in zip(offered, draws, strict=True):
        if len(kept) < size:
            kept.append(picture)
            expected.append(picture)
        elif coin < 0.5:
            slot = int(place * size)
            expected.append(kept[slot])
            kept[slot] = picture
        else:
            expected.append(picture)
    pool, shown = tf.zeros((size, 2)), []
    for first in range(0, 15, 3):
        part = slice(first, first + 3)
        given, pool = exchanged(pool, tf.constant(offered[part]), first, tf.constant(draws[part]))
        shown += list(given.numpy())
    np.testing.assert_array_equal(shown, expected)
    np.testing.assert_array_equal(pool, kept)
    assert sum(not np.array_equal(a, b) for a, b in zip(shown, offered, strict=True)) >= 3  # older ones were shown
