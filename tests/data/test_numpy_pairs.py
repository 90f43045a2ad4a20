"""The NumPy loader gives the elements of the tf.data pipeline: the same draws, and pixels within 1 of 255."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data import host, preprocess
from lomit_tf.data.numpy_pairs import NumpyPairs, memory_for_images
from lomit_tf.data.pairs import CorruptDataError, training_pairs
from lomit_tf.data.sources import open_set
from lomit_tf.data.store import CACHE_BYTES, ImageStore

SIZES = {"batch_size": 3, "n_critic": 2, "num_groups": 2, "seed": 4, "start_step": 7}


def compare(config: DataConfig, steps: int, within: int) -> set[int]:
    """Compare elements; the differences of pixels that were met, of 255."""
    images, met = open_set(config, "train"), set()
    theirs = iter(training_pairs(images, config, **SIZES))
    for found, expected in zip(itertools.islice(NumpyPairs(images, config, **SIZES), steps), theirs, strict=False):
        assert found.keys() == expected.keys()
        for name, value in found.items():
            reference = expected[name].numpy()
            if name.startswith("x"):
                assert value.dtype == np.uint8
                reference = host.from_model_range(reference)
                met |= set(np.unique(np.abs(value.astype(int) - reference)).tolist())
            else:
                np.testing.assert_array_equal(value, reference, err_msg=name)
    assert max(met) <= within
    return met


def test_drawn_faces_are_the_same_to_the_bit():
    config = DataConfig(image_size=64, crop=0, attributes=("Black_Hair", "Smiling"), train_images=40)
    assert compare(config, 3, 0) == {0}


@pytest.fixture
def celeba(tmp_path, rng):
    """A folder in CelebA's layout with twelve small photographs of noise, in several sizes."""
    (tmp_path / "img_align_celeba").mkdir()
    names = [f"{i + 1:06d}.jpg" for i in range(12)]
    for i, name in enumerate(names):
        blocks = rng.integers(0, 256, (10 + i, 9, 3)).astype(np.uint8)
        Image.fromarray(blocks).resize((178, 218 - 5 * (i % 3))).save(tmp_path / "img_align_celeba" / name, quality=92)
    rows = [f"{name} {1 - 2 * (i % 2)} {1 - 2 * (i % 3 == 0)}" for i, name in enumerate(names)]
    (tmp_path / "list_attr_celeba.txt").write_text("\n".join(["12", "Black_Hair Smiling", *rows]) + "\n")
    splits = [0] * 8 + [1, 1, 2, 2]
    lines = [f"{name} {split}" for name, split in zip(names, splits, strict=True)]
    (tmp_path / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_photographs_are_within_one_of_255(celeba):
    config = DataConfig(
        dataset="celeb_a", data_dir=str(celeba), image_size=64, crop=178, attributes=("Black_Hair", "Smiling"),
        pairing="differing",
    )  # fmt: skip
    assert 1 in compare(config, 4, 1)  # else this would compare a filter with itself


@pytest.mark.parametrize(("size", "height", "width"), [(64, 200, 90), (128, 178, 218), (64, 64, 64), (128, 50, 61)])
def test_square_is_tensorflows_within_one(rng, size, height, width):
    images = rng.integers(0, 256, (2, height, width, 3)).astype(np.uint8)
    for crop in (0, 41):
        expected = preprocess.square(images, crop, size).numpy().astype(int)
        assert np.abs(host.square(images, crop, size) - expected).max() <= 1


def test_ranges_are_tensorflows_to_the_bit(rng):
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    values = preprocess.to_model_range(images).numpy()
    np.testing.assert_array_equal(host.to_model_range(images), values)
    other = rng.uniform(-1.2, 1.2, (2, 9, 9, 3)).astype(np.float32)
    np.testing.assert_array_equal(host.from_model_range(other), preprocess.from_model_range(other).numpy())
    np.testing.assert_array_equal(host.from_model_range(values), images)


def test_images_are_kept_where_they_fit(celeba):
    config = DataConfig(dataset="celeb_a", data_dir=str(celeba), image_size=64, attributes=("Black_Hair", "Smiling"))
    images = open_set(config, "train")
    for room, kept in ((8 * 64 * 64 * 3, True), (8 * 64 * 64 * 3 - 1, False)):
        store = ImageStore(images, config, cache_bytes=room, square=host.square)
        first = store.get(np.arange(8))[0]
        for path in images.keys:  # does anybody look there again?
            Image.new("RGB", (178, 218), "white" if kept else "black").save(path)
        assert np.array_equal(store.get(np.arange(8))[0], first) == kept
    assert memory_for_images() >= CACHE_BYTES


def test_errors_are_raised_where_elements_are_taken(celeba):
    config = DataConfig(dataset="celeb_a", data_dir=str(celeba), image_size=64, attributes=("Black_Hair", "Smiling"))
    images = open_set(config, "train")
    for path in images.keys[:4]:
        (celeba / path).write_bytes(b"no picture")
    with pytest.raises(CorruptDataError, match="--max_corrupt"):
        list(itertools.islice(NumpyPairs(images, config, **SIZES), 3))
    with pytest.raises(ConfigError, match="rows"):
        NumpyPairs(images, config, **SIZES, rows=slice(1, 9))
