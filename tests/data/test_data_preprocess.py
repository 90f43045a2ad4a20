"""Decoding of every kind of file, and the geometry and ranges that training and export share."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from lomit_tf.data import host, preprocess
from lomit_tf.data.preprocess import CorruptImageError, centre_crop, decode, from_model_range, resize, to_model_range


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def random_image(height, width, seed=0):
    """A smooth picture, as photographs are: noise at a sixteenth of the size, enlarged."""
    noise = np.random.default_rng(seed).integers(0, 256, (height // 16, width // 16, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def test_decodes_rgb_from_bytes_and_from_a_path(tmp_path):
    picture = random_image(40, 60)
    Image.fromarray(picture).save(tmp_path / "a.png")
    np.testing.assert_array_equal(decode(tmp_path / "a.png"), picture)
    np.testing.assert_array_equal(decode(str(tmp_path / "a.png")), picture)
    np.testing.assert_array_equal(decode((tmp_path / "a.png").read_bytes()), picture)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turns_by_exif(orientation):
    upright = random_image(32, 48)
    # What a camera stores so that a viewer which follows the tag shows it upright.
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.transpose(1, 0, 2), 6: np.rot90(upright, 1), 7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)), upright)


def test_greyscale_is_repeated():
    grey = random_image(32, 32)[..., 0]
    np.testing.assert_array_equal(decode(encoded(Image.fromarray(grey))), np.repeat(grey[..., None], 3, -1))


def test_sixteen_bits_keep_the_high_byte():
    deep = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    for kind in ("PNG", "TIFF"):
        image = decode(encoded(Image.fromarray(deep), kind))
        np.testing.assert_array_equal(image, np.repeat((deep >> 8).astype(np.uint8)[..., None], 3, -1))


def test_bilevel_and_palette():
    bits = Image.fromarray(random_image(32, 32)).convert("1")
    assert set(np.unique(decode(encoded(bits)))) == {0, 255}
    palette = Image.fromarray(random_image(32, 32)).quantize(16)
    np.testing.assert_array_equal(decode(encoded(palette)), np.asarray(palette.convert("RGB")))


def test_cmyk_jpeg_is_near_the_rgb_one():
    picture = random_image(32, 32)
    cmyk = decode(encoded(Image.fromarray(picture).convert("CMYK"), "JPEG", quality=95))
    assert cmyk.shape == (32, 32, 3)
    assert np.abs(cmyk.astype(int) - picture).mean() < 8


def test_transparency_is_laid_over_white():
    colours = np.zeros((1, 3, 4), np.uint8)
    colours[0] = [[200, 100, 0, 255], [200, 100, 0, 0], [200, 100, 0, 128]]
    out = decode(encoded(Image.fromarray(colours)))
    assert out[0, 0].tolist() == [200, 100, 0]
    assert out[0, 1].tolist() == [255, 255, 255]
    np.testing.assert_allclose(out[0, 2], np.round(128 / 255 * colours[0, 2, :3] + 127 / 255 * 255), atol=1)
    grey_alpha = Image.merge("LA", [Image.new("L", (4, 4), 10), Image.new("L", (4, 4), 0)])
    assert (decode(encoded(grey_alpha)) == 255).all()
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([9, 8, 7])
    assert (decode(encoded(palette, transparency=0)) == 255).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_truncated_files_are_named(kind, tmp_path):
    whole = encoded(Image.fromarray(random_image(64, 64)), kind)
    path = tmp_path / f"half.{kind.lower()}"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptImageError, match="half"):
        decode(path)
    with pytest.raises(CorruptImageError, match="celeb_a/train/7"):
        decode(path.read_bytes(), "celeb_a/train/7")


@pytest.mark.parametrize("content", [b"", b"not an image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + b"\0" * 40])
def test_what_is_no_image_is_an_error(content):
    with pytest.raises(CorruptImageError, match="image bytes"):
        decode(content)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(CorruptImageError, match=r"gone\.jpg: no such file"):
        decode(tmp_path / "gone.jpg")
    with pytest.raises(CorruptImageError):
        decode(tmp_path)


@pytest.mark.parametrize("side", [9_100, 13_500])  # above our limit; above Pillow's own, where it raises itself
def test_bombs_are_refused_before_they_are_decoded(side):
    with pytest.raises(CorruptImageError, match="pixels"):
        decode(encoded(Image.new("1", (side, side))))


def test_crop_of_celeba_is_rows_20_to_197():
    picture = random_image(218, 178)
    np.testing.assert_array_equal(centre_crop(picture, 178).numpy(), picture[20:198])


@pytest.mark.parametrize(
    ("height", "width", "crop", "box"),
    [
        (10, 20, 0, (5, 0, 10)), (20, 10, 0, (0, 5, 10)), (10, 20, 6, (7, 2, 6)), (10, 13, 64, (1, 0, 10)),
        (11, 11, 8, (1, 1, 8)), (8, 8, 8, (0, 0, 8)),
    ],
)  # fmt: skip
def test_centre_crop(height, width, crop, box):
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    left, top, side = box
    expected = picture[top : top + side, left : left + side]
    np.testing.assert_array_equal(centre_crop(picture, crop).numpy(), expected)
    np.testing.assert_array_equal(centre_crop(tf.constant(picture)[None], crop).numpy()[0], expected)


@pytest.mark.parametrize(("before", "after"), [(178, 128), (256, 64), (178, 64), (100, 128)])
def test_resize_is_near_pillows_antialiased_one(before, after):
    picture = random_image(256, 256)[:before, :before]
    ours = resize(picture, after).numpy().astype(int)
    pillow = np.asarray(Image.fromarray(picture).resize((after, after), Image.Resampling.BILINEAR)).astype(int)
    # Pillow rounds to 8 bits between its two passes; the filters are the same.
    assert np.abs(ours - pillow).max() <= 1
    assert np.abs(ours - pillow).mean() < 0.2


def test_resize_does_not_alias():
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    small = resize(stripes, 64).numpy()[:, 1:-1]
    assert small.min() > 100 and small.max() < 155  # plain bilinear would give 0 or 255


def test_resize_to_the_same_size_changes_nothing():
    picture = random_image(64, 64)
    np.testing.assert_array_equal(resize(picture, 64).numpy(), picture)


def test_ranges():
    values = np.arange(256, dtype=np.uint8)
    scaled = to_model_range(values).numpy()
    assert scaled.dtype == np.float32 and scaled[0] == -1.0 and scaled[-1] == 1.0
    np.testing.assert_array_equal(from_model_range(scaled).numpy(), values)
    assert from_model_range([-9.0, -1.004, 1.004, 9.0]).numpy().tolist() == [0, 0, 255, 255]
    assert from_model_range([-1 + 0.6 / 127.5]).numpy().tolist() == [1]


@pytest.mark.parametrize(
    ("height", "width", "crop", "size"), [(218, 178, 178, 128), (96, 160, 0, 64), (50, 40, 178, 64)]
)
def test_the_same_to_the_bit_eagerly_in_tf_data_in_a_batch_and_exported(height, width, crop, size, tmp_path):
    pictures = np.random.default_rng(1).integers(0, 256, (3, height, width, 3), dtype=np.uint8)
    eager = np.stack([preprocess.preprocess(picture, crop, size).numpy() for picture in pictures])
    assert eager.shape == (3, size, size, 3) and eager.dtype == np.float32
    dataset = tf.data.Dataset.from_tensor_slices(pictures).map(lambda x: preprocess.preprocess(x, crop, size))
    np.testing.assert_array_equal(np.stack(list(dataset.as_numpy_iterator())), eager)
    np.testing.assert_array_equal(preprocess.preprocess(pictures, crop, size).numpy(), eager)

    module = tf.Module()
    module.run = tf.function(
        lambda x: preprocess.preprocess(x, crop, size),
        input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8)],
    )
    tf.saved_model.save(module, str(tmp_path / "saved"))
    np.testing.assert_array_equal(tf.saved_model.load(str(tmp_path / "saved")).run(pictures).numpy(), eager)


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [(64, 64, 64), (128, 192, 64), (218, 178, 64), (37, 41, 64), (500, 333, 128), (150, host.BLOCK // 3 + 100, 64)],
)
def test_without_tensorflow_the_resize_is_the_same_to_the_bit(height, width, size):
    image = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    np.testing.assert_array_equal(host.resize(image, size), preprocess.resize(image, size).numpy())
    np.testing.assert_array_equal(host.to_model_range(image), to_model_range(image).numpy())
