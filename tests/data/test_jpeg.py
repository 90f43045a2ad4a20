"""JPEG by OpenCV: Pillow's pixels and Pillow's bytes, and no picture where Pillow finds a fault."""

from __future__ import annotations

import io
import itertools

import cv2
import numpy as np
import pytest
from PIL import Image

from lomit_tf.data import host, jpeg
from lomit_tf.data.opening import CorruptImageError
from lomit_tf.imaging.photo import read
from tests.helpers.photo_files import SRGB, XMP, encoded, exif


@pytest.fixture
def rgb(rng) -> np.ndarray:
    """(61, 83, 3) uint8, smooth: no multiple of a JPEG's blocks."""
    return cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), (83, 61), interpolation=cv2.INTER_CUBIC)


def by_pillow(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_pillows_pixels(rgb, subsampling):
    kinds = [
        {},
        {"restart_marker_blocks": 3},
        {"optimize": True},
        {"exif": b"Exif\0\0" + exif(6), "comment": b"\xff\xd9"},
    ]
    kinds += [{"keep_rgb": True}] if subsampling == "4:4:4" else []
    for kind, quality in itertools.product(kinds, (1, 60, 100)):
        data = encoded(rgb, "JPEG", quality=quality, subsampling=subsampling, **kind)
        for file in (data, data + b"what a camera wrote behind it"):
            np.testing.assert_array_equal(jpeg.decoded(file, 83, 61), by_pillow(data), err_msg=f"{kind} {quality}")
        if "exif" not in kind:
            np.testing.assert_array_equal(read(data).values, by_pillow(data))


def test_turned_once(rgb):
    data = encoded(rgb, "JPEG", exif=b"Exif\0\0" + exif(6))
    np.testing.assert_array_equal(read(data).values, np.rot90(by_pillow(data), -1))


def test_what_pillow_had_better_read(rgb):
    data = encoded(rgb, "JPEG")
    others = {
        "progressive": encoded(rgb, "JPEG", progressive=True), "grey": encoded(rgb[..., 0], "JPEG"),
        "four inks": encoded(Image.fromarray(rgb).convert("CMYK"), "JPEG"), "no JPEG": encoded(rgb), "nothing": b"",
        "without its end": data[:-2], "half of it": data[: len(data) // 2], "a start alone": data[:2],
        "half of its head": data[:200], "another picture's marker in it": data[:-40] + b"\xff\xc4" + data[-38:],
    }  # fmt: skip
    for name, file in others.items():
        assert jpeg.decoded(file, 83, 61) is None, name
    assert jpeg.decoded(data, 61, 83) is None
    for name in ("progressive", "grey", "four inks"):
        assert read(others[name]).size == (61, 83), name
    np.testing.assert_array_equal(read(others["progressive"]).values, by_pillow(others["progressive"]))
    for name in ("without its end", "half of it"):
        with pytest.raises(CorruptImageError, match="truncated"):
            read(others[name])


def test_a_picture_of_several(rgb):
    """A phone's main picture with another behind it."""
    data = encoded(rgb, "MPO", save_all=True, append_images=[Image.fromarray(rgb[::2, ::2])])
    assert Image.open(io.BytesIO(data)).format == "MPO"
    np.testing.assert_array_equal(jpeg.decoded(data, 83, 61), by_pillow(data))
    np.testing.assert_array_equal(read(data).values, by_pillow(data))


def test_damaged_files_are_read_as_pillow_reads_them(rgb, rng, capfd):
    sound = encoded(rgb, "JPEG", quality=90)
    taken = 0
    for n in range(600):
        data = bytearray(sound)
        for at in rng.integers(2, len(data) if n % 2 else 640, rng.integers(1, 4)):
            data[at] = rng.integers(0, 256)
        found = jpeg.decoded(bytes(data), 83, 61)
        if found is not None:
            taken += 1
            np.testing.assert_array_equal(found, by_pillow(bytes(data)))  # and it raises nothing
    assert taken > 300


def test_an_opened_image_that_was_changed_since_counts(rgb):
    image = Image.open(io.BytesIO(encoded(rgb, "JPEG")))
    image.paste((1, 2, 3), (0, 0, 83, 61))
    assert (read(image).values == (1, 2, 3)).all()
    assert (host.decode(encoded(rgb, "JPEG")) != (1, 2, 3)).any()


@pytest.mark.parametrize(
    "metadata", [{}, {"exif": b"Exif\0\0" + exif(), "icc_profile": SRGB, "xmp": XMP, "dpi": (240, 120)}]
)
@pytest.mark.parametrize("subsampling", [0, 2])
def test_pillows_bytes(rgb, metadata, subsampling):
    for picture in (rgb, rgb[:1, :1], rgb[:, ::2], np.tile(rgb, (3, 3, 1))):
        made = jpeg.encoded(picture, 95, subsampling, **metadata)
        assert made == encoded(np.ascontiguousarray(picture), "JPEG", quality=95, subsampling=subsampling, **metadata)
