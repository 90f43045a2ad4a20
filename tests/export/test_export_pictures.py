"""Exported graphs decode pictures as training does."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from export.saved_model import decode_image
from lomit_tf.data import preprocess
from tests.helpers.serving import image_bytes


def test_grey_and_transparent_pictures_decode_as_in_training(rng):
    decode = tf.function(decode_image)
    grey, rgba = rng.integers(0, 256, (9, 7), "uint8"), rng.integers(0, 256, (9, 7, 4), "uint8")
    for values, form in ((grey, "PNG"), (rgba, "PNG"), (rgba[..., :2], "PNG"), (grey, "BMP"), (grey, "GIF")):
        data = image_bytes(Image.fromarray(values), form)
        got = decode(tf.constant(data)).numpy().astype(int)
        assert np.abs(got - preprocess.decode(data)).max() <= 1


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_decodes_to_the_very_values_of_training(rng, mode):
    decode = tf.function(decode_image, input_signature=[tf.TensorSpec((), tf.string)])
    noise = rng.integers(0, 256, (61, 83, 3), "uint8")
    soft = np.asarray(Image.fromarray(noise[:8, :8]).resize((83, 61), Image.Resampling.BICUBIC))
    for picture, quality, subsampling, progressive in itertools.product(
        (noise, soft), (40, 75, 95, 100), (0, 2), (False, True)
    ):
        kept = {"quality": quality, "subsampling": subsampling, "progressive": progressive}
        jpeg = image_bytes(Image.fromarray(picture).convert(mode), "JPEG", **kept)
        np.testing.assert_array_equal(decode(tf.constant(jpeg)), preprocess.decode(jpeg), err_msg=str(kept))


def test_an_animated_webp_is_refused_before_tensorflow_writes_beyond_its_memory(rng):
    decode = tf.function(decode_image, input_signature=[tf.TensorSpec((), tf.string)])
    frames = [Image.fromarray(picture) for picture in rng.integers(0, 256, (2, 64, 64, 3), "uint8")]

    def webp(**options: Any) -> bytes:
        return image_bytes(frames[0], "WEBP", lossless=True, **options)

    for options in ({}, {"exif": Image.Exif().tobytes()}):  # the second has the header that animations have, too
        np.testing.assert_array_equal(decode(tf.constant(webp(**options))), np.asarray(frames[0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="an animated WebP; send one frame of it"):
        decode(tf.constant(webp(save_all=True, append_images=frames[1:])))
    for short in (b"", b"RIFF", b"RIFF....WEBPVP8X...."):
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode(tf.constant(short))
