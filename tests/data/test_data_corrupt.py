"""Corrupt images: named, counted, replaced, and too many of them stop the run."""

import dataclasses
import itertools
import logging

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from lomit_tf.config import DataConfig
from lomit_tf.data.pairs import CorruptDataError, batches, sample_pairs, training_pairs
from lomit_tf.data.sources import open_set

COUNT = 60
SIZES = {"batch_size": 5, "n_critic": 2, "num_groups": 1, "seed": 0}


@pytest.fixture
def folder(tmp_path):
    """60 images in a labelled folder, of which the first pixel tells the number; 5 of them are (1, 1)."""
    rows = ["file,dark,round,split"]
    for i in range(COUNT):
        Image.new("RGB", (64, 64), (i, 0, 0)).save(tmp_path / f"{i:02d}.png")
        rows.append(f"{i:02d}.png,{int(i < 20)},{int(i % 20 < 5)},train")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def spoil(folder, *numbers):
    for n in numbers:
        path = folder / f"{n:02d}.png"
        path.write_bytes(path.read_bytes()[:40])


def config_of(folder, **fields):
    fields = {"attributes": ("dark", "round"), "image_size": 64, "flip": False} | fields
    return DataConfig(dataset="labelled_folder", data_dir=str(folder), **fields)


def which(x):
    return np.rint((np.asarray(x)[..., 0, 0, 0] + 1) * 127.5).astype(int)


def epochs(pipeline, count):
    """Image numbers and labels of both sides over a number of epochs of 60 (6 steps of 10 pairs)."""
    elements = list(itertools.islice(pipeline, 6 * count))
    sides = [np.concatenate([which(e[x]).ravel() for e in elements]) for x in ("x1", "x2")]
    labels = [np.concatenate([e[y].numpy().reshape(-1, 2) for e in elements]) for y in ("y1", "y2")]
    return sides, labels


@pytest.mark.parametrize("cache", [True, False])
def test_replaced_by_an_image_with_the_same_labels(folder, cache, caplog):
    spoil(folder, 3, 40)
    (folder / "21.png").unlink()
    config = config_of(folder, max_corrupt=0.05)
    images = open_set(config, "train")
    pipeline = training_pairs(images, config, **SIZES, cache=cache)
    with caplog.at_level(logging.WARNING, logger="absl"):
        sides, labels = epochs(pipeline, 3)
    for numbers, values in zip(sides, labels, strict=True):
        np.testing.assert_array_equal(images.labels[numbers], values)
        counts = np.bincount(numbers, minlength=COUNT)
        assert (counts[[3, 21, 40]] == 0).all() and counts.sum() == 3 * COUNT
        # The same one stands in each time: three images are seen twice an epoch (or one of them thrice).
        assert sorted(set(counts[counts > 3])) in ([6], [6, 9], [9], [12])
        kinds = images.labels @ [2, 1]
        np.testing.assert_array_equal(np.bincount(kinds[numbers].astype(int)), 3 * np.bincount(kinds.astype(int)))

    report = pipeline.report()
    assert (report.count, report.total) == (3, COUNT)
    assert sorted(key[-6:] for key in report.reasons) == ["03.png", "21.png", "40.png"]
    assert "21.png: no such file" in str(report) and "3 of 60 images (5.0%)" in str(report)
    warnings = [r.getMessage() for r in caplog.records if "corrupt image" in r.getMessage()]
    assert len(warnings) == 3  # once each, not once an epoch
    assert any("03.png: " in w for w in warnings)
    pipeline.raise_if_failed()


def test_replacements_are_deterministic_and_survive_a_resume(folder):
    spoil(folder, *range(0, 12, 2))
    elements = []
    for start, cache, workers in ((0, True, 2), (0, False, 7), (3, True, 1)):
        config = config_of(folder, max_corrupt=0.2)
        pipeline = training_pairs(
            open_set(config, "train"), config, **SIZES, start_step=start, num_workers=workers, cache=cache
        )
        elements.append(list(itertools.islice(pipeline, 9 - start)))
    for other in elements[1:]:
        for a, b in zip(elements[0][-len(other) :], other, strict=True):
            assert all((a[key].numpy() == b[key].numpy()).all() for key in a)


def test_the_last_of_its_labels_is_replaced_by_another_with_that_ones_labels(folder):
    spoil(folder, *range(5))  # all that are dark and round
    config = config_of(folder, max_corrupt=0.1)
    images = open_set(config, "train")
    sides, labels = epochs(training_pairs(images, config, **SIZES), 1)
    assert min(sides[0].min(), sides[1].min()) >= 5
    np.testing.assert_array_equal(images.labels[sides[0]], labels[0])


@pytest.mark.parametrize("cache", [True, False])
def test_too_many_stop_the_run(folder, cache):
    spoil(folder, 7, 8)
    config = config_of(folder, max_corrupt=0.02)
    pipeline = training_pairs(open_set(config, "train"), config, **SIZES, cache=cache)
    with pytest.raises(CorruptDataError) as caught:
        list(itertools.islice(pipeline, 12))
    message = str(caught.value)
    assert "--max_corrupt=0.02 of the train images of labelled_folder" in message
    assert "2 of 60 images (3.3%)" in message and "07.png" in message and "08.png" in message
    with pytest.raises(CorruptDataError):
        pipeline.raise_if_failed()
    with pytest.raises(CorruptDataError):  # it stays failed
        next(iter(pipeline))


def test_a_single_one_may_be_too_many(folder):
    spoil(folder, 7)
    config = config_of(folder)
    with pytest.raises(CorruptDataError, match=r"1 of 60 images \(1\.7%\)"):
        list(itertools.islice(training_pairs(open_set(config, "train"), config, **SIZES), 12))


def test_the_dataset_itself_raises_a_tensorflow_error(folder):
    spoil(folder, 7)
    config = config_of(folder)
    pipeline = training_pairs(open_set(config, "train"), config, **SIZES)
    with pytest.raises(tf.errors.OpError):
        list(itertools.islice(pipeline.dataset, 12))
    with pytest.raises(CorruptDataError, match=r"07\.png"):
        pipeline.raise_if_failed()


def test_other_errors_of_a_source_keep_their_type(folder):
    config = config_of(folder)

    def broken(index):
        raise ZeroDivisionError(f"bug at {index}")

    images = dataclasses.replace(open_set(config, "train"), read=broken)
    with pytest.raises(ZeroDivisionError, match="bug at"):
        next(iter(training_pairs(images, config, **SIZES)))


def test_nothing_readable_is_left(folder):
    spoil(folder, *range(COUNT))
    config = config_of(folder, max_corrupt=1.0)
    with pytest.raises(CorruptDataError, match="nothing can take the place"):
        next(iter(training_pairs(open_set(config, "train"), config, **SIZES)))


def test_two_domains_stay_apart(tmp_path):
    for folder, value, count in (("trainA", 10, 6), ("trainB", 200, 3)):
        (tmp_path / folder).mkdir()
        for i in range(count):
            Image.new("RGB", (64, 64), (value + i, 0, 0)).save(tmp_path / folder / f"{i}.png")
    (tmp_path / "trainB" / "1.png").write_bytes(b"")
    config = DataConfig(dataset="two_domains", data_dir=str(tmp_path), image_size=64, max_corrupt=0.2, crop=0)
    images = open_set(config, "train")
    for element in itertools.islice(training_pairs(images, config, **SIZES), 3):
        assert which(element["x1"]).max() < 20 and set(which(element["x2"]).ravel()) <= {200, 202}
        assert (element["y1"].numpy() == 0).all() and (element["y2"].numpy() == 1).all()
    for i in (0, 2):
        (tmp_path / "trainB" / f"{i}.png").write_bytes(b"")
    config = dataclasses.replace(config, max_corrupt=0.9)
    with pytest.raises(CorruptDataError, match="nothing can take the place"):
        next(iter(training_pairs(images, config, **SIZES)))


def test_evaluation_leaves_them_out(folder):
    spoil(folder, 3, 59)
    config = config_of(folder, max_corrupt=0.05)
    images = open_set(config, "train")
    found = list(batches(images, config, 8))
    indices = np.concatenate([b["index"] for b in found])
    np.testing.assert_array_equal(indices, [i for i in range(COUNT) if i not in (3, 59)])
    np.testing.assert_array_equal(np.concatenate([which(b["x"]) for b in found]), indices)
    np.testing.assert_array_equal(np.concatenate([b["y"] for b in found]), images.labels[indices])
    with pytest.raises(CorruptDataError):
        list(batches(images, dataclasses.replace(config, max_corrupt=0.02), 8))


def test_sample_grids_replace_them(folder):
    spoil(folder, *range(0, 60, 2))
    config = config_of(folder, max_corrupt=1.0)
    images = open_set(config, "train")
    samples = sample_pairs(images, config, 20, seed=0)
    assert (which(samples["x1"]) % 2 == 1).all() and (which(samples["x2"]) % 2 == 1).all()
    np.testing.assert_array_equal(images.labels[which(samples["x1"])], samples["y1"])
