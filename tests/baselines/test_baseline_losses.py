"""The losses of StarGAN and ELEGANT against NumPy that shares nothing with them."""

from __future__ import annotations

import numpy as np
import pytest

from lomit_tf.baselines import losses as shared
from lomit_tf.baselines.elegant import losses as elegant
from lomit_tf.baselines.stargan import losses as stargan

B, K, S = 3, 4, 5


def cross_entropy(logit: float, target: float) -> float:
    """-t log p - (1 - t) log(1 - p) of one logit, as the textbook has it."""
    p = 1 / (1 + np.exp(-logit))
    return float(-target * np.log(p) - (1 - target) * np.log(1 - p))


@pytest.fixture
def drawn(rng):
    return lambda *shape: rng.normal(size=shape).astype("float32")


def test_sigmoid_cross_entropy_of_scores_and_of_maps(drawn):
    scores, maps, weights = drawn(B), drawn(B, S, S), np.array([1, 0, 0.5], "float32")
    expected = np.mean([w * cross_entropy(z, 1) for z, w in zip(scores, weights, strict=True)])
    assert float(shared.sigmoid_cross_entropy(scores, 1.0, weights)) == pytest.approx(expected, rel=1e-5)
    expected = np.mean([cross_entropy(z, 0) for z in maps.ravel()])
    assert float(shared.sigmoid_cross_entropy(maps, 0.0)) == pytest.approx(expected, rel=1e-5)
    far = float(shared.sigmoid_cross_entropy(np.array([-200.0], "float32"), 1.0))
    assert far == pytest.approx(200.0)  # where the textbook's form overflows


def test_mean_square_weights_images_not_pixels(drawn):
    value, target, weights = drawn(B, S, S, 3), drawn(B, S, S, 3), np.array([1, 0, 2], "float32")
    expected = sum(w * ((v - t) ** 2).mean() for v, t, w in zip(value, target, weights, strict=True)) / B
    assert float(shared.mean_square(value, target, weights)) == pytest.approx(expected, rel=1e-5)


def test_stargan_critic(drawn):
    real, fake, gradient, logits = drawn(B), drawn(B), drawn(B, S, S, 3), drawn(B, K)
    labels = (drawn(B, K) > 0).astype("float32")
    total, terms = stargan.critic_loss(real, fake, gradient, logits, labels)
    penalty = np.mean([(np.sqrt((g**2).sum()) - 1) ** 2 for g in gradient])
    classes = sum(cross_entropy(z, y) for z, y in zip(logits.ravel(), labels.ravel(), strict=True)) / B
    assert float(terms["wasserstein"]) == pytest.approx(fake.mean() - real.mean(), rel=1e-4)
    assert float(terms["gradient_penalty"]) == pytest.approx(penalty, rel=1e-5)
    assert float(terms["classification"]) == pytest.approx(classes, rel=1e-5)
    assert float(total) == pytest.approx(fake.mean() - real.mean() + 10 * penalty + classes, rel=1e-5)


def test_stargan_generator(drawn):
    fake, logits, returned, image = drawn(B), drawn(B, K), drawn(B, S, S, 3), drawn(B, S, S, 3)
    target = (drawn(B, K) > 0).astype("float32")
    total, terms = stargan.generator_loss(fake, logits, target, returned, image)
    classes = sum(cross_entropy(z, y) for z, y in zip(logits.ravel(), target.ravel(), strict=True)) / B
    cycle = np.abs(returned - image).mean()
    assert float(terms["cycle"]) == pytest.approx(cycle, rel=1e-5)
    assert float(total) == pytest.approx(-fake.mean() + classes + 10 * cycle, rel=1e-5)


def test_elegant_critic_and_generator(drawn):
    real, fake, weights = (drawn(B), drawn(B)), (drawn(B), drawn(B)), np.array([1, 0, 1], "float32")
    again, image = drawn(B, S, S, 3), drawn(B, S, S, 3)

    def both_sizes(logits: tuple[np.ndarray, np.ndarray], target: float) -> float:
        full, half = ([w * cross_entropy(z, target) for z, w in zip(x, weights, strict=True)] for x in logits)
        return float(np.mean(full) + 0.5 * np.mean(half))

    total, _ = elegant.critic_loss(real, fake, weights)
    assert float(total) == pytest.approx(both_sizes(real, 1) + both_sizes(fake, 0), rel=1e-5)
    total, terms = elegant.generator_loss(fake, again, image, weights)
    square = ((again - image) ** 2).mean()
    assert float(terms["reconstruction"]) == pytest.approx(square, rel=1e-5)
    assert float(total) == pytest.approx(both_sizes(fake, 1) + 5 * square, rel=1e-5)
