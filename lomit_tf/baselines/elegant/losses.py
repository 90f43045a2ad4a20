"""ELEGANT's losses: docs/compared_systems.md has the formulas. Below, w_b is 0 for pairs that do not differ, else 1."""

from __future__ import annotations

from typing import Any

from lomit_tf.baselines.losses import mean_square, sigmoid_cross_entropy

RECONSTRUCTION, FULL, HALF = 5.0, 1.0, 0.5
Logits = tuple[Any, Any]  # at full and at half size, (B,) each


def adversarial(logits: Logits, real: float, weights: Any) -> Any:
    """CE(sigmoid(z_full), t) + 0.5 CE(sigmoid(z_half), t)."""
    full, half = logits
    return FULL * sigmoid_cross_entropy(full, real, weights) + HALF * sigmoid_cross_entropy(half, real, weights)


def critic_loss(real: Logits, fake: Logits, weights: Any) -> tuple[Any, dict[str, Any]]:
    """CE(D(x | y), 1) + CE(D(x' | y'), 0), at both sizes; the total and its terms.

    Args:
        real: logits of images under their own labels.
        fake: of translations under the labels that they are to have.
        weights: (B,).
    """
    terms = {"real": adversarial(real, 1.0, weights), "fake": adversarial(fake, 0.0, weights)}
    return terms["real"] + terms["fake"], terms


def generator_loss(fake: Logits, again: Any, image: Any, weights: Any) -> tuple[Any, dict[str, Any]]:
    """CE(D(x' | y'), 1) at both sizes + 5 E(x + R(own code) - x)^2; the total and its terms.

    Args:
        fake: as of `critic_loss`.
        again, image: (B, S, S, 3), the image with its own code, and itself.
        weights: (B,), of the adversarial terms.
    """
    terms = {"adversarial": adversarial(fake, 1.0, weights), "reconstruction": mean_square(again, image)}
    return terms["adversarial"] + RECONSTRUCTION * terms["reconstruction"], terms
