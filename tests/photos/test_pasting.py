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
    across, down = framed.window.matrix[:, :2] @ np.stack([x, y]).reshape(2, -1) + 0.5  # in sides of the window
    across, down = across.reshape(x.shape), down.reshape(x.shape)
    assert masks["hair"][near & (down > 0)].min() > 0.85
    # Above, hair fades out sooner and hardly widens (docs/method.md, eq. (10.12)).
    assert masks["hair"][(down < 0) & (down > -0.1) & (np.abs(across - 0.5) < 0.45)].min() > 0.85
    assert masks["hair"][down < -0.27].max() < 0.02
