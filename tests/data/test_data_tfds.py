"""TFDS' celeb_a and cycle_gan, from tiny data sets of the same names, versions and features prepared on disk."""

import io
from typing import ClassVar

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data.pairs import training_pairs
from lomit_tf.data.preprocess import decode
from lomit_tf.data.sources import DataError, open_set

tfds = pytest.importorskip("tensorflow_datasets")

COUNTS = {"train": 12, "validation": 3, "test": 2}
DOMAINS = {"trainA": 5, "trainB": 3, "testA": 2, "testB": 1}


def jpeg(number, height=218, width=178):
    noise = np.random.default_rng(number).integers(0, 256, (7, 6, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((width, height)).save(buffer, "JPEG")
    return buffer.getvalue()


def prepare(builder_class, real, data_dir, config=None):
    """Prepares a builder which takes name, version and features from the real one, and only the examples from here."""
    name = real.name
    tiny = type("Tiny", (builder_class,), {"VERSION": real.version, "name": name}, skip_registration=True)
    tiny.FEATURES = real.info.features
    builder = tiny(data_dir=data_dir, config=config)
    builder.download_and_prepare(download_config=tfds.download.DownloadConfig(try_download_gcs=False))
    return builder


class _Tiny(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    code_path = tfds.core.Path(__file__)

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=self.FEATURES)


class _TinyFaces(_Tiny, skip_registration=True):
    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in COUNTS}

    def _generate_examples(self, split):
        features = self.info.features
        for i in range(COUNTS[split]):
            values = {name: (i >> k) % 2 == 1 for k, name in enumerate(["Smiling", "Young"])}
            yield i, {
                "image": io.BytesIO(jpeg(i)),
                "landmarks": dict.fromkeys(features["landmarks"], i),
                "attributes": {name: values.get(name, False) for name in features["attributes"]},
                "identity": dict.fromkeys(features["identity"], i),
            }


class _TinyDomains(_Tiny, skip_registration=True):
    BUILDER_CONFIGS: ClassVar = [tfds.core.BuilderConfig(name="horse2zebra")]

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in DOMAINS}

    def _generate_examples(self, split):
        for i in range(DOMAINS[split]):
            picture = io.BytesIO(jpeg(100 * (split[-1] == "B") + i, 80 + i, 90))
            yield f"{split}/{i}", {"image": picture, "label": split[-1]}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    root = tmp_path_factory.mktemp("tfds")
    prepare(_TinyFaces, tfds.builder("celeb_a", data_dir=root), root)
    prepare(_TinyDomains, tfds.builder("cycle_gan/horse2zebra", data_dir=root), root, "horse2zebra")
    return str(root)


def test_celeb_a(data_dir):
    config = DataConfig(dataset="celeb_a", data_dir=data_dir, attributes=("Young", "Smiling"), image_size=64)
    train = open_set(config, "train")
    assert [len(open_set(config, split)) for split in COUNTS] == list(COUNTS.values())
    assert train.keys[1] == "celeb_a/train/1" and train.labels.dtype == np.float32
    # TFDS shuffles while it prepares: recognise each image, and compare its labels and pixels.
    originals = {decode(jpeg(i)).tobytes(): i for i in range(12)}
    numbers = [originals[train.read(i).tobytes()] for i in range(12)]
    assert sorted(numbers) == list(range(12))
    assert train.labels.tolist() == [[(n >> 1) % 2, n % 2] for n in numbers]
    element = next(iter(training_pairs(train, config, batch_size=2, n_critic=2, num_groups=1, seed=0)))
    assert element["x1"].shape == (2, 2, 64, 64, 3)
    few = open_set(DataConfig(dataset="celeb_a", data_dir=data_dir, attributes=("Young",), train_images=5), "train")
    assert len(few) == 5 and set(few.keys) < set(train.keys)
    index = list(train.keys).index(few.keys[-1])
    np.testing.assert_array_equal(few.read(4), train.read(index))


def test_celeb_a_unknown_attribute(data_dir):
    config = DataConfig(dataset="celeb_a", data_dir=data_dir, attributes=("Blonde_Hair",))
    with pytest.raises(ConfigError, match=r"'Blonde_Hair' is not a label of celeb_a \(TFDS\); did you mean Blond_Hair"):
        open_set(config, "train")


def test_horse2zebra(data_dir):
    config = DataConfig(dataset="cycle_gan/horse2zebra", data_dir=data_dir, image_size=64, crop=0)
    train = open_set(config, "train")
    assert train.labels.tolist() == [[0]] * 5 + [[1]] * 3 and train.label_names == ("domain_B",)
    originals = {decode(jpeg(100 * b + i, 80 + i, 90)).tobytes(): b for b in (0, 1) for i in range(5)}
    assert [originals[train.read(i).tobytes()] for i in range(8)] == [0] * 5 + [1] * 3
    assert train.keys[5] == "cycle_gan/horse2zebra/trainB/0"
    assert [len(d) for d in train.domains] == [5, 3]
    assert [len(d) for d in open_set(config, "validation").domains] == [2, 1]
    few = open_set(DataConfig(dataset="cycle_gan/horse2zebra", data_dir=data_dir, train_images=4), "train")
    assert [len(d) for d in few.domains] == [2, 2]
    element = next(iter(training_pairs(train, config, batch_size=2, n_critic=2, num_groups=1, seed=0)))
    assert tf.reduce_all(element["y1"] == 0) and tf.reduce_all(element["y2"] == 1)


@pytest.mark.parametrize(
    ("dataset", "advice"), [("celeb_a", "mmlab.ie.cuhk"), ("cycle_gan/apple2orange", "trainA, trainB")]
)
def test_what_cannot_be_downloaded(tmp_path, monkeypatch, dataset, advice):
    def offline(*arguments, **keywords):
        raise OSError("no network")

    monkeypatch.setattr("requests.Session.send", offline)  # TFDS itself is left as it is
    with pytest.raises(DataError) as caught:
        open_set(DataConfig(dataset=dataset, data_dir=str(tmp_path), attributes=("Young",)), "train")
    message = str(caught.value)
    assert message.startswith(f"{dataset} is neither in {tmp_path / dataset} nor can it be downloaded there. ")
    assert message.index(advice) < message.index("OSError: no network")
