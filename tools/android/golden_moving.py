"""What golden.py writes of pixels that move: pictures that `lomit_tf.photos.pasting` makes with a displacement."""

from __future__ import annotations

import numpy as np

from lomit_tf.data import preprocess
from lomit_tf.engines.outline import Outline, Painting
from lomit_tf.imaging import moving
from lomit_tf.imaging.framing import Window
from lomit_tf.imaging.photo import from_array
from lomit_tf.photos import pasting
from lomit_tf.photos.translation import Exemplar, FramedPhoto, Request

MOST = 5.0  # pixels of the model for the last level of displacement.png
WINDOWS = {  # in photo.png, as MovingTest has them too
    "within": Window(12, 31, 110, 101), "beyond": Window(60, -35, 130, 130), "turned": Window(25, 45, 90, 90, 25.0),
}  # fmt: skip


def displacement(size: int) -> np.ndarray:
    """A grey picture (size, 2 size): for each pixel how far to the right and downwards its colours come from.

    Level 128 is no movement, and 127 levels are MOST pixels. Nothing moves in a frame, and beyond a wave's ends.
    """
    rows, columns = np.mgrid[:size, :size] / size
    inside = np.clip(1.3 - 4 * np.hypot(rows - 0.55, columns - 0.45), 0, 1)
    by = np.stack([np.sin(9 * rows + 4 * columns), np.cos(7 * columns - 3 * rows)], axis=-1) * inside[..., None]
    levels: np.ndarray = np.uint8(np.round(128 + 127 * by)).reshape(size, -1)
    return levels


def pictures(photo: np.ndarray, painted: np.ndarray, mask: np.ndarray) -> dict[str, np.ndarray]:
    """File names and pictures.

    Args:
      photo: (H, W, 3) uint8.
      painted: (S, S, 3) uint8, what is painted freely.
      mask: (S, S) uint8, of the one group.

    Returns:
      displacement.png; view_moved.png, what the model sees of the window `within`, moved; moved_NAME.png, the part of
      the photo in which a window lies, moved and painted: around it the photo stays.
    """
    levels, size = displacement(len(mask)), len(mask)
    by = (levels.reshape(size, size, 2) - np.float32(128)) / np.float32(127) * np.float32(MOST)
    share = mask / np.float32(255)
    regions = np.stack([share, 1 - share], axis=-1)
    raw = np.asarray(preprocess.to_model_range(painted[None]))[0]
    made = {"displacement.png": levels}
    for name, window in WINDOWS.items():
        framed = FramedPhoto(from_array(photo), window, size, ())
        framed.own_masks = regions
        exemplar = Exemplar(np.zeros((1, 8), np.float32), {}, framed.photo, window)
        asked = Request(framed, exemplar, {}, np.ones(1, np.float32))
        outline = Outline(size, ("smile",), (), "celeb_a", 178)
        whole = np.asarray(pasting.paste(asked, [Painting(regions, raw, displacement=by)], outline)[0].values)
        inside = window.inside(photo.shape[:2])
        around = np.ones(photo.shape[:2], bool)
        around[inside] = False
        assert whole.dtype == np.uint8 and (whole[around] == photo[around]).all()
        made[f"moved_{name}.png"] = whole[inside]
        if name == "within":
            seen = moving.moved(framed.pixels, by, linear=True)
            made["view_moved.png"] = preprocess.from_model_range(seen[None])[0].numpy()
    return made
