"""StarGAN's losses, of the terms that LOMIT's are made of too. docs/compared_systems.md has the formulas."""

from __future__ import annotations

from typing import Any

from lomit_tf.losses import adversarial, reconstruction
from lomit_tf.losses.classification import classification_loss

PENALTY, CLASSIFICATION, CYCLE = 10.0, 1.0, 10.0


def critic_loss(real: Any, fake: Any, gradient: Any, logits: Any, labels: Any) -> tuple[Any, dict[str, Any]]:
    """E[D(fake)] - E[D(real)] + 10 E[(||dD/dx_hat|| - 1)^2] + CE(D_cls(real), labels); the total and its terms.

    Args:
        real, fake: scores (B,).
        gradient: of the score of each interpolated image with respect to it, (B, S, S, 3).
        logits, labels: of the real images, (B, K).
    """
    terms = {
        "wasserstein": adversarial.critic_loss(real, fake),
        "gradient_penalty": adversarial.gradient_penalty(gradient),
        "classification": classification_loss(logits, labels),
    }
    total = terms["wasserstein"] + PENALTY * terms["gradient_penalty"] + CLASSIFICATION * terms["classification"]
    return total, terms


def generator_loss(fake: Any, logits: Any, target: Any, returned: Any, image: Any) -> tuple[Any, dict[str, Any]]:
    """-E[D(G(x, c))] + CE(D_cls(G(x, c)), c) + 10 E|G(G(x, c), c') - x|; the total and its terms.

    Args:
        fake: scores of translations, (B,).
        logits, target: of the translations, (B, K).
        returned, image: (B, S, S, 3), translated there and back, and the input.
    """
    terms = {
        "adversarial": adversarial.generator_loss(fake),
        "classification": classification_loss(logits, target),
        "cycle": reconstruction.l1(returned, image),
    }
    return terms["adversarial"] + CLASSIFICATION * terms["classification"] + CYCLE * terms["cycle"], terms
