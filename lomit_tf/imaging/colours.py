"""Colours that a person names, and the colour moments of hair that has such a colour.

A style's colour moments are the mean and the deviation of a region's luminance and two colour differences
(paste_back.TO_YCC, of pixels in -1..1), and the slopes of these differences over luminance. A swatch has a mean only;
how much hair of that colour varies was measured.
"""

from __future__ import annotations

import numpy as np

from lomit_tf.imaging.crops import parse_colour as parse
from lomit_tf.imaging.paste_back import TO_YCC

__all__ = ["DEVIATIONS", "LEAST_DEVIATION", "SLOPES", "moments", "parse"]

# Deviations of luminance and both colour differences, a + b Y + c Y^2 of the mean luminance Y in -1..1: least squares
# over the hair of 477 photographs of faces; docs/translate.md has how well they fit.
DEVIATIONS = np.array([[0.3580, -0.0110, -0.2955], [0.0526, -0.0107, -0.0514], [0.0506, -0.0135, -0.0403]])
# Slopes of both colour differences, (a + b Y) times the difference itself: least squares over the hair of 250 of these
# photographs. They leave errors of 0.056 and 0.065 (root of the mean square); slopes of 0 would leave 0.103 and 0.110.
# Hardly any hair has steeper ones than SLOPE_LIMIT; colours that hair never has would.
SLOPES = np.array([[0.213, -2.143], [-0.206, -2.622]])
SLOPE_LIMIT = 0.3
LEAST_DEVIATION = 0.01  # the fit of the colour differences would be below 0 near white, where there is no hair


def moments(colour: tuple[int, int, int]) -> np.ndarray:
    """The colour moments (8,) float32 of hair whose mean is this colour (0..255): means, deviations, slopes."""
    mean = TO_YCC @ (np.asarray(colour, np.float32) / np.float32(127.5) - 1)
    luminance = float(mean[0])
    deviations = np.maximum(DEVIATIONS @ [1.0, luminance, luminance**2], LEAST_DEVIATION)
    slopes = np.clip(mean[1:] * (SLOPES @ [1.0, luminance]), -SLOPE_LIMIT, SLOPE_LIMIT)
    return np.concatenate([mean, deviations, slopes]).astype(np.float32)
