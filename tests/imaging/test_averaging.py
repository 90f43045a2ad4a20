"""Smaller copies against NumPy."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lomit_tf.imaging.averaging import averaged

pytestmark = pytest.mark.quick


def halved(image: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels, rounded half up."""
    height, width = image.shape[:2]
    return (image.reshape(height // 2, 2, width // 2, 2, 3).astype(int).sum(axis=(1, 3)) + 2) // 4


def test_halves_are_means_of_four_pixels(rng):
    image = rng.integers(0, 256, (24, 40, 3), dtype=np.uint8)
    np.testing.assert_array_equal(averaged(image, 20, 12), halved(image))
    np.testing.assert_array_equal(averaged(image, 10, 6), halved(halved(image).astype(np.uint8)))


def test_what_is_left_is_averaged_by_area(rng):
    """A third of an image whose sides are halved once; and one with an odd side, which is not."""
    image = rng.integers(0, 256, (42, 66, 3), dtype=np.uint8)
    thirds = halved(image).reshape(7, 3, 11, 3, 3).mean(axis=(1, 3))
    assert np.abs(averaged(image, 11, 7) - thirds).max() <= 0.5 + 1e-6
    odd = image[:41]
    np.testing.assert_array_equal(averaged(odd, 24, 15), cv2.resize(odd, (24, 15), interpolation=cv2.INTER_AREA))


def test_a_picture_of_that_size_stays(rng):
    image = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(averaged(image, 7, 5), image)
