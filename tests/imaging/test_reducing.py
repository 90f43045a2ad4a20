"""Large photographs made small: near to averages over areas, and spans that can be halved."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lomit_tf.imaging.reducing import divisible, reduced


@pytest.mark.parametrize("size", [(100, 75), (64, 48), (63, 41), (399, 299)])
@pytest.mark.parametrize("shape", [(600, 800), (601, 800), (602, 806)])
def test_it_is_an_average_over_areas(size, shape, rng):
    image = cv2.GaussianBlur(rng.integers(0, 256, (*shape, 3), dtype=np.uint8), (0, 0), 2)
    expected = cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    found = reduced(image, size)
    assert found.shape == (size[1], size[0], 3) and found.dtype == np.uint8
    difference = np.abs(found - expected)
    assert difference.mean() < 0.2 * image.std() and difference.max() < 0.8 * image.std()


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 20))
def test_spans_are_cut_within_the_photograph_alone(first, length, beyond):
    last = first + length
    end = last + beyond
    low, high = divisible(first, last, end)
    assert first <= low <= high <= last and length - (high - low) < 8
    if first == 0 and last == end:
        assert (low, high) == (first, last)
    else:
        assert (high - low) % 8 == 0
        assert (low == first or first > 0) and (high == last or last < end)  # an end of the photograph stays
