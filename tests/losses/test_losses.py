"""Every loss against loops in float64, written from the equations of docs/method.md."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from lomit_tf.losses import adversarial, classification, mask, reconstruction
from lomit_tf.losses.schedules import scheduled

pytestmark = pytest.mark.quick

# The losses compute in float32, whose unit roundoff is 6e-8; sums of up to some thousand terms of both signs lose
# two digits at most.
CLOSE: dict[str, Any] = {"rtol": 2e-5, "atol": 2e-6}


def f32(x):
    return np.asarray(x, "float32")


def test_critic_and_generator_losses_are_the_wasserstein_terms(rng):
    real, fake = rng.normal(size=5), rng.normal(size=5)
    expected = sum(float(v) for v in fake) / 5 - sum(float(v) for v in real) / 5
    np.testing.assert_allclose(adversarial.critic_loss(f32(real), f32(fake)), expected, **CLOSE)
    np.testing.assert_allclose(adversarial.generator_loss(f32(fake)), -sum(float(v) for v in fake) / 5, **CLOSE)


def test_critic_loss_falls_when_real_scores_more_and_generator_loss_when_fake_does():
    assert float(adversarial.critic_loss(f32([3.0]), f32([1.0]))) == -2.0
    assert float(adversarial.generator_loss(f32([2.5]))) == -2.5


def test_interpolate_takes_one_alpha_for_each_image(rng):
    real, fake = rng.normal(size=(3, 4, 5, 3)), rng.normal(size=(3, 4, 5, 3))
    alpha = np.array([0.0, 0.3, 1.0])
    expected = np.zeros_like(real)
    for b, y, x, c in np.ndindex(*real.shape):
        expected[b, y, x, c] = alpha[b] * real[b, y, x, c] + (1 - alpha[b]) * fake[b, y, x, c]
    found = np.asarray(adversarial.interpolate(f32(real), f32(fake), f32(alpha)))
    np.testing.assert_allclose(found, expected, **CLOSE)
    np.testing.assert_array_equal(found[0], f32(fake)[0])
    np.testing.assert_array_equal(found[2], f32(real)[2])


def test_gradient_penalty(rng):
    gradient = rng.normal(size=(3, 4, 4, 3)) * np.array([0.01, 0.2, 3.0]).reshape(3, 1, 1, 1)
    expected = 0.0
    for b in range(3):
        norm = math.sqrt(sum(float(v) ** 2 for v in gradient[b].ravel()))
        expected += (norm - 1) ** 2 / 3
    np.testing.assert_allclose(adversarial.gradient_penalty(f32(gradient)), expected, **CLOSE)


def test_gradient_penalty_of_a_unit_gradient_is_0_and_of_none_is_1():
    unit = np.zeros((2, 4, 4, 3))
    unit[:, 1, 2, 0], unit[:, 3, 3, 1] = 0.6, -0.8
    # The guard under the root (1e-12) moves the norm by 5e-13 at 1 and by 1e-6 at 0.
    np.testing.assert_allclose(adversarial.gradient_penalty(f32(unit)), 0.0, atol=1e-12)
    np.testing.assert_allclose(adversarial.gradient_penalty(np.zeros((2, 4, 4, 3), "float32")), 1.0, atol=1e-5)


def cross_entropy(z: float, y: float) -> float:
    """-y log s(z) - (1 - y) log(1 - s(z)) with log s(z) = -log(1 + exp(-z)); exact for any z that exp can take."""
    return y * math.log1p(math.exp(-z)) + (1 - y) * math.log1p(math.exp(z))


@pytest.mark.parametrize("weighted", [False, True])
def test_classification_loss_sums_over_labels_and_averages_over_images(rng, weighted):
    logits, labels = rng.normal(scale=4, size=(5, 3)), rng.integers(0, 2, (5, 3)).astype(float)
    labels[0, 0] = 0.25  # soft labels are allowed
    weights = rng.uniform(size=5) if weighted else np.ones(5)
    expected = sum(weights[b] * cross_entropy(logits[b, k], labels[b, k]) / 5 for b, k in np.ndindex(5, 3))
    arguments = (f32(logits), f32(labels), f32(weights)) if weighted else (f32(logits), f32(labels))
    np.testing.assert_allclose(classification.classification_loss(*arguments), expected, **CLOSE)


@pytest.mark.parametrize(("logit", "label", "expected"), [(100, 0, 100), (100, 1, 0), (-100, 1, 100), (-100, 0, 0)])
def test_classification_loss_of_extreme_logits(logit, label, expected):
    found = float(classification.classification_loss(f32([[logit]]), f32([[label]])))
    assert found == pytest.approx(expected, abs=1e-6)


def test_classification_loss_of_undecided_logits_is_log_2_for_each_label():
    found = float(classification.classification_loss(np.zeros((2, 3), "float32"), f32([[0, 1, 0], [1, 1, 1]])))
    assert found == pytest.approx(3 * math.log(2), rel=1e-6)


def test_target_labels_take_the_exemplars_in_transferred_groups_only(rng):
    groups = {0: [0, 3], 1: [1], 2: [2, 4]}
    membership = np.zeros((3, 5))
    for g, members in groups.items():
        membership[g, members] = 1
    subsets = [t for t in itertools.product([0, 1], repeat=3) if any(t)]
    own, exemplar = rng.integers(0, 2, (len(subsets), 5)), rng.integers(0, 2, (len(subsets), 5))
    found = np.asarray(classification.target_labels(f32(own), f32(exemplar), f32(subsets), f32(membership)))
    for b, transfer in enumerate(subsets):
        for g, members in groups.items():
            for k in members:
                assert found[b, k] == (exemplar[b, k] if transfer[g] else own[b, k])


def test_l1_is_a_mean_over_all_elements(rng):
    a, b = rng.normal(size=(2, 3, 3, 2)), rng.normal(size=(2, 3, 3, 2))
    expected = sum(abs(float(p) - float(q)) for p, q in zip(a.ravel(), b.ravel(), strict=True)) / a.size
    np.testing.assert_allclose(reconstruction.l1(f32(a), f32(b)), expected, **CLOSE)


def test_masked_l1_still_divides_by_all_elements(rng):
    a, b, m = rng.normal(size=(2, 3, 4, 3)), rng.normal(size=(2, 3, 4, 3)), rng.uniform(size=(2, 3, 4, 1))
    expected = 0.0
    for i, y, x, c in np.ndindex(*a.shape):
        expected += m[i, y, x, 0] * abs(a[i, y, x, c] - b[i, y, x, c]) / a.size
    np.testing.assert_allclose(reconstruction.masked_l1(f32(a), f32(b), f32(m)), expected, **CLOSE)


def cosine(u, v) -> float:
    """u . v / (|u| |v|), 0 where either is 0."""
    dot = sum(float(p) * float(q) for p, q in zip(u, v, strict=True))
    norms = math.sqrt(sum(float(p) ** 2 for p in u)) * math.sqrt(sum(float(q) ** 2 for q in v))
    return dot / norms if norms else 0.0


def test_cosine_similarity_of_all_pairs(rng):
    features = rng.normal(size=(2, 6, 4))
    features[0, 2] = 0
    features[1, 5] = -3 * features[1, 1]
    found = np.asarray(mask.cosine_similarity(f32(features)))
    assert found.shape == (2, 6, 6)
    for b, i, j in np.ndindex(2, 6, 6):
        assert found[b, i, j] == pytest.approx(cosine(features[b, i], features[b, j]), abs=2e-6)


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("groups", [1, 3])
def test_mask_similarity(rng, groups, cut):
    masks, features = rng.uniform(size=(2, 3, 4, groups)), rng.normal(size=(2, 3, 4, 5))
    places = list(np.ndindex(3, 4))
    expected = 0.0
    for b, i, j, g in itertools.product(range(2), places, places, range(groups)):
        similarity = cosine(features[b][i], features[b][j])
        if cut and similarity < 0:
            similarity = 0.0
        expected += abs(masks[b][i][g] - masks[b][j][g]) * similarity / (2 * 12 * 12)
    found = mask.mask_similarity(f32(masks), f32(features), cut_negative=cut)
    np.testing.assert_allclose(found, expected, **CLOSE)


def test_mask_similarity_of_two_pixels_by_hand():
    masks = f32([0.2, 0.9]).reshape(1, 1, 2, 1)
    for second, expected in (([2, 0], 0.35), ([0, 1], 0.0), ([-1, 0], -0.35)):
        features = f32([[1, 0], second]).reshape(1, 1, 2, 2)
        # Of four pairs, two are of a pixel with itself: 2 * 0.7 * cos / 4.
        np.testing.assert_allclose(mask.mask_similarity(masks, features), expected, atol=1e-6)
        np.testing.assert_allclose(
            mask.mask_similarity(masks, features, cut_negative=True), max(expected, 0), atol=1e-6
        )


def test_normalised_channels(rng):
    image = rng.uniform(-1, 1, (2, 4, 5, 3)) * np.array([1.0, 0.5, 0.1]) + np.array([0.0, 0.3, -0.6])
    expected = np.zeros_like(image)
    for b, c in itertools.product(range(2), range(3)):
        values = [float(v) for v in image[b, :, :, c].ravel()]
        mean = sum(values) / 20
        deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / 20)
        expected[b, :, :, c] = (image[b, :, :, c] - mean) / deviation
    # The guard 1e-5 under the root lowers values by 1e-5 / (2 variance): 0.2 % at the smallest deviation here, 0.05.
    np.testing.assert_allclose(mask.normalised_channels(f32(image)), expected, rtol=3e-3, atol=1e-5)


def test_normalised_channels_of_one_colour_are_finite():
    np.testing.assert_allclose(mask.normalised_channels(np.ones((1, 4, 4, 3), "float32")), 0.0, atol=1e-6)


def test_mask_sparsity_adds_the_groups_means(rng):
    masks = rng.uniform(size=(3, 4, 4, 2))
    expected = 0.0
    for b, y, x, g in np.ndindex(*masks.shape):
        expected += masks[b, y, x, g] / (3 * 16)
    np.testing.assert_allclose(mask.mask_sparsity(f32(masks)), expected, **CLOSE)


@pytest.mark.parametrize(
    ("step", "start", "end", "expected"),
    [(0, 10, 20, 0), (10, 10, 20, 0), (11, 10, 20, 0.1), (15, 10, 20, 0.5), (20, 10, 20, 1), (99, 10, 20, 1),
     (0, 0, 0, 1), (6, 7, 7, 0), (7, 7, 7, 1), (8, 7, 7, 1)],
)  # fmt: skip
@pytest.mark.parametrize(("initial", "final"), [(0.0, 1.0), (0.5, 0.1), (0.0, 12.0), (3.0, 3.0)])
def test_scheduled_goes_from_one_value_to_the_other(step, start, end, expected, initial, final):
    for s in (step, np.int64(step)):
        value = float(scheduled(s, initial, final, start, end))
        assert value == pytest.approx(initial + (final - initial) * expected, abs=1e-6)


def test_success_is_the_mean_probability_of_new_labels(rng):
    logits, labels, own = rng.normal(size=(5, 3)) * 3, rng.integers(0, 2, (5, 3)), rng.integers(0, 2, (5, 3))
    members, asked = np.array([1.0, 0, 1]), np.array([1.0, 1, 0, 1, 1])
    labels[0], own[0] = [1, 0, 0], [1, 1, 0]  # new only outside the group
    labels[1], own[1] = [1, 0, 0], [0, 0, 0]
    p = 1 / (1 + np.exp(-logits))
    chosen = [
        np.prod([p[i, k] if labels[i, k] else 1 - p[i, k] for k in (0, 2)])
        for i in range(5)
        if asked[i] and any(labels[i, k] != own[i, k] for k in (0, 2))
    ]
    found = classification.success(*map(f32, (logits, labels, own, members, asked)))
    np.testing.assert_allclose(found, np.mean(chosen), rtol=1e-5)
    assert float(classification.success(*map(f32, (logits, own, own, members, asked)))) == 0


def test_sparsity_weighted_by_success(rng):
    masks, success = rng.uniform(size=(2, 4, 4, 2)), np.array([0.25, 1.0])
    expected = (masks.mean((0, 1, 2)) * success).sum()
    np.testing.assert_allclose(mask.mask_sparsity(f32(masks), None, f32(success)), expected, rtol=1e-5)


def test_sparsity_counts_more_where_less_is_painted(rng):
    masks, asked = rng.uniform(0.1, 1, size=(3, 4, 5, 2)), np.array([[1.0, 0], [1, 1], [0, 1]])
    strength = 0.7
    changes = [rng.uniform(-1, 1, (3, 4, 5, 3)) * np.array([1.0, 0.1, 1e-9])[:, None, None, None] for _ in range(2)]
    expected = np.ones(masks.shape)
    for b, g in np.argwhere(asked):
        change = np.abs(changes[g][b]).mean(-1)
        average = (change * masks[b, ..., g]).sum() / masks[b, ..., g].sum()
        expected[b, ..., g] = 1 + strength * np.clip(1 - change / max(average, mask.LEAST_CHANGE), -1, 1)
    weights = mask.change_weights(f32(masks), [f32(c) for c in changes], f32(asked), strength)
    np.testing.assert_allclose(weights, expected, atol=1e-4)
    assert 1 - strength - 1e-6 <= np.min(weights) < 0.8 and 1.2 < np.max(weights) <= 1 + strength + 1e-6
    assert (np.asarray(weights)[0, ..., 1] == 1).all() and (np.asarray(weights)[2, ..., 0] == 1).all()
    found = mask.mask_sparsity(f32(masks), None, weights)
    np.testing.assert_allclose(found, (masks * np.asarray(weights)).mean((0, 1, 2)).sum(), rtol=1e-5)


def test_edge_smoothness_against_loops(rng):
    masks, images, scale = rng.uniform(size=(2, 5, 6, 2)), rng.uniform(-1, 1, (2, 5, 6, 3)), 0.7
    total = 0.0
    for down, right in mask.EDGE_STEPS:
        for g in range(2):
            values = []
            for b, i, j in np.ndindex(2, 5, 6):
                k, n = i + down, j + right
                if k < 5 and 0 <= n < 6:
                    alike = np.exp(-np.sum((images[b, i, j] - images[b, k, n]) ** 2) / (2 * scale**2))
                    values.append(abs(masks[b, i, j, g] - masks[b, k, n, g]) * alike)
            total += np.mean(values)
    expected = total / len(mask.EDGE_STEPS)
    np.testing.assert_allclose(mask.edge_smoothness(f32(masks), f32(images), scale), expected, rtol=1e-5)


def test_a_mask_edge_is_cheap_only_on_an_image_edge():
    image, m = np.zeros((1, 8, 8, 3)), np.zeros((1, 8, 8, 1))
    image[:, :, 4:] = 1
    m[:, :, 4:] = 1
    on_the_edge = float(mask.edge_smoothness(f32(m), f32(image), 0.2))
    beside_it = float(mask.edge_smoothness(f32(np.roll(m, 2, axis=2)), f32(image), 0.2))
    assert on_the_edge < 1e-6 < 0.01 < beside_it
