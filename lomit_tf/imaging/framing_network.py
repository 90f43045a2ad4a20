"""A second look at the framing of a face, by a small network (face_models/framing.tflite).

CelebA's images are aligned by points that move with the face's expression, and BlazeFace's six points do not say how
they moved: windows that follow from them alone are some percent larger around faces that smile than around others,
which models that know aligned faces take for the expression. The network has learned from CelebA's aligned images how
their crop lies in a square near to it (tools/framing_network.py). android_demo's core and the static page do the same.
"""

from __future__ import annotations

import cmath
import functools
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np

from lomit_tf.imaging.look import Look
from lomit_tf.runtime import litert

NETWORK = Path(__file__).parent / "face_models" / "framing.tflite"
SIDE = 64  # of the network's input, in pixels
FIELD, DOWN = 0.7, 0.09  # side of what it is shown, and how far that lies below the centre, in sides of the crop
UNIT = (0.07, 0.07, 0.035, 0.035)  # of what it says: log side, angle in radians, x and y of the centre in sides
MOST = 3.0  # UNITs that one look may correct by
LOOKS = 2


_lock = threading.Lock()


@functools.cache
def _runner(network: Path) -> Any:
    """The network, loaded."""
    return litert.interpreter(model_path=str(network), num_threads=1).get_signature_runner()


def run(picture: np.ndarray) -> np.ndarray:
    """(4,) float64, in UNITs: the network's output for (SIDE, SIDE, 3) uint8. Safe in several threads."""
    with _lock:
        (output,) = _runner(NETWORK)(image=(picture.astype(np.float32) * (2 / 255) - 1)[None]).values()
    return output[0].astype(np.float64)


def shown(turn: complex, centre: complex) -> tuple[complex, complex]:
    """The part of a crop that the network is shown, as one: its upper side, and its centre."""
    return FIELD * turn, centre + 1j * DOWN * turn


def moved(turn: complex, centre: complex, output: np.ndarray) -> tuple[complex, complex]:
    """A crop a, b where the network's output y says that it lies: with (s, t, u, v) = UNIT * y, each at most MOST
    UNITs large, a * exp(s + i t) and b + a * (u + i v)."""
    s, t, u, v = np.clip(output, -MOST, MOST) * UNIT
    return turn * cmath.exp(complex(s, t)), centre + turn * complex(u, v)


def corrected(look: Look, turn: complex, centre: complex) -> tuple[complex, complex]:
    """A face's crop after LOOKS looks of the network, each at the crop that the one before gave.

    Args:
      look: the photograph.
      turn, centre: the crop, as `celeba_framing.crop_around` gives it.

    Returns:
      The same two numbers.
    """
    for _ in range(LOOKS):
        across, middle = shown(turn, centre)
        square, _to_photo = look.square(
            np.array([middle.real, middle.imag]), abs(across), math.degrees(cmath.phase(across)), SIDE
        )
        turn, centre = moved(turn, centre, run(square))
    return turn, centre
