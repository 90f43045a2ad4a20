"""Colour profiles: the model sees sRGB, and changes come back in the file's own colours."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from lomit_tf.data import colour
from lomit_tf.data.preprocess import decode
from lomit_tf.imaging.photo import Photo, read
from lomit_tf.imaging.writing import encode, given_back, lost
from tests.helpers import photo_files as files
from tests.helpers.photo_files import PRIMARIES, encoded, png_chunk, png_with

SRGB = ImageCms.createProfile("sRGB")


@pytest.fixture
def rgb(rng) -> np.ndarray:
    """(24, 32, 3) uint8 in sRGB: smooth and soft, all within the gamut of every profile."""
    coarse = Image.fromarray(rng.integers(30, 226, (4, 5, 3), np.uint8))
    return np.array(coarse.resize((32, 24), Image.Resampling.BICUBIC)).clip(30, 226)


def through(image: np.ndarray, before, after) -> np.ndarray:
    """LittleCMS alone: (H, W, 3) uint8 in another profile's colours."""
    opened = [ImageCms.ImageCmsProfile(io.BytesIO(p)) if isinstance(p, bytes) else p for p in (before, after)]
    converted = ImageCms.profileToProfile(Image.fromarray(image), *opened, renderingIntent=1, outputMode="RGB")
    return np.asarray(converted)


def in_profile(rgb: np.ndarray, name: str, dtype) -> np.ndarray:
    """An sRGB picture in a profile's colours, with 8 bits (LittleCMS) or 16."""
    if dtype == np.uint8:
        return through(rgb, SRGB, files.profile(name))
    own = colour.profile_of(files.profile(name)).from_srgb(rgb / np.float32(255))
    return np.round(own * 65535).astype(np.uint16)


@pytest.mark.parametrize("name", PRIMARIES)
def test_our_arithmetic_is_that_of_littlecms(rng, name):
    profile, values = colour.profile_of(files.profile(name)), rng.integers(0, 256, (60, 60, 3), np.uint8)
    expected = through(values, files.profile(name), SRGB)
    assert np.abs(profile.to_srgb(values) * 255 - expected).max() < 1.2
    np.testing.assert_array_equal(profile.to_srgb8(values), expected)
    np.testing.assert_allclose(profile.to_srgb(values.astype(np.uint16) * 257), profile.to_srgb(values), atol=1e-6)
    soft = rng.integers(30, 226, (60, 60, 3), np.uint8)
    back = profile.from_srgb(soft / np.float32(255)) * 255
    assert np.abs(back - through(soft, SRGB, files.profile(name))).max() < 1.2
    # One of 65,535 steps, which may be eight in sRGB, where ProPhoto's colours are darkest.
    assert np.abs(profile.to_srgb(np.round(back * 257).astype(np.uint16)) * 255 - soft).max() < 8 * 255 / 65_535


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "JPEG"])
@pytest.mark.parametrize("name", PRIMARIES)
def test_the_model_sees_srgb(rgb, name, format, dtype):
    own = in_profile(rgb, name, dtype)
    data = encode(Photo(own, icc=files.profile(name)), format)
    photo = read(data)
    assert photo.icc == files.profile(name)
    np.testing.assert_array_equal(decode(data), photo.rgb)
    off = np.abs(photo.rgb.astype(int) - rgb)
    assert off.mean() < (2.5 if format == "JPEG" else 1.0 if name == "ProPhoto" else 0.7), off.mean()
    assert np.abs(own.astype(float) / Photo(own).scale * 255 - rgb).mean() > 4  # or nothing would be shown


def test_srgb_itself_in_any_words_changes_nothing(rgb):
    for data in (
        encoded(rgb, icc_profile=files.SRGB),
        png_with(encoded(rgb), png_chunk(b"sRGB", b"\0"), png_chunk(b"gAMA", b"\0\1\x86\xa0")),  # sRGB says it
        png_with(encoded(rgb), png_chunk(b"gAMA", (45455).to_bytes(4, "big"))),
    ):
        photo = read(data)
        np.testing.assert_array_equal(photo.rgb, rgb)
        assert colour.profile_of(photo.icc) is None
    assert read(encoded(rgb, icc_profile=files.SRGB)).icc == files.SRGB


def test_gamma_and_primaries_of_a_png_count(rgb):
    linear = np.round(colour._decoding()[np.round(rgb / 255 * (colour.FINE - 1)).astype(int)] * 65535).astype(np.uint16)
    data = png_with(encode(Photo(linear)), png_chunk(b"gAMA", (100_000).to_bytes(4, "big")))
    photo = read(data)
    assert np.abs(photo.rgb.astype(int) - rgb).max() <= 1
    np.testing.assert_array_equal(decode(data), photo.rgb)
    np.testing.assert_array_equal(photo.values, linear)
    for format in ("PNG", "TIFF"):  # written with a profile that means the same
        again = read(encode(photo, format))
        np.testing.assert_array_equal(again.values, linear)
        np.testing.assert_array_equal(again.rgb, photo.rgb)
    numbers = b"".join(round(n * 100_000).to_bytes(4, "big") for n in PRIMARIES["Display P3"])
    wide = png_with(
        encoded(in_profile(rgb, "Display P3", np.uint8)),
        png_chunk(b"cHRM", numbers),
        png_chunk(b"gAMA", (45455).to_bytes(4, "big")),
    )
    assert np.abs(read(wide).rgb.astype(int) - rgb).mean() < 0.7


def test_a_cameras_adobe_rgb_without_a_profile(rgb):
    """DCF: the interoperability index R03 says that the colours are Adobe RGB."""
    import struct

    first = 8 + 2 + 12 + 4
    block = b"II*\0" + struct.pack("<LHHHLLL", 8, 1, 0x8769, 4, 1, first, 0)
    block += struct.pack("<HHHLLL", 1, 0xA005, 4, 1, first + 18, 0) + struct.pack("<HHHL4sL", 1, 1, 2, 4, b"R03\0", 0)
    own = in_profile(rgb, "AdobeRGB", np.uint8)
    data = png_with(encoded(own), png_chunk(b"eXIf", block))
    assert np.abs(read(data).rgb.astype(int) - rgb).mean() < 0.7
    np.testing.assert_array_equal(decode(data), read(data).rgb)


def test_grey_profiles_and_profiles_of_other_colours(rgb):
    grey = rgb[..., 0]
    opened = ImageCms.ImageCmsProfile(io.BytesIO(files.grey_profile(1.8)))
    expected = np.asarray(
        ImageCms.profileToProfile(Image.fromarray(grey), opened, SRGB, renderingIntent=1, outputMode="RGB")
    )
    for data in (
        encoded(grey, icc_profile=files.grey_profile(1.8)),
        encoded(grey, "JPEG", quality=100, icc_profile=files.grey_profile(1.8)),
    ):
        photo = read(data)
        assert np.abs(photo.rgb.astype(int) - expected).max() <= (3 if b"JFIF" in data[:20] else 1)
        np.testing.assert_array_equal(decode(data), photo.rgb)
        assert np.abs(read(encode(photo)).rgb.astype(int) - photo.rgb).max() == 0
    deep = read(encoded(grey.astype(np.uint16) * 257, icc_profile=files.grey_profile(1.8)))
    assert np.abs(deep.rgb.astype(int) - expected).max() <= 1
    wrong = read(encoded(rgb, icc_profile=files.grey_profile(1.8)))
    assert wrong.icc == b"" and "GRAY colours" in wrong.notes[0]
    np.testing.assert_array_equal(wrong.rgb, rgb)


def test_cmyk_goes_through_its_own_profile(rgb):
    image, profile = Image.fromarray(rgb).convert("CMYK"), files.cmyk_profile()
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    expected = np.asarray(
        ImageCms.profileToProfile(image, opened, SRGB, renderingIntent=1, outputMode="RGB", flags=0x2000)
    )
    data = encoded(image, "TIFF", icc_profile=profile)
    np.testing.assert_array_equal(read(data).rgb, expected)
    np.testing.assert_array_equal(decode(data), expected)
    assert np.abs(read(encoded(image, "TIFF")).rgb.astype(int) - expected).mean() > 10
    unfit = read(encoded(image, "TIFF", icc_profile=files.SRGB))
    assert unfit.icc == b"" and "CMYK" in unfit.notes[0]


def test_a_profile_that_leads_one_way_gives_srgb(rng, rgb):
    corners = np.stack([np.indices((2, 2, 2)).sum(axis=0) * 80 + 10, *[np.full((2, 2, 2), 128)] * 2], axis=-1)
    data = encoded(rgb, icc_profile=files.table_profile(b"RGB ", corners, kind=b"scnr"))
    photo = read(data)
    assert photo.icc == b"" and "only leads to sRGB" in photo.notes[0]
    np.testing.assert_array_equal(photo.values, decode(data))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", [None, *PRIMARIES])
def test_changes_come_back_in_the_files_own_colours(rng, rgb, name, dtype):
    own = in_profile(rgb, name, dtype) if name else (rgb if dtype == np.uint8 else rgb.astype(np.uint16) * 257)
    photo = Photo(own, icc=files.profile(name) if name else b"")
    part = (slice(4, 20), slice(2, 30))
    srgb = photo.srgb(part)
    assert srgb.dtype == np.float32 and np.abs(srgb * 255 - rgb[part]).mean() < 1
    np.testing.assert_array_equal(photo.with_srgb(srgb, part).values, own)  # nothing changed: the same to the bit
    where = rng.random(srgb.shape[:2]) < 0.5
    expected = np.clip(srgb + rng.uniform(-0.2, 0.2, srgb.shape).astype(np.float32), 0.05, 0.95)
    changed = photo.with_srgb(expected, part, where)
    outside = np.ones(own.shape[:2], bool)
    outside[part] = ~where
    np.testing.assert_array_equal(changed.values[outside], own[outside])
    error = np.abs(changed.srgb(part)[where] - expected[where]) * 255
    # One step of ProPhoto's 8 bits is up to 8 of sRGB, where its colours are darkest.
    assert error.mean() < (0.9 if dtype == np.uint8 else 0.02), error.mean()
    assert changed.icc == photo.icc


def test_colours_beyond_srgb_stay_there():
    """The reddest red of Display P3 is clipped for the model; a change of nothing, and a small one, keep it."""
    photo = Photo(np.array([[[255, 0, 0], [0, 255, 0]]], np.uint8), icc=files.profile("Display P3"))
    srgb = photo.srgb()
    np.testing.assert_array_equal(photo.with_srgb(srgb).values, photo.values)
    darker = photo.with_srgb(srgb * np.float32(0.9)).values.astype(int)
    assert darker[0, 0, 0] < 240 and darker[0, 0, 1:].max() == 0


def test_results_in_every_form_have_the_profile(rgb):
    own, profile = in_profile(rgb, "AdobeRGB", np.uint8), files.profile("AdobeRGB")
    photo = read(encoded(own, icc_profile=profile))
    assert given_back(photo)[:4] == b"\x89PNG" and profile == read(given_back(photo)).icc
    assert given_back(read(Image.open(io.BytesIO(encoded(own, icc_profile=profile))))).info["icc_profile"] == profile
    clear = Photo(own, np.full(own.shape[:2], 128, np.uint8), icc=profile)
    np.testing.assert_array_equal(read(encode(clear, "BMP")).values, clear.rgb)  # BMP has no profile
    assert "written in sRGB" in lost(clear, "BMP")[-1]
    flat = read(encode(clear, "JPEG"))
    assert flat.icc == profile and np.abs(flat.values.astype(int) - clear.over_white()).mean() < 3


def test_pillow_images_count_as_files_do(rgb):
    data = encoded(in_profile(rgb, "ProPhoto", np.uint8), icc_profile=files.profile("ProPhoto"))
    np.testing.assert_array_equal(read(Image.open(io.BytesIO(data))).rgb, read(data).rgb)
