"""Real CelebA faces and real apples and oranges; skipped where the development data are not there."""

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lomit_tf.config import PAPER_ATTRIBUTES, ConfigError, DataConfig
from lomit_tf.data.pairs import batches, sample_pairs, training_pairs
from lomit_tf.data.preprocess import centre_crop, decode, preprocess
from lomit_tf.data.sources import DataError, open_set

pytestmark = pytest.mark.shared
SHARED = Path(os.environ.get("LOMIT_SHARED") or Path(__file__).parents[2] / ".." / "shared")


def needed(name):
    folder = SHARED / "data" / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is missing (LOMIT_SHARED names another place)")
    return folder


@pytest.fixture(scope="module")
def celeba():
    return needed("celeba")


@pytest.fixture(scope="module")
def config(celeba):
    return DataConfig(dataset="celeb_a", data_dir=str(celeba))


@pytest.fixture(scope="module")
def train(config):
    return open_set(config, "train")


def test_celeba_labels_equal_the_text_file(config, celeba, train):
    validation = open_set(config, "validation")
    parts = [line.split()[1] for line in (celeba / "list_eval_partition.txt").read_text().splitlines()]
    counts = parts.count("0"), parts.count("1")
    assert (len(train), len(validation)) == counts
    with pytest.raises(DataError, match=f"no test images; it lists {counts[0]} train, {counts[1]} validation, 0 test"):
        open_set(config, "test")
    lines = (celeba / "list_attr_celeba.txt").read_text().split("\n")
    columns = lines[1].split()
    rows = {line.split()[0]: line.split()[1:] for line in lines[2:] if line}
    for images in (train, validation):
        for index in (0, 1, 7, 99, 250, len(images) - 1):
            row = rows[Path(images.keys[index]).name]
            expected = [float(row[columns.index(name)] == "1") for name in PAPER_ATTRIBUTES]
            assert images.labels[index].tolist() == expected
    # Two rows looked up by hand.
    by_name = {Path(key).name: labels.tolist() for key, labels in zip(train.keys, train.labels, strict=True)}
    assert by_name["000045.jpg"] == [0, 0, 1, 1, 0, 0, 1, 0, 1, 1]
    assert by_name["000057.jpg"] == [1, 0, 0, 0, 0, 0, 1, 0, 1, 1]
    assert train.labels.mean(axis=0) == pytest.approx(np.mean(
        [[row[columns.index(name)] == "1" for name in PAPER_ATTRIBUTES] for row in
         (rows[Path(key).name] for key in train.keys)], axis=0), abs=1e-6)  # fmt: skip


def test_celeba_misspelt_attribute(celeba):
    config = DataConfig(dataset="celeb_a", data_dir=str(celeba), attributes=("Blond_hair", "Smiling"))
    with pytest.raises(ConfigError, match=r"'Blond_hair' is not a label .*did you mean Blond_Hair"):
        open_set(config, "train")


def test_celeba_crop_and_resize_against_pillow(train):
    worst, mean = 0, []
    for index in range(20):
        image = train.read(index)
        assert image.shape == (218, 178, 3)
        with Image.open(train.keys[index]) as reference:
            cropped = reference.convert("RGB").crop((0, 20, 178, 198))
        np.testing.assert_array_equal(centre_crop(image, 178).numpy(), np.asarray(cropped))
        ours = (preprocess(image, 178, 128).numpy() + 1) * 127.5
        pillow = np.asarray(cropped.resize((128, 128), Image.Resampling.BILINEAR), np.float32)
        worst, mean = max(worst, np.abs(ours - pillow).max()), [*mean, np.abs(ours - pillow).mean()]
    assert worst <= 1.01 and np.mean(mean) < 0.2  # of 255: Pillow rounds between its two passes


def test_celeba_pairs_are_its_images(config, train):
    few = DataConfig(dataset="celeb_a", data_dir=config.data_dir, train_images=40, flip=False)
    images = open_set(few, "train")
    originals = {preprocess(images.read(i), 178, 128).numpy().tobytes(): i for i in range(40)}
    sizes = {"batch_size": 5, "n_critic": 2, "num_groups": 1, "seed": 0}
    seen = []
    for element in itertools.islice(training_pairs(images, few, **sizes), 4):
        for x, y in (("x1", "y1"), ("x2", "y2")):
            pictures, labels = element[x].numpy().reshape(10, 128, 128, 3), element[y].numpy().reshape(10, 10)
            numbers = [originals[picture.tobytes()] for picture in pictures]
            np.testing.assert_array_equal(images.labels[numbers], labels)
            seen += [number for number in numbers if x == "x1"]
    assert sorted(seen) == list(range(40))


def test_celeba_samples_and_evaluation(config):
    validation = open_set(config, "validation")
    samples = sample_pairs(validation, config, 8, seed=0)
    assert samples["x1"].shape == (8, 128, 128, 3) and (samples["y1"] != samples["y2"]).any(axis=1).all()
    first = next(batches(validation, config, 4))
    np.testing.assert_array_equal(first["x"][0], preprocess(validation.read(0), 178, 128).numpy())


def test_apple2orange():
    folder = needed("apple2orange")
    config = DataConfig(dataset="two_domains", data_dir=str(folder), image_size=64, crop=0, flip=False)
    train, test, validation = (open_set(config, split) for split in ("train", "test", "validation"))
    assert [len(d) for d in train.domains] == [273, 157]
    assert [len(d) for d in test.domains] == [39, 23]
    assert list(validation.keys) == list(test.keys)
    assert all("trainA/apple" in key for key in train.keys[:273])
    assert all("trainB/orange" in key for key in train.keys[273:])
    sizes = {"batch_size": 5, "n_critic": 2, "num_groups": 1, "seed": 0}
    for element in itertools.islice(training_pairs(train, config, **sizes), 2):
        assert (element["y1"].numpy() == 0).all() and (element["y2"].numpy() == 1).all()
    np.testing.assert_array_equal(decode(train.keys[300]), train.read(300))
