"""What photographs make of the masks that networks find in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from lomit_tf.imaging.competing import compete
from lomit_tf.imaging.connected import keep_connected


def found(
    images: np.ndarray,
    masks: np.ndarray,
    *,
    competing: Sequence[int] = (),
    connected: Sequence[int] = (),
    overlapping: Collection[int] = (),
) -> np.ndarray:
    """Masks that take what is theirs by the picture's colours, `compete`, and keep one part, `keep_connected`.

    Args:
      images: (B, S, S, 3) in -1..1.
      masks: (B, S, S, R) in 0..1, the networks', the background last.
      competing, connected, overlapping: channels, as of `engines.outline.Outline`.

    Returns:
      (B, S, S, R).
    """
    return keep_connected(compete(images, masks, competing, overlapping), connected)
