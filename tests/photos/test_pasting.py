"""What is pasted back into a photograph, at the border of its window."""

from __future__ import annotations

import numpy as np
import pytest

from lomit_tf.imaging.framing import Window
from lomit_tf.imaging.photo import from_array
from lomit_tf.photos import photo_masks
from lomit_tf.photos.translation import FramedPhoto

pytestmark = pytest.mark.quick
SIDE = 200


@pytest.mark.parametrize("angle", [0.0, 17.0, -40.0])
def test_hair_goes_on_beyond_a_window_without_a_seam(angle):
    photo = from_array(np.full((SIDE, SIDE, 3), (70, 40, 20), np.uint8), "hair everywhere")
    framed = FramedPhoto(photo, Window(60, 60, 80, 80, angle), 32, ())
    framed.own_masks = np.concatenate([np.ones((32, 32, 1)), np.zeros((32, 32, 1))], axis=-1).astype(np.float32)
    masks = photo_masks.of_photo(framed, {}, ("hair",), ("hair",))
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5 - SIDE / 2
    near = np.hypot(x, y) < 64  # the window's corners lie at 56
    assert masks["hair"][near].min() > 0.85
