"""Colours that a person names, and the colour moments of hair that has such a colour.

A style's colour moments are the mean and the deviation of a region's luminance and two colour differences
(paste_back.TO_YCC, of pixels in -1..1). A swatch has a mean only; how much hair of that luminance varies was measured.
"""

from __future__ import annotations

import contextlib

import numpy as np
from PIL import ImageColor

from lomit_tf.imaging.formats import ImageError
from lomit_tf.imaging.paste_back import TO_YCC

# Deviations of luminance and both colour differences, a + b Y + c Y^2 of the mean luminance Y in -1..1: least squares
# over the hair of 477 photographs of faces; docs/translate.md has how well they fit.
DEVIATIONS = np.array([[0.3580, -0.0110, -0.2955], [0.0526, -0.0107, -0.0514], [0.0506, -0.0135, -0.0403]])
LEAST_DEVIATION = 0.01  # the fit of the colour differences would be below 0 near white, where there is no hair


def parse(text: str) -> tuple[int, int, int]:
    """A colour as red, green, blue in 0..255.

    Args:
      text: "#8a3b12" or "#83b", "rgb(138, 59, 18)", "hsl(20, 77%, 31%)", or a name of CSS ("saddlebrown"); case and
        spaces around do not count.

    Raises:
      ImageError: anything else, transparency included.
    """
    colour: tuple[int, ...] = ()
    with contextlib.suppress(ValueError):  # said below
        colour = ImageColor.getrgb(text.strip()) if isinstance(text, str) else ()
    if len(colour) != 3 or not all(0 <= c <= 255 for c in colour):
        raise ImageError(
            f"colour {text!r} cannot be read; give #rrggbb such as #8a3b12, rgb(138, 59, 18) or a CSS name such as "
            "saddlebrown"
        )
    return int(colour[0]), int(colour[1]), int(colour[2])


def moments(colour: tuple[int, int, int]) -> np.ndarray:
    """The colour moments (6,) float32 of hair whose mean is this colour (0..255): three means, three deviations."""
    mean = TO_YCC @ (np.asarray(colour, np.float32) / np.float32(127.5) - 1)
    luminance = float(mean[0])
    deviations = np.maximum(DEVIATIONS @ [1.0, luminance, luminance**2], LEAST_DEVIATION)
    return np.concatenate([mean, deviations]).astype(np.float32)
