"""The light that a face is seen in, and pictures as they would look in that of another: docs/method.md, eq. (10.9).

A person sees the hair of an exemplar in the light of its photograph: black hair is black although a warm lamp makes its
pixels brown. In a photograph with other light the same pixels would look dyed. The skin of both faces says how the
lights differ.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np

from lomit_tf.imaging.paste_back import TO_YCC

SKIN = 0.5, 0.57, 0.14, 0.09  # centre and radii of the middle of the face, in sides of a window framed as CelebA's are
LEAST = 0.02  # added to colours in 0..1, so that a black face has a light
FURTHEST = 1.6  # how many times as strong a colour's part of the light may be
SHARE = 0.5  # of the difference of both lights, in logarithms, where both faces have the colour of skin
# How much more red than blue there is in a light, its luminance 1, from where on and until where skin says something of
# it: grey photographs have no light, and paint is not skin. And how much more blue than green there may be.
WARM, PINK = (0.08, 0.2), 0.2


def of_face(pixels: np.ndarray) -> np.ndarray:
    """(3,) float32: the median of a face's skin, its luminance 1; of (S, S, 3) in -1..1, framed as CelebA's are."""
    colour = np.median(pixels[_skin(len(pixels))] / 2 + 0.5, axis=0).astype(np.float32) + np.float32(LEAST)
    return colour / (colour @ TO_YCC[0])


def known(face_light: np.ndarray) -> float:
    """How far a light of `of_face` is that of skin, from 0, of grey or painted faces, to 1."""
    red, green, blue = (float(value) for value in face_light)
    low, high = WARM
    return min(1.0, max(0.0, (red - blue - low) / (high - low))) * min(1.0, max(0.0, 1 + (green - blue) / PINK))


def changed(pixels: np.ndarray, own: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """A picture in other light: its colours change, and the luminance of each pixel stays, as far as 1 allows.

    Args:
      pixels: (S, S, 3) in -1..1.
      own: its light, of `of_face`.
      wanted: the other light.

    Returns:
      (S, S, 3) float32, levels of 8 bits; the given picture itself where both lights are the same, or one is not known.
    """
    share = SHARE * known(own) * known(wanted)
    if not share or np.array_equal(own, wanted):
        return pixels
    gain = np.clip(wanted / own, 1 / FURTHEST, FURTHEST) ** np.float32(share)
    before = (pixels.astype(np.float32) + 1) / 2
    after = before * gain
    luminance = [cv2.transform(one, np.float32(TO_YCC[:1])) for one in (before, after)]
    after *= (luminance[0] / np.maximum(luminance[1], np.float32(1e-6)))[..., None]
    levels = np.round(np.minimum(after, 1) * np.float32(255))  # a quantised generator makes much of less
    return (levels - np.float32(127.5)) * np.float32(1 / 127.5)


@functools.cache
def _skin(size: int) -> np.ndarray:
    """(S, S) bool: the ellipse SKIN."""
    at = (np.arange(size) + 0.5) / size
    x, y, across, down = SKIN
    return ((at[None, :] - x) / across) ** 2 + ((at[:, None] - y) / down) ** 2 <= 1


__all__ = ["changed", "known", "of_face"]
