"""WGAN-GP (Gulrajani et al. 2017): docs/method.md, eqs. (5.1) to (5.3). All in float32."""

from __future__ import annotations

from typing import Any

from keras import ops

NORM_EPSILON = 1e-12  # under the root: keeps d sqrt(u) / du finite where the gradient vanishes


def critic_loss(real: Any, fake: Any) -> Any:
    """E[D_src(fake)] - E[D_src(real)], which the critic minimises: eq. (5.1).

    Args:
        real: scores of real images, (B,).
        fake: scores of translated images, (B,).
    """
    return ops.mean(fake) - ops.mean(real)


def generator_loss(fake: Any) -> Any:
    """-E[D_src(fake)] for scores (B,) of translated images: eq. (5.3)."""
    return -ops.mean(fake)


def interpolate(real: Any, fake: Any, alpha: Any) -> Any:
    """x_hat = alpha * real + (1 - alpha) * fake, one alpha in [0, 1) per image: eq. (5.2).

    Args:
        real, fake: images (B, H, W, 3).
        alpha: (B,).
    """
    alpha = ops.reshape(alpha, (-1, 1, 1, 1))
    return alpha * real + (1 - alpha) * fake


def gradient_penalty(gradient: Any) -> Any:
    """E[(||d D_src(x_hat) / d x_hat||_2 - 1)^2] over the batch: eq. (5.2).

    The root is guarded at 0, so that value and gradient stay finite where the critic is flat.

    Args:
        gradient: of each image's own score with respect to that image, (B, H, W, 3).
    """
    squared = ops.sum(ops.square(ops.cast(gradient, "float32")), axis=(1, 2, 3))
    return ops.mean(ops.square(ops.sqrt(squared + NORM_EPSILON) - 1))
