"""What files say about their pixels: kept where it can be, left out with a note where it cannot, never in the way."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from lomit_tf.data.preprocess import decode
from lomit_tf.imaging.formats import ImageError
from lomit_tf.imaging.photo import Photo, read
from lomit_tf.imaging.writing import encode, lost
from tests.helpers import photo_files as files
from tests.helpers.photo_files import DAMAGED, JPEG_START, XMP, encoded, exif, png_chunk, png_with

LOSSLESS = ("PNG", "TIFF", "WEBP")
EXIF_POINTER, DATE, MAKER_NOTE, MAKER, ORIENTATION = 0x8769, 0x9003, 0x927C, 0x010F, 0x0112


@pytest.fixture
def rgb(rng) -> np.ndarray:
    """(20, 30, 3) uint8."""
    return rng.integers(0, 256, (20, 30, 3), np.uint8)


def holders(rgb: np.ndarray, block: bytes) -> dict[str, bytes]:
    """Files of every kind that holds an EXIF block, without anything looking at it."""
    return {
        "PNG": png_with(encoded(rgb), png_chunk(b"eXIf", block)),
        "PNG, at its end": png_with(encoded(rgb), png_chunk(b"eXIf", block), last=True),
        "JPEG": files.jpeg_with_exif(encoded(rgb, "JPEG", quality=95), block),
        "WEBP": encoded(rgb, "WEBP", lossless=True, exif=block),
        "HEIF": encoded(rgb, "HEIF", exif=b"Exif\0\0" + block),
    }


def metadata_of(photo: Photo, format: str) -> tuple[Image.Exif, dict]:
    image = Image.open(io.BytesIO(encode(photo, format)))
    return image.getexif(), image.info


@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_exif_is_left_out_and_the_pixels_are_read(rgb, kind):
    sound = kind == "a maker of numbers"  # its numbers can be read, whatever they should mean
    plain = {name: read(data).values for name, data in holders(rgb, exif()).items()}
    for name, data in holders(rgb, DAMAGED[kind]).items():
        photo = read(data)
        np.testing.assert_array_equal(photo.values, plain[name], err_msg=name)
        np.testing.assert_array_equal(decode(data), photo.rgb)
        assert sound or any("EXIF" in note for note in photo.notes), name
        for format in (*LOSSLESS, "JPEG"):
            again = read(encode(photo, format))  # no part of the damage is written again
            assert not again.notes, (name, format)
            if format in LOSSLESS:
                np.testing.assert_array_equal(again.values, photo.values)


def test_a_prefix_in_front_of_a_block_does_no_harm(rgb):
    for times in (1, 2):
        for name, data in holders(rgb, b"Exif\0\0" * times + exif(3)).items():
            photo = read(data)
            assert not photo.notes and photo.exif.startswith(b"II*\0"), name
            np.testing.assert_array_equal(decode(data), photo.rgb)
            if name.startswith("PNG"):
                np.testing.assert_array_equal(photo.values, rgb[::-1, ::-1])
                assert png_with(encode(photo)).count(b"Exif\0\0") == 0  # as the format asks


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_orientations_that_do_not_exist_count_as_none(rgb, orientation):
    for name, data in holders(rgb, exif(orientation)).items():
        photo = read(data)
        assert photo.size == rgb.shape[:2], name
        for format in (*LOSSLESS, "JPEG"):
            found, _ = metadata_of(photo, format)
            assert found[MAKER] == "Maker" and ORIENTATION not in found, (name, format)
    tiff = files.tiff(rgb, {ORIENTATION: orientation})
    np.testing.assert_array_equal(read(tiff).values, rgb)
    encode(read(tiff), "TIFF")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_every_orientation_in_every_container_and_depth(rgb, orientation, order):
    as_stored = files.stored(rgb, orientation)
    block = exif(orientation, order=order)
    for data in (
        png_with(encoded(as_stored), png_chunk(b"eXIf", block)),
        encoded(as_stored, "WEBP", lossless=True, exif=block),
        files.tiff(as_stored, {ORIENTATION: orientation}),
        encoded(as_stored, "TIFF", compression="tiff_lzw", tiffinfo={ORIENTATION: orientation}),
    ):
        np.testing.assert_array_equal(read(data).values, rgb)
        np.testing.assert_array_equal(decode(data), rgb)
    deep = files.tiff(as_stored.astype(np.uint16) * 257, {ORIENTATION: orientation})
    np.testing.assert_array_equal(read(deep).values, rgb.astype(np.uint16) * 257)
    np.testing.assert_array_equal(decode(deep), rgb)


def test_exif_that_does_not_fit_a_jpeg_loses_the_makers_notes_first(rgb):
    large = exif(1, note=bytes(range(256)) * 280)
    photo = read(files.jpeg_with_exif(encoded(rgb, "JPEG"), large))  # in two segments
    assert not photo.notes and len(photo.exif) > 65_533
    found, _ = metadata_of(photo, "JPEG")
    assert found[MAKER] == "Maker" and found.get_ifd(EXIF_POINTER) == {DATE: "2020:01:01 00:00:00"}
    assert lost(photo, "JPEG") == (
        "JPEG holds at most 64 KB of EXIF data; the camera maker's notes among them were left out",
    )
    for format in LOSSLESS:
        assert metadata_of(photo, format)[0].get_ifd(EXIF_POINTER)[MAKER_NOTE] == bytes(range(256)) * 280, format
        assert not lost(photo, format)
    text = b"x" * 70_000 + b"\0"
    without = read(png_with(encoded(rgb), png_chunk(b"eXIf", exif(maker=text))))
    assert lost(without, "JPEG") == ("JPEG holds at most 64 KB of EXIF data; they were left out",)
    assert not metadata_of(without, "JPEG")[0]
    wide = read(
        png_with(
            encoded(rgb), png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP.replace(b"image/x", b"x" * 70_000))
        )
    )
    assert "XMP" in lost(wide, "JPEG")[0] and "xmp" not in metadata_of(wide, "JPEG")[1]
    assert len(metadata_of(wide, "WEBP")[1]["xmp"]) > 70_000


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"eXIf", exif(), sound=False),
        png_chunk(b"iCCP", b"name\0\0" + zlib.compress(files.SRGB), sound=False),
        png_chunk(b"iCCP", b"name\0\0not compressed"),
        png_chunk(b"iCCP", b"name\0\x07" + zlib.compress(files.SRGB)),
        png_chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(20 << 20))),
        png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(8 << 20))),
        png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0broken"),
        png_chunk(b"tEXt", b"Comment\0" + bytes(range(256)), sound=False),
        png_chunk(b"pHYs", b"\0"),
        png_chunk(b"gAMA", b""),
        png_chunk(b"cHRM", bytes(32)),
        png_chunk(b"gAMA", bytes(4)),
        png_chunk(b"tIME", b"\0"),
        png_chunk(b"sRGB", b""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("last", [False, True])
def test_damaged_chunks_do_not_spoil_a_png(rgb, chunk, depth, last):
    sound = encoded(rgb) if depth == 8 else encode(Photo(rgb.astype(np.uint16) * 257))
    data = png_with(sound, chunk, last=last)
    photo = read(data)
    np.testing.assert_array_equal(photo.values, read(sound).values)
    np.testing.assert_array_equal(decode(data), rgb)
    for format in (*LOSSLESS, "JPEG", "BMP"):
        assert not read(encode(photo, format)).notes


@pytest.mark.parametrize("profile", [b"not a profile", files.SRGB[:200], files.SRGB[:-40] + bytes(40), bytes(3000)])
def test_a_profile_that_cannot_be_read_is_left_out(rgb, profile):
    for depth in (8, 16):
        values = rgb if depth == 8 else rgb.astype(np.uint16) * 257
        for data in (
            files.tiff(values, {34675: profile}),
            png_with(encode(Photo(values)), png_chunk(b"iCCP", b"a\0\0" + zlib.compress(profile))),
        ):
            photo = read(data)
            np.testing.assert_array_equal(photo.values, values)
            np.testing.assert_array_equal(photo.rgb, rgb)
            np.testing.assert_array_equal(decode(data), rgb)
            for format in (*LOSSLESS, "JPEG"):
                assert not read(encode(photo, format)).notes
                assert photo.icc or "icc_profile" not in metadata_of(photo, format)[1]


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("source", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_exif_profile_xmp_and_density_are_kept(rgb, depth, source, format):
    values, profile = rgb if depth == 8 else rgb.astype(np.uint16) * 257, files.profile("Display P3")
    if source == "JPEG":
        if depth == 16:
            pytest.skip("JPEG has no 16 bits")
        plain = encoded(rgb, "JPEG", icc_profile=profile, xmp=XMP, dpi=(240, 120))
        data = files.jpeg_with_exif(plain, exif(note=b"camera"))
    elif source == "PNG":
        density = png_chunk(b"pHYs", b"\0\0\x24\xe9\0\0\x12\x74\1")  # 9449 and 4724 a metre
        packet = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)
        chunks = (
            png_chunk(b"iCCP", b"a\0\0" + zlib.compress(profile)),
            density,
            packet,
            png_chunk(b"eXIf", exif(note=b"camera")),
        )
        data = png_with(encode(Photo(values)), *chunks)
    else:
        tags = {34675: profile, 700: XMP, 282: 240.0, 283: 120.0, 296: 2, MAKER: "Maker"}
        data = files.tiff(values, {**tags, EXIF_POINTER: {DATE: "2020:01:01 00:00:00", MAKER_NOTE: b"camera"}})
    photo = read(data)
    assert not photo.notes and photo.values.dtype == values.dtype
    found, info = metadata_of(photo, format)
    assert found[MAKER] == "Maker"
    assert found.get_ifd(EXIF_POINTER) == {DATE: "2020:01:01 00:00:00", MAKER_NOTE: b"camera"}
    assert info["icc_profile"] == profile
    assert info["xmp"].strip(b"\0") == XMP
    if format != "WEBP":  # which has no place for it
        assert info["dpi"] == pytest.approx((240, 120), abs=0.02)
    if format != "JPEG":
        again = read(encode(photo, format)).values
        np.testing.assert_array_equal(again, photo.values if format != "WEBP" else read(encode(photo, "WEBP")).values)
    if format in ("PNG", "TIFF"):
        np.testing.assert_array_equal(read(encode(photo, format)).values, photo.values)


def test_the_density_turns_with_the_picture(rgb):
    turned = read(files.tiff(files.stored(rgb, 6), {ORIENTATION: 6, 282: 240.0, 283: 120.0, 296: 2}))
    assert turned.dpi == (120, 240)
    assert read(files.tiff(rgb)).dpi is None


@pytest.mark.parametrize("order", ["<", ">"])
def test_no_thumbnail_shows_the_face_from_before(rgb, order):
    thumbnail = encoded(rgb, "JPEG")
    for name, data in holders(rgb, exif(1, thumbnail=thumbnail, order=order)).items():
        photo = read(data)
        assert not photo.notes and JPEG_START not in photo.exif, name
        for format in (*LOSSLESS, "JPEG"):
            written = encode(photo, format)
            found = Image.open(io.BytesIO(written)).getexif()
            assert found[MAKER] == "Maker" and not found.get_ifd(1), (name, format)
            assert thumbnail[:60] not in written[10:]
    # A preview among the maker's own notes goes with them; one that hides elsewhere takes all of the EXIF along.
    photo = read(png_with(encoded(rgb), png_chunk(b"eXIf", exif(note=b"notes" + thumbnail, order=order))))
    assert photo.exif and JPEG_START not in photo.exif and "preview" in photo.notes[0]
    photo = read(png_with(encoded(rgb), png_chunk(b"eXIf", exif(maker=b"x" + thumbnail))))
    assert not photo.exif and "preview" in photo.notes[0]


def test_no_thumbnail_in_xmp_either(rgb):
    image = b"<xmpGImg:image>" + b"/9j/" + b"A" * 400 + b"</xmpGImg:image>"
    listed = b'<xmp:Thumbnails xmlns:xmp="x" xmlns:xmpGImg="y">' + image + b"</xmp:Thumbnails></rdf:Description>"
    packet = XMP.replace(b"</rdf:Description>", listed)
    photo = read(encoded(rgb, "WEBP", lossless=True, xmp=packet))
    assert photo.xmp == XMP
    hidden = XMP.replace(b"image/x", b"/9j/" + b"A" * 400)
    photo = read(encoded(rgb, "WEBP", lossless=True, xmp=hidden))
    assert not photo.xmp and "preview" in photo.notes[0]
    broken = read(encoded(rgb, "WEBP", lossless=True, xmp=XMP[:60]))
    assert not broken.xmp and "XMP" in broken.notes[0]


def test_an_orientation_in_xmp_is_applied_once(rgb):
    packet = XMP.replace(b'Orientation="1"', b'Orientation="6"')
    for data in (
        encoded(files.stored(rgb, 6), "WEBP", lossless=True, xmp=packet),
        files.tiff(files.stored(rgb, 6), {700: packet}),
    ):
        photo = read(data)
        np.testing.assert_array_equal(photo.values, rgb)
        for format in LOSSLESS:
            np.testing.assert_array_equal(read(encode(photo, format)).values, rgb)


@pytest.mark.parametrize(("format", "side"), [("WEBP", 16_384), ("JPEG", 65_501)])
def test_pictures_that_a_format_cannot_hold_name_its_limit(format, side):
    for shape in ((1, side, 3), (side, 1, 3)):
        photo = Photo(np.zeros(shape, np.uint8), name="wide.png")
        with pytest.raises(ImageError, match=f"^wide.png: {format} holds at most {side - 1:,} pixels a side, .*PNG"):
            encode(photo, format)
        encode(Photo(np.zeros((1, side - 1, 3), np.uint8)), format)
        np.testing.assert_array_equal(read(encode(photo, "TIFF")).values, photo.values)
