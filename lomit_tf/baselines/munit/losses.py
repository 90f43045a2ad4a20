"""MUNIT's losses; pure functions in float32. docs/compared_systems.md has the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from lomit_tf.baselines.losses import mean_square
from lomit_tf.losses.reconstruction import l1

ADVERSARIAL, IMAGE, STYLE, CONTENT = 1.0, 10.0, 1.0, 1.0


def least_squares(maps: Sequence[Any], real: float) -> Any:
    """sum over scales of mean (D_k(x) - t)^2, with t = 1 for what is to be taken for real and 0 for what is not.

    Args:
        maps: scores (B, s, s, 1), one map a scale.
        real: t.
    """
    return sum(mean_square(scores, ops.full_like(scores, real)) for scores in maps)


def critic_loss(real: Sequence[Any], fake: Sequence[Any]) -> Any:
    """sum over scales of mean (D_k(x) - 1)^2 + mean D_k(fake)^2; maps (B, s, s, 1), one a scale, of both."""
    return least_squares(real, 1.0) + least_squares(fake, 0.0)


def latent_terms(styles: Any, drawn: Any, contents: Any, first: Any) -> dict[str, Any]:
    """Of translations made with a drawn style: mean |E_s(x_AB) - s'| and mean |E_c(x_AB) - c|.

    Args:
        styles, drawn: (B, n), found in the translations, and that they were made with.
        contents, first: (B, h, w, C), the same of the content.
    """
    return {"style": l1(styles, drawn), "content": l1(contents, first)}


def total(terms: dict[str, Any], cycle_weight: float) -> Any:
    """adversarial + 10 image + style + content (+ w cycle), each the sum over both domains."""
    weights = {
        "adversarial": ADVERSARIAL, "image": IMAGE, "style": STYLE, "content": CONTENT, "cycle": cycle_weight
    }  # fmt: skip
    return sum(weights[name] * term for name, term in terms.items())
