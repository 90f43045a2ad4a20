"""DRIT's losses; pure functions in float32. docs/compared_systems.md has the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from lomit_tf.baselines.losses import sigmoid_cross_entropy
from lomit_tf.losses.reconstruction import l1

WEIGHTS = {
    "content": 1.0, "adversarial": 1.0, "random_adversarial": 1.0, "self": 10.0, "cross": 10.0, "attributes_kl": 0.01,
    "content_size": 0.01, "latent": 10.0,
}  # fmt: skip


def answers(maps: Sequence[Any], real: float) -> Any:
    """sum over scales of mean CE(sigmoid(D_k(x)), t); maps of logits (B, s, s, 1), one a scale; t is 1 for real."""
    return sum(sigmoid_cross_entropy(logits, real) for logits in maps)


def critic_loss(real: Sequence[Any], fake: Sequence[Any]) -> Any:
    """sum over scales of CE(D_k(x), 1) + CE(D_k(fake), 0)."""
    return answers(real, 1.0) + answers(fake, 0.0)


def content_critic_loss(of_a: Any, of_b: Any) -> Any:
    """CE(D_c(c_A), 1) + CE(D_c(c_B), 0): which domain a content is from; logits (B, h, w, 1). At chance 2 log 2."""
    return sigmoid_cross_entropy(of_a, 1.0) + sigmoid_cross_entropy(of_b, 0.0)


def content_confusion(of_a: Any, of_b: Any) -> Any:
    """CE(D_c(c_A), 1/2) + CE(D_c(c_B), 1/2), which the encoder minimises: 2 log 2 where D_c cannot tell."""
    return sigmoid_cross_entropy(of_a, 0.5) + sigmoid_cross_entropy(of_b, 0.5)


def kl(mean: Any, log_variance: Any) -> Any:
    """mean_b sum_i (m^2 + exp(v) - 1 - v) / 2: KL(N(m, exp(v)) || N(0, 1)) of (B, n) each."""
    each = ops.square(mean) + ops.exp(log_variance) - 1 - log_variance
    return ops.mean(ops.sum(each, axis=-1)) / 2


def size(content: Any) -> Any:
    """mean c^2 of contents (B, h, w, C)."""
    return ops.mean(ops.square(ops.cast(content, "float32")))


def latent(found: Any, drawn: Any) -> Any:
    """mean |E_a(G(c, z)) - z|, of means (B, n) found in pictures that were made with z (B, n)."""
    return l1(found, drawn)


def total(terms: dict[str, Any]) -> Any:
    """The weighted sum of all terms, each the sum over both domains: WEIGHTS."""
    return sum(WEIGHTS[name] * term for name, term in terms.items())
