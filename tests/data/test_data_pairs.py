"""Pairs: shapes, order, determinism, resume, workers, the cache, and the helpers for sample grids and evaluation."""

import dataclasses
import itertools
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data.augment import as_photographed
from lomit_tf.data.drawn_faces import draw
from lomit_tf.data.image_set import ImageSet
from lomit_tf.data.order import PairOrder
from lomit_tf.data.pairs import batches, sample_pairs, training_pairs
from lomit_tf.data.sources import DataError, open_set

SIZE = 64
DRAWN = DataConfig(attributes=("Black_Hair", "Smiling", "Bangs"), image_size=SIZE, train_images=30)
PLAIN = DataConfig(dataset="celeb_a", attributes=("a", "b"), image_size=SIZE, crop=0, flip=False)
SIZES = {"batch_size": 4, "n_critic": 3, "num_groups": 2, "seed": 5}


def numbered(count, domains=None, labels=None):
    """A set of which image i is one colour that tells i, so that an element says which images it is made of."""
    labels = np.random.default_rng(3).integers(0, 2, (count, 2)) if labels is None else np.asarray(labels)
    if domains is not None:
        labels = np.isin(np.arange(count), domains[1])[:, None]

    def read(index):
        picture = np.zeros((70 + index % 3, 80, 3), np.uint8)  # several shapes
        picture[...] = [index, 2 * (index % 100), 255 - index]
        picture[:, :40, 1] = 255  # bright on the left, so that a mirrored one shows
        return picture

    keys = [f"numbered/{i}" for i in range(count)]
    names = ("a", "b") if domains is None else ("domain_B",)
    return ImageSet("numbered", "train", labels.astype(np.float32), names, keys, read, domains)


def which(x):
    """The image numbers of a batch of numbered images."""
    return np.rint((np.asarray(x)[..., 0, 0, 0] + 1) * 127.5).astype(int)


@pytest.fixture(scope="module")
def drawn():
    return open_set(DRAWN, "train")


def take(pipeline, count):
    return [{k: v.numpy() for k, v in e.items()} for e in itertools.islice(pipeline, count)]


def assert_same(left, right):
    for a, b in zip(left, right, strict=True):
        assert a.keys() == b.keys()
        for key in a:
            np.testing.assert_array_equal(a[key], b[key], err_msg=key)


def test_shapes_types_and_ranges():
    pipeline = training_pairs(open_set(DRAWN, "train"), DRAWN, **SIZES)
    found = {name: (tuple(s.shape), s.dtype) for name, s in pipeline.dataset.element_spec.items()}
    image, label = (4, 3, SIZE, SIZE, 3), (4, 3, 3)
    expected = {"x1": image, "y1": label, "x2": image, "y2": label, "alpha": (4, 3, 2), "transfer": (4, 3, 2),
                "colours_only": (4, 3, 1)}  # fmt: skip
    assert found == {name: (shape, tf.float32) for name, shape in expected.items()}
    for element in take(pipeline, 3):
        for name in ("x1", "x2"):
            assert -1 <= element[name].min() < -0.5 and 0.5 < element[name].max() <= 1
        assert set(np.unique(element["y1"])) <= {0, 1} and set(np.unique(element["transfer"])) <= {0, 1}
        assert element["alpha"].min() >= 0 and element["alpha"].max() < 1 and element["alpha"].std() > 0.1


def test_labels_belong_to_their_images():
    images = numbered(40)
    for element in take(training_pairs(images, PLAIN, **SIZES), 10):
        for x, y in (("x1", "y1"), ("x2", "y2")):
            np.testing.assert_array_equal(images.labels[which(element[x])], element[y])


def test_an_epoch_shows_each_image_once_to_each_side_in_the_order_of_pairs():
    images = numbered(30)  # 12 pairs a step: an epoch ends in the middle of a step
    elements = take(training_pairs(images, PLAIN, **SIZES), 10)
    orders = []
    for side in ("x1", "x2"):
        seen = np.concatenate([which(e[side]).ravel() for e in elements])  # row by row: n_critic runs fastest
        epochs = seen.reshape(4, 30)
        assert (np.sort(epochs) == np.arange(30)).all()
        assert len({tuple(e) for e in epochs}) == 4
        orders.append(epochs[0])
    assert (orders[0] != orders[1]).any()
    first, _ = PairOrder(images, "random", 5).pairs(0, 12)
    np.testing.assert_array_equal(first.reshape(4, 3), which(elements[0]["x1"]))


def test_two_domains_cycle_on_their_own():
    images = numbered(17, domains=(np.arange(7), np.arange(7, 17)))
    elements = take(training_pairs(images, PLAIN, **SIZES), 35)
    for side, label, members in (("x1", 0, np.arange(7)), ("x2", 1, np.arange(7, 17))):
        seen = np.concatenate([which(e[side]).ravel() for e in elements])
        assert (np.sort(seen.reshape(-1, len(members))) == members).all()
        assert all((e["y" + side[1]] == label).all() for e in elements)


def test_the_same_seed_gives_the_same_elements_and_another_one_others(drawn):
    images = drawn
    first, again = (take(training_pairs(images, DRAWN, **SIZES), 6) for _ in range(2))
    assert_same(first, again)
    other = take(training_pairs(images, DRAWN, **SIZES | {"seed": 6}), 1)[0]
    assert all((other[key] != first[0][key]).any() for key in other)
    # Iterating the same pipeline once more starts again.
    pipeline = training_pairs(images, DRAWN, **SIZES)
    assert_same(take(pipeline, 2), take(pipeline, 2))


@pytest.mark.parametrize("pairing", ["random", "differing"])
@pytest.mark.parametrize("source", ["drawn", "numbered"])
def test_resume(source, pairing):
    config = dataclasses.replace(DRAWN if source == "drawn" else PLAIN, pairing=pairing, flip=True)
    images = open_set(config, "train") if source == "drawn" else numbered(30)
    whole = take(training_pairs(images, config, **SIZES), 9)
    assert_same(take(training_pairs(images, config, **SIZES, start_step=4), 5), whole[4:])
    assert_same(take(training_pairs(images, config, **SIZES, start_step=8), 1), whole[8:])


@pytest.mark.parametrize("source", ["drawn", "read one by one"])
def test_cached_and_uncached_agree_to_the_bit(source, drawn):
    images = drawn if source == "drawn" else numbered(30)
    config = dataclasses.replace(DRAWN if source == "drawn" else PLAIN, flip=True)
    cached, anew = (take(training_pairs(images, config, **SIZES, cache=cache), 9) for cache in (True, False))
    assert_same(cached, anew)


def test_the_cache_reads_each_image_once(monkeypatch):
    images, reads = numbered(30), []
    counting = dataclasses.replace(images, read=lambda i: (reads.append(i), images.read(i))[1])
    for cache, expected in ((True, 30), (False, 24 * 8)):
        reads.clear()
        pipeline = training_pairs(counting, PLAIN, **SIZES, cache=cache)
        for step in range(8):  # by hand, so that no two steps read the same image at the same time
            pipeline._loader.load(np.int64(step))
        assert len(reads) == expected
    monkeypatch.setattr("lomit_tf.data.store.CACHE_BYTES", 30 * SIZE * SIZE * 3 - 1)
    assert training_pairs(counting, PLAIN, **SIZES)._loader.store._kept is None


def test_flips_are_half_and_change_nothing_else():
    images = numbered(200)
    config = dataclasses.replace(PLAIN, flip=True)
    plain, flipped = (take(training_pairs(images, c, **SIZES | {"batch_size": 32}), 3) for c in (PLAIN, config))
    mirrored = []
    for a, b in zip(plain, flipped, strict=True):
        for side in ("x1", "x2"):
            same = (a[side] == b[side]).all(axis=(2, 3, 4))
            turned = (a[side][:, :, :, ::-1] == b[side]).all(axis=(2, 3, 4))
            assert (same ^ turned).all()
            mirrored.append(turned.mean())
        assert all((a[key] == b[key]).all() for key in ("y1", "y2", "alpha", "transfer"))
    assert 0.4 < np.mean(mirrored) < 0.6


def test_augmentation_changes_images_a_little_and_nothing_else():
    faces = draw(range(8), seed=3, size=64).images
    seeds = np.arange(8)
    assert (as_photographed(faces, seeds, 0.0) == faces).all()
    changed = as_photographed(faces, seeds, 1.0)
    again = as_photographed(faces[4:], seeds[4:], 1.0)
    assert changed.dtype == np.uint8 and (changed[4:] == again).all()  # each by its own seed
    moved = np.abs(changed.astype(int) - faces).mean(axis=(1, 2, 3))
    assert moved.min() > 1 and np.abs(changed.mean(axis=(1, 2)) - faces.mean(axis=(1, 2))).max() < 40
    half = np.abs(as_photographed(faces, seeds, 0.3).astype(int) - faces).mean()
    assert half < moved.mean()

    config = dataclasses.replace(PLAIN, augment=1.0)
    plain, other = (take(training_pairs(numbered(20), c, **SIZES), 2) for c in (PLAIN, config))
    for a, b in zip(plain, other, strict=True):
        assert all((a[key] == b[key]).all() for key in ("y1", "y2", "alpha", "transfer"))
    with pytest.raises(ConfigError, match=r"--augment lies between 0 and 1; received 1\.5"):
        dataclasses.replace(PLAIN, augment=1.5)


@pytest.mark.parametrize(("groups", "all_of_them"), [(1, 1.0), (2, 1 / 2 + 1 / 6), (3, 1 / 2 + 1 / 14)])
def test_transfer(groups, all_of_them):
    sizes = {"batch_size": 100, "n_critic": 40, "num_groups": groups, "seed": 0}
    drawn = training_pairs(numbered(10), PLAIN, **sizes)._loader._transfer(0).reshape(-1, groups)
    assert drawn.dtype == np.float32 and drawn.sum(axis=1).min() >= 1
    assert abs((drawn.sum(axis=1) == groups).mean() - all_of_them) < 0.03
    assert len(np.unique(drawn, axis=0)) == 2**groups - 1


def test_differing_pairs_differ_and_are_drawn_evenly():
    config = dataclasses.replace(PLAIN, pairing="differing")
    images = numbered(24, labels=[[0, 0]] * 12 + [[0, 1]] * 8 + [[1, 1]] * 4)
    elements = take(training_pairs(images, config, **SIZES | {"batch_size": 400}), 2)
    assert all((e["y1"] != e["y2"]).any(axis=-1).all() for e in elements)
    first, second = (np.concatenate([which(e[side]).ravel() for e in elements]) for side in ("x1", "x2"))
    assert np.bincount(first).max() == np.bincount(first).min() == 100  # x1 still walks through all images
    partners = np.bincount(second[first < 12], minlength=24)  # of [0, 0]: the 12 others, 100 times each
    assert (partners[:12] == 0).all() and partners[12:].min() > 60 and partners[12:].max() < 140


def test_differing_needs_two_label_vectors():
    config = dataclasses.replace(PLAIN, pairing="differing")
    with pytest.raises(DataError, match=r"--pairing=differing .*all 9 train images of numbered .* values of a, b"):
        training_pairs(numbered(9, labels=[[0, 1]] * 9), config, **SIZES)


@pytest.mark.parametrize("pairing", ["random", "differing"])
def test_rows_of_workers_make_up_the_global_batch(pairing):
    reads = []
    images = numbered(30)
    images = dataclasses.replace(images, read=lambda i, read=images.read: (reads.append(i), read(i))[1])
    config = dataclasses.replace(PLAIN, pairing=pairing, flip=True, augment=0.5)
    whole = take(training_pairs(images, config, **SIZES), 3)
    parts = [take(training_pairs(images, config, **SIZES, rows=slice(a, b)), 3) for a, b in ((0, 1), (1, 4))]
    assert_same([{k: np.concatenate([a[k], b[k]]) for k in a} for a, b in zip(*parts, strict=True)], whole)
    reads.clear()
    training_pairs(images, config, **SIZES, rows=slice(0, 1), cache=False)._loader.load(np.int64(0))
    assert len(reads) == 2 * 3  # a worker reads its own rows only


@pytest.mark.parametrize("rows", [slice(2, 2), slice(0, 5), slice(0, 4, 2), slice(4, 8)])
def test_bad_rows(rows):
    with pytest.raises(ConfigError, match="does not choose consecutive rows of a batch of 4"):
        training_pairs(numbered(9), PLAIN, **SIZES, rows=rows)


def test_any_number_of_workers_gives_the_same():
    images = numbered(30)
    assert_same(*(take(training_pairs(images, PLAIN, **SIZES, num_workers=n), 4) for n in (1, 7)))


def test_a_set_smaller_than_a_step():
    elements = take(training_pairs(numbered(2), PLAIN, **SIZES), 2)
    assert (np.bincount(which(elements[0]["x1"]).ravel()) == 6).all()


def test_sample_pairs():
    images = numbered(30)
    samples = sample_pairs(images, dataclasses.replace(PLAIN, flip=True), 8, seed=1)
    assert {k: (v.shape, v.dtype) for k, v in samples.items()} == {
        "x1": ((8, SIZE, SIZE, 3), np.float32), "y1": ((8, 2), np.float32),
        "x2": ((8, SIZE, SIZE, 3), np.float32), "y2": ((8, 2), np.float32),
    }  # fmt: skip
    assert (samples["y1"] != samples["y2"]).any(axis=1).all()
    np.testing.assert_array_equal(images.labels[which(samples["x2"])], samples["y2"])
    assert len(set(which(samples["x1"]))) == 8
    assert_same([samples], [sample_pairs(images, PLAIN, 8, seed=1)])
    assert (which(sample_pairs(images, PLAIN, 8, seed=2)["x1"]) != which(samples["x1"])).any()
    one_kind = sample_pairs(numbered(5, labels=[[0, 1]] * 5), PLAIN, 9, seed=0)  # more than there are, all alike
    assert one_kind["x2"].shape[0] == 9
    sides = sample_pairs(numbered(9, domains=(np.arange(4), np.arange(4, 9))), PLAIN, 4, seed=0)
    assert (sides["y1"] == 0).all() and (sides["y2"] == 1).all()


def test_batches_show_all_images_once_in_order():
    images = numbered(10)
    found = list(batches(images, dataclasses.replace(PLAIN, flip=True), 4))
    assert [len(b["x"]) for b in found] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate([which(b["x"]) for b in found]), np.arange(10))
    np.testing.assert_array_equal(np.concatenate([b["y"] for b in found]), images.labels)
    np.testing.assert_array_equal(np.concatenate([b["index"] for b in found]), np.arange(10))
    assert found[0]["x"].dtype == np.float32 and found[0]["x"].shape == (4, SIZE, SIZE, 3)
    drawn = list(batches(open_set(DRAWN, "train"), DRAWN, 16))
    assert [len(b["x"]) for b in drawn] == [16, 14]


TWO_REPLICAS = """
import itertools
import numpy as np, tensorflow as tf
from lomit_tf.config import DataConfig
from lomit_tf.data.pairs import training_pairs
from lomit_tf.data.sources import open_set

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
config = DataConfig(attributes=("Smiling",), image_size=64, train_images=20)
pipeline = training_pairs(open_set(config, "train"), config, batch_size=6, n_critic=2, num_groups=2, seed=0)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
split = strategy.experimental_distribute_dataset(pipeline.dataset)
for parts, whole in itertools.islice(zip(split, pipeline), 3):
    for name in whole:
        left, right = strategy.experimental_local_results(parts[name])
        assert len(left) == len(right) == 3
        np.testing.assert_array_equal(np.concatenate([left, right]), whole[name])
print("the same")
"""


@pytest.mark.slow
def test_mirrored_strategy_splits_each_element_over_the_replicas():
    """In a process of its own, since logical devices are made before TensorFlow starts."""
    root = pathlib.Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", TWO_REPLICAS], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip().endswith("the same"), done.stderr[-2000:]


LEFT_OPEN = """
import numpy as np
from lomit_tf.config import DataConfig
from lomit_tf.data.pairs import training_pairs
from lomit_tf.data.sources import open_set

config = DataConfig(attributes=("Smiling",), image_size=128)
pipeline = training_pairs(open_set(config, "train"), config, batch_size=8, n_critic=5, num_groups=1, seed=0)
elements, others = iter(pipeline), iter(pipeline.dataset)
next(elements), next(others)
raise SystemExit(7)
"""


@pytest.mark.slow
def test_a_process_ends_while_images_are_read():
    """TensorFlow hangs when an iterator is still calling into Python as the interpreter ends."""
    root = pathlib.Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", LEFT_OPEN], cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 7, done.stderr[-2000:]
    assert "Traceback" not in done.stderr
