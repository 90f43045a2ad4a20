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
    faces: Sequence[bool] | np.ndarray,
) -> np.ndarray:
    """Masks that take what is theirs by the picture's colours, `compete`, and keep one part, `keep_connected`.

    Args:
      images: (B, S, S, 3) in -1..1.
      masks: (B, S, S, R) in 0..1, the networks', the background last.
      competing, connected, overlapping: channels, as of `engines.outline.Outline`.
      faces: (B,), which images show a face framed as CelebA's are; of others it is not known where hair lies.

    Returns:
      (B, S, S, R).
    """
    which = np.flatnonzero(faces)
    if len(competing) and len(which):
        masks = np.array(masks, np.float32)
        masks[which] = compete(images[which], masks[which], competing, overlapping)
    return keep_connected(masks, connected)
