"""How far a painter is from movements that were found: docs/method.md, eqs. (9.36) and (9.37). keras.ops only."""

from __future__ import annotations

from typing import Any

from keras import ops

from lomit_tf.networks.displacement import displaced

MOVED, PAINTED, SEEN = 0.15, 3.0, 1.0  # weights of the three terms
ROUNDED = 0.1  # pixels below which a wrong displacement counts by its square


def movement_terms(
    image: Any, mask: Any, result: Any, moved: Any, displacement: Any, change: Any
) -> tuple[Any, dict[str, Any]]:
    """The loss, and its terms by name.

    Args:
        image: (B, H, W, 3) in [-1, 1], the input.
        mask: (B, H, W, 1) in 0..1, within which it is changed.
        result: (B, H, W, 3), what was made of it.
        moved: (B, H, W, 2) in pixels, by which pixels of the result came to their places; None where none moves.
        displacement, change: (B, H, W, 2) and (B, H, W, 3), what was found.
    """
    added = mask * change
    if moved is None:
        painted = ops.mean(ops.abs(result - image - added))
        return (PAINTED + SEEN) * painted, {"painted": painted}
    wanted = mask * displacement
    wrong = ops.sum(ops.square(moved - wanted), axis=-1)
    terms = {
        "moved": ops.mean(ops.sqrt(wrong + ROUNDED**2)) - ROUNDED,
        "painted": ops.mean(ops.abs(result - displaced(image, moved) - added)),
        "seen": ops.mean(ops.abs(result - displaced(image, wanted) - added)),
    }
    return MOVED * terms["moved"] + PAINTED * terms["painted"] + SEEN * terms["seen"], terms
