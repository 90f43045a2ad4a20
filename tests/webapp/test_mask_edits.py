"""What a painted layer means for a mask, compared with what was painted into it. Nothing here needs TensorFlow."""

from __future__ import annotations

import base64
import io
import zlib

import numpy as np
import pytest
from PIL import Image

from lomit_tf.webapp import mask_edits
from lomit_tf.webapp.mask_edits import TOLERANCE, LayerError

pytestmark = pytest.mark.quick

SIZE = (60, 80)


def disc(size: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.mgrid[: size[0], : size[1]]
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


@pytest.fixture
def mask(rng) -> np.ndarray:
    """Any values from 0 to 1."""
    return rng.uniform(size=SIZE).astype(np.float32)


def test_an_untouched_layer_leaves_the_mask_to_the_bit(mask, rng):
    found = mask_edits.layer_of(mask, SIZE)
    np.testing.assert_allclose(found / 255, mask, atol=0.5 / 255 + 1e-6)
    noise = rng.integers(-TOLERANCE, TOLERANCE + 1, SIZE)
    layer = np.clip(found.astype(int) + noise, 0, 255).astype(np.uint8)
    assert not mask_edits.touched_of(layer, found).any()
    np.testing.assert_array_equal(mask_edits.applied(layer, found, mask), mask)


def test_painted_and_erased_pixels_and_no_others(mask):
    found = mask_edits.layer_of(mask, SIZE)
    layer, painted, erased = found.copy(), disc(SIZE, (20, 20), 8), disc(SIZE, (40, 60), 9)
    layer[painted], layer[erased] = 255, 0
    result = mask_edits.applied(layer, found, mask)
    np.testing.assert_allclose(result[painted], 1, atol=TOLERANCE / 255 + 0.002)
    np.testing.assert_allclose(result[erased], 0, atol=TOLERANCE / 255 + 0.002)
    np.testing.assert_array_equal(result[~painted & ~erased], mask[~painted & ~erased])


@pytest.mark.parametrize("size", [(15, 20), (240, 320), (60, 80)])
def test_painting_at_another_size_is_where_it_was_painted(size):
    own = np.full(size, 0.25, np.float32)
    found = mask_edits.layer_of(own, SIZE)
    layer = np.where(disc(SIZE, (30, 40), 16), 255, found).astype(np.uint8)
    result = mask_edits.applied(layer, found, own)
    scale = size[0] / SIZE[0]
    centre, pixel = ((30 + 0.5) * scale - 0.5, (40 + 0.5) * scale - 0.5), max(scale, 1.0) * 1.5
    assert (result[disc(size, centre, 16 * scale - pixel)] == 1).all()
    assert (result[~disc(size, centre, 16 * scale + pixel)] == 0.25).all()


def test_a_layer_comes_back_from_the_browsers_form(rng):
    layer = rng.integers(0, 256, SIZE, np.uint8)
    url = mask_edits.layer_url(layer)
    np.testing.assert_array_equal(mask_edits.read_layer(url, SIZE), layer)
    image = Image.open(io.BytesIO(base64.b64decode(url.split(",")[1])))
    assert image.size == SIZE[::-1]
    assert image.getpixel((0, 0))[:3] == mask_edits.TINT


def test_what_is_no_layer_is_refused_before_it_is_decoded(rng):
    def url(size: tuple[int, int], format: str) -> str:
        buffer = io.BytesIO()
        Image.new("RGBA", size).save(buffer, format)
        return mask_edits.PNG_URL + base64.b64encode(buffer.getvalue()).decode()

    with pytest.raises(LayerError, match="bomb"):  # a bomb: 1.6 GB of pixels
        header = base64.b64decode(url((20, 20), "PNG").split(",")[1]).replace(
            b"\0\0\0\x14\0\0\0\x14", b"\0\0\x4e\x20\0\0\x4e\x20"
        )
        header = header[:29] + zlib.crc32(header[12:29]).to_bytes(4, "big") + header[33:]
        mask_edits.read_layer(mask_edits.PNG_URL + base64.b64encode(header).decode(), SIZE)
    for bad in (url(SIZE[::-1], "GIF"), url(SIZE, "PNG"), "", "x", 5, mask_edits.PNG_URL, mask_edits.PNG_URL + "?"):
        with pytest.raises(LayerError):
            mask_edits.read_layer(bad, SIZE)


def test_the_longer_side_is_the_editors():
    assert mask_edits.editor_size((3000, 4000), 640) == (480, 640)
    assert mask_edits.editor_size((64, 64), 640) == (640, 640)
    assert mask_edits.editor_size((1, 5000), 640) == (1, 640)
