"""Any image as a Photo and back: the same pixels as preprocess.decode, nothing lost that the format can hold."""

from __future__ import annotations

import io
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from lomit_tf.data.preprocess import CorruptImageError, decode
from lomit_tf.imaging.formats import ImageError
from lomit_tf.imaging.photo import Photo, read
from lomit_tf.imaging.writing import encode, encode_mask, given_back, lost, save
from tests.helpers.files import bomb

pytestmark = pytest.mark.quick


@pytest.fixture
def pixels(rng) -> np.ndarray:
    """(20, 30, 4) uint8."""
    return rng.integers(0, 256, (20, 30, 4), np.uint8)


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def in_mode(pixels: np.ndarray, mode: str) -> bytes:
    if mode == "I;16":
        return encoded(Image.fromarray(pixels[..., 0].astype(np.uint16) * 257))
    if mode == "transparent palette":
        return encoded(Image.fromarray(pixels[..., :3]).convert("P"), transparency=3)
    image = Image.fromarray(pixels[..., :3])
    if mode in ("LA", "RGBA"):
        image = Image.fromarray(pixels).convert(mode)
    elif mode == "F":
        image = Image.fromarray(pixels[..., 0].astype(np.float32) / 255)
    elif mode != "RGB":
        image = image.convert(mode)
    return encoded(image, "TIFF" if mode in ("CMYK", "F", "LAB") else "PNG")


MODES = ("RGB", "RGBA", "L", "LA", "P", "transparent palette", "1", "I;16", "CMYK", "F", "LAB")


@pytest.mark.parametrize("mode", MODES)
def test_the_model_sees_what_training_would_see(pixels, mode):
    data = in_mode(pixels, mode)
    photo = read(data)
    np.testing.assert_array_equal(photo.rgb, decode(data))
    assert (photo.alpha is not None) == (mode in ("RGBA", "LA", "transparent palette"))


@pytest.mark.parametrize("mode", MODES)
def test_png_round_trip_keeps_every_bit(pixels, mode):
    photo = read(in_mode(pixels, mode))
    again = read(encode(photo))
    deep = mode == "F"  # floats are written as 16 bits
    np.testing.assert_array_equal(again.values, np.round(photo.values * 65535) if deep else photo.values)
    assert again.values.dtype == (np.uint16 if deep else photo.values.dtype)
    if photo.alpha is None:
        assert again.alpha is None
    else:
        np.testing.assert_array_equal(again.alpha, photo.alpha)


@pytest.mark.parametrize("ending", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colours_stay_sixteen_bits(rng, ending, channels):
    deep = rng.integers(0, 65536, (9, 7, channels), np.uint16)
    data = cv2.imencode(ending, deep)[1].tobytes()  # OpenCV's order is blue, green, red
    photo = read(data)
    assert photo.values.dtype == np.uint16
    np.testing.assert_array_equal(photo.values, deep[..., 2::-1])
    np.testing.assert_array_equal(photo.rgb, decode(data))
    again = read(encode(photo, "PNG" if ending == ".png" else "TIFF"))
    np.testing.assert_array_equal(again.array(), photo.array())


def test_every_exif_orientation_is_turned_and_then_gone(pixels):
    upright = pixels[..., :3]
    turned = {  # what a camera stores for each orientation, so that turning gives `upright`
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.transpose(1, 0, 2),
        6: np.rot90(upright), 7: upright[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(upright, -1),
    }  # fmt: skip
    for orientation, stored in turned.items():
        exif = Image.Exif()
        exif[0x0112], exif[0x010F] = orientation, "Maker"
        data = encoded(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
        photo = read(data)
        np.testing.assert_array_equal(photo.values, upright, err_msg=str(orientation))
        with Image.open(io.BytesIO(encode(photo))) as again:
            assert again.getexif().get(0x0112, 1) == 1
            assert again.getexif()[0x010F] == "Maker"
        np.testing.assert_array_equal(read(Image.open(io.BytesIO(data))).values, upright)
        deep = cv2.imencode(".png", np.ascontiguousarray(stored.astype(np.uint16) * 257))[1].tobytes()
        with Image.open(io.BytesIO(deep)):
            marked = deep[:33] + png_exif(exif.tobytes()) + deep[33:]
        np.testing.assert_array_equal(read(marked).values, upright[..., ::-1].astype(np.uint16) * 257)


def png_exif(data: bytes) -> bytes:
    """A PNG's eXIf chunk, which goes after the header of 33 bytes."""
    import struct
    import zlib

    body = b"eXIf" + data.removeprefix(b"Exif\x00\x00")
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def test_icc_profile_stays_where_it_still_fits(pixels):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    colour = read(encoded(Image.fromarray(pixels[..., :3]), icc_profile=profile))
    for format in ("PNG", "JPEG", "WEBP", "TIFF"):
        with Image.open(io.BytesIO(encode(colour, format))) as again:
            assert again.info["icc_profile"] == profile, format
    cmyk = read(encoded(Image.fromarray(pixels[..., :3]).convert("CMYK"), "TIFF", icc_profile=profile))
    assert cmyk.icc == b""  # the result is RGB


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64, bool])
def test_arrays_come_back_as_they_were(rng, dtype):
    array = rng.random((6, 5, 3))
    array = array > 0.5 if dtype is bool else array.astype(dtype) if dtype in (np.float32, np.float64) else (
        array * np.iinfo(dtype).max
    ).astype(dtype)  # fmt: skip
    back = given_back(read(array))
    if dtype is bool:
        np.testing.assert_array_equal(back, array * np.uint8(255))
    else:
        np.testing.assert_array_equal(back, array)
        assert back.dtype == dtype


def test_the_type_that_was_given_comes_back(pixels, tmp_path):
    path = tmp_path / "ein Bild ü.png"
    path.write_bytes(in_mode(pixels, "RGBA"))
    assert isinstance(given_back(read(path)), Image.Image)
    assert isinstance(given_back(read(str(path))), Image.Image)
    assert isinstance(given_back(read(Image.open(path))), Image.Image)
    back = given_back(read(path.read_bytes()))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(back))), pixels)
    grey = given_back(read(pixels[..., 0]))
    np.testing.assert_array_equal(grey, np.repeat(pixels[..., :1], 3, axis=-1))


def test_animations_give_their_first_frame_and_say_so(pixels):
    frames = [Image.fromarray(pixels[..., :3]), Image.fromarray(255 - pixels[..., :3])]
    for format, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        data = encoded(frames[0], format, save_all=True, append_images=frames[1:], **options)
        photo = read(data)
        assert photo.notes == ("an animation; its first frame is taken",), format
        np.testing.assert_array_equal(photo.rgb, decode(data))
        if format != "GIF":
            np.testing.assert_array_equal(photo.values, pixels[..., :3])


@pytest.mark.parametrize(
    "array, says",
    [
        (np.full((4, 4, 3), np.nan), "48 values are NaN or infinite"),
        (np.full((4, 4, 3), np.inf, np.float32), "NaN or infinite"),
        (np.full((4, 4, 3), 200.0), "floats must lie in 0..1; received 200 to 200"),
        (np.zeros((4, 4, 3), np.int64), "received int64"),
        (np.zeros((3, 4, 4), np.uint8)[:, :, :2], r"received shape \(3, 4, 2\)"),
        (np.zeros((4,), np.uint8), r"received shape \(4,\)"),
        (np.zeros((0, 4, 3), np.uint8), r"received shape \(0, 4, 3\)"),
        ([[1, 2], [3, 4]], "received list"),
        (None, "received NoneType"),
    ],
)
def test_arrays_that_are_no_images(array, says):
    with pytest.raises(ImageError, match=says):
        read(array)


def test_files_that_are_no_images(tmp_path, pixels):
    png = in_mode(pixels, "RGB")
    deep = cv2.imencode(".png", np.random.default_rng(0).integers(0, 65536, (40, 40, 3), np.uint16))[1].tobytes()
    made = {
        "empty.png": (b"", "the file is empty"),
        "truncated.png": (png[: len(png) // 2], "trunc|broken|incomplete|eof|unexpected|data stream"),
        "deep truncated.png": (deep[: len(deep) // 2], "trunc|broken|incomplete|eof|unexpected|data stream"),
        "text.jpg": (b"not a picture at all", "not an image"),
        "page.jpg": (b"<!doctype html><title>not found</title>", "not an image"),
        "postscript.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "not an image"),
        "bomb.png": (bomb(), "400000000 pixels, over the limit of 80,000,000"),
    }
    for name, (data, says) in made.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(CorruptImageError, match=f"(?i)^{path}: .*({says})"):
            read(path)
    for path, says in ((tmp_path, "is a folder"), (tmp_path / "gone.png", "no such file")):
        with pytest.raises(CorruptImageError, match=says):
            read(path)


def test_mislabelled_files_are_read_by_their_content(tmp_path, pixels):
    path = tmp_path / "really a png.jpg"
    path.write_bytes(in_mode(pixels, "RGB"))
    np.testing.assert_array_equal(read(path).values, pixels[..., :3])


def test_formats_without_transparency_get_white_and_a_note(pixels):
    photo = read(pixels)
    with Image.open(io.BytesIO(encode(photo, "BMP"))) as image:
        np.testing.assert_array_equal(np.asarray(image), photo.rgb)
    assert lost(photo, "BMP") and lost(photo, "JPEG") and not lost(photo, "PNG")
    assert "8 bits" in lost(read(np.zeros((2, 2, 3), np.uint16)), "JPEG")[0]


def test_floats_are_written_with_sixteen_bits():
    photo = read(np.array([[[0.0, 0.5, 1.0]]]))
    np.testing.assert_array_equal(read(encode(photo)).values, [[[0, 32768, 65535]]])


def test_saved_by_ending_and_refused_by_ending(tmp_path, pixels):
    photo = read(pixels)
    for ending, format in ((".png", "PNG"), (".JPG", "JPEG"), (".webp", "WEBP"), (".tif", "TIFF"), (".bmp", "BMP")):
        save(photo, tmp_path / f"a{ending}")
        with Image.open(tmp_path / f"a{ending}") as image:
            assert image.format == format
    with pytest.raises(ImageError, match=r"cannot write pictures ending in '\.gif'; use one of \.bmp, \.jpeg"):
        save(photo, tmp_path / "a.gif")


def test_masks_are_written_rounded():
    with Image.open(io.BytesIO(encode_mask(np.array([[0.0, 0.5, 1.0]])))) as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), [[0, 128, 255]])


def test_a_photo_keeps_its_type_when_its_pixels_change(pixels):
    photo = read(pixels)
    changed = photo.with_values(255 - photo.values)
    assert isinstance(changed, Photo)
    np.testing.assert_array_equal(changed.array()[..., 3], pixels[..., 3])
    with pytest.raises(ValueError, match="expected"):
        photo.with_values(photo.values.astype(np.float32))


@pytest.fixture
def without_pillow_heif(monkeypatch):
    """As where pillow-heif is not installed."""
    from lomit_tf.data import opening
    from lomit_tf.serving import images

    opening.readers()
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    monkeypatch.setattr(Image, "ID", [name for name in Image.ID if name != "HEIF"])
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    for cached in (opening.readers, images.formats):
        cached.cache_clear()
    yield
    for cached in (opening.readers, images.formats):
        cached.cache_clear()


def test_heic_is_read_everywhere_or_the_extra_is_named(rng, request):
    from lomit_tf.serving.images import decode as served
    from lomit_tf.serving.wire import RequestError

    pillow_heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed (extra photos)")
    stream = io.BytesIO()
    soft = Image.fromarray(rng.integers(60, 196, (4, 6, 3), "uint8")).resize((64, 40), Image.Resampling.BILINEAR)
    picture = np.asarray(soft)
    pillow_heif.from_pillow(Image.fromarray(picture)).save(stream, quality=-1)
    data = stream.getvalue()
    np.testing.assert_array_equal(served(data, "x", 10_000), read(data).rgb)
    assert np.abs(read(data).rgb.astype(int) - picture).mean() < 3  # its colours are kept at half the size
    with pytest.raises(RequestError, match="x: 64x40 pixels, over the limit of 1,000 in all"):
        served(data, "x", 1000)
    request.getfixturevalue("without_pillow_heif")
    expected = r"HEIC, which needs pillow-heif: pip install 'lomit_tf\[photos\]'"
    with pytest.raises(RequestError, match=expected):
        served(data, "x", 10_000)
    with pytest.raises(CorruptImageError, match=expected):
        read(data)


def test_heic_of_ten_bits_is_read_as_eight_with_a_note(rng):
    pillow_heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed (extra photos)")
    deep = rng.integers(0, 65536, (40, 64, 3), "uint16")
    stream = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", (64, 40), deep.tobytes()).save(stream, quality=-1, save_bit_depth=10)
    photo = read(stream.getvalue())
    assert photo.values.dtype == np.uint8
    assert any("bits a channel, of which 8 are read" in note for note in photo.notes), photo.notes
