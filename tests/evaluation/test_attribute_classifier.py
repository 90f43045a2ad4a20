"""The classifier: network, augmentation, loss, order, a real training of some seconds, and the command."""

import json
import os
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from PIL import Image

from lomit_tf import train_classifier as command
from lomit_tf.commands.classifier_flags import define_flags
from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data import drawn_faces
from lomit_tf.data.sources import DataError, open_set
from lomit_tf.evaluation.metrics.attribute_classifier import (
    AttributeClassifier,
    ClassifierConfig,
    _Batches,
    accuracies,
    build_classifier,
    train_classifier,
)
from lomit_tf.evaluation.metrics.attribute_classifier import weighted_cross_entropy as loss
from lomit_tf.evaluation.metrics.augment import augment, geometry, tent
from lomit_tf.training.callbacks import TrainingError

LABELS = ("Blond_Hair", "Black_Hair")


def small(labels=LABELS, size=64, **fields):
    data = DataConfig(dataset="drawn_faces", image_size=size, attributes=labels, train_images=fields.pop("images", 384))
    return ClassifierConfig(data, **({"width": 8, "batch_size": 32, "steps": 40} | fields))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A classifier after 40 small steps, and its folder."""
    folder = tmp_path_factory.mktemp("classifier") / "made" / "by training"
    return train_classifier(small(learning_rate=4e-3), folder, command="the test", progress=False), folder


def test_a_trained_classifier_knows_the_hair_colour_of_faces_it_has_not_seen(trained):
    classifier, _ = trained
    held_out = classifier.record["held_out"]
    assert held_out["split"] == "validation" and set(held_out["per_attribute"]) == set(LABELS)
    for name, row in held_out["per_attribute"].items():
        assert row["count"] == 1000 and 150 < row["positives"] < 350
        assert row["balanced_accuracy"] > 0.75, name  # chance is 0.5
    # The same numbers from the test split's first faces, without the code that measured them.
    faces = drawn_faces.draw(drawn_faces.split_indices("test", 300), size=64)
    said = classifier.predict(faces.images / np.float32(127.5) - 1) >= 0.5
    for k, name in enumerate(LABELS):
        truth = faces.labels[:, drawn_faces.ATTRIBUTES.index(name)]
        assert (said[truth, k].mean() + (~said[~truth, k]).mean()) / 2 > 0.75, name


def test_what_was_written_is_the_classifier(trained, rng):
    classifier, folder = trained
    assert sorted(path.name for path in folder.iterdir()) == ["classifier.json", "classifier.keras"]
    again = AttributeClassifier.load(folder)
    images = rng.uniform(-1, 1, (5, 64, 64, 3)).astype(np.float32)
    assert again.label_names == LABELS and again.image_size == 64
    assert again.predict(images, batch_size=2) == pytest.approx(classifier.predict(images), abs=1e-6)
    record = json.loads((folder / "classifier.json").read_text())
    assert record == classifier.record
    expected = {"dataset": "drawn_faces", "command": "the test", "seed": 1906, "steps": 40, "image_size": 64,
                "crop": 178, "training_images": 384}  # fmt: skip
    assert {k: record[k] for k in expected} == expected


def test_images_of_another_size_are_resized_antialiased(trained):
    classifier, _ = trained
    images = np.repeat(np.repeat(drawn_faces.draw(range(4), size=64).images, 2, axis=1), 2, axis=2)
    twice = images / np.float32(127.5) - 1
    assert classifier.predict(twice) == pytest.approx(classifier.predict(twice[:, ::2, ::2]), abs=0.1)
    stripes = np.ones((1, 128, 128, 3), np.float32)
    stripes[:, ::2] = -1
    inside = classifier.predict(stripes) - classifier.predict(np.zeros((1, 64, 64, 3), np.float32))
    assert np.abs(inside).max() < 0.1  # antialiased, stripes are grey


@pytest.mark.parametrize("images, message", [
    (np.zeros((2, 64, 64, 3), np.uint8), "float in -1..1; received uint8"),
    (np.full((1, 64, 64, 3), 255.0), "within -1..1; received 255..255"),
    (np.full((1, 64, 64, 3), np.nan), "within -1..1"),
    (np.zeros((64, 64, 3)), r"\(N, H, W, 3\)"),
])  # fmt: skip
def test_predict_refuses_what_is_no_image(trained, images, message):
    with pytest.raises(ValueError, match=message):
        trained[0].predict(images)


def test_predict_of_no_images(trained):
    assert trained[0].predict(np.zeros((0, 64, 64, 3), np.float32)).shape == (0, 2)


def test_load_says_what_is_wrong(trained, tmp_path):
    with pytest.raises(ConfigError, match=r"classifier.keras and classifier.json missing; train one with python -m"):
        AttributeClassifier.load(tmp_path / "nowhere")
    classifier, folder = trained
    (tmp_path / "classifier.keras").write_bytes((folder / "classifier.keras").read_bytes())
    (tmp_path / "classifier.json").write_text(json.dumps(classifier.record | {"attributes": ["Smiling"]}))
    with pytest.raises(ConfigError, match=r"gives 2 labels and classifier.json names 1"):
        AttributeClassifier.load(tmp_path)
    (tmp_path / "classifier.keras").write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match="cannot be read"):
        AttributeClassifier.load(tmp_path)


@pytest.mark.parametrize("size, stages", [(64, 4), (128, 5)])
def test_the_network_goes_down_to_4_pixels(size, stages):
    network = build_classifier(small(size=size))
    assert network.input_shape == (None, size, size, 3) and network.output_shape == (None, 2)
    maps = [layer.output.shape[1:3] for layer in network.layers if isinstance(layer, keras.layers.Add)]
    assert maps == [(size >> 1 + i, size >> 1 + i) for i in range(stages)] and maps[-1] == (4, 4)
    assert any(isinstance(layer, keras.layers.BatchNormalization) for layer in network.layers)


def test_weights_depend_on_the_seed_alone():
    def weights(seed):
        return np.concatenate([w.numpy().ravel() for w in build_classifier(small(seed=seed)).trainable_weights])

    assert np.array_equal(weights(1), weights(1)) and not np.array_equal(weights(1), weights(2))


def test_loss_against_the_formula(rng):
    labels, logits = rng.integers(0, 2, (6, 3)), rng.normal(0, 3, (6, 3))
    weights, p = np.array([1.0, 2.0, 0.5]), 1 / (1 + np.exp(-logits))
    expected = -(weights * labels * np.log(p) + (1 - labels) * np.log(1 - p)).mean(axis=1)
    got = keras.ops.convert_to_numpy(loss(labels, keras.ops.convert_to_tensor(logits), weights))
    assert got == pytest.approx(expected, rel=1e-5)
    extreme = keras.ops.convert_to_numpy(
        loss(np.array([[1.0, 0, 1]]), keras.ops.convert_to_tensor([[-500.0, 500, 0]]), weights)
    )
    assert np.isfinite(extreme).all()


def test_accuracies_by_hand():
    probabilities = np.array([[0.9, 0.2], [0.5, 0.2], [0.4, 0.2], [0.8, 0.9]])
    labels = np.array([[1, 0], [1, 0], [1, 0], [0, 0]])
    result = accuracies(probabilities, labels, ("A", "B"))
    assert result["A"] == {"accuracy": 0.5, "balanced_accuracy": pytest.approx(1 / 3), "count": 4, "positives": 3}
    assert result["B"] == {"accuracy": 0.75, "balanced_accuracy": None, "count": 4, "positives": 0}


def test_an_epoch_shows_every_image_once_and_batches_repeat():
    config = small(images=100, batch_size=32, steps=7)
    images = open_set(config.data, "train")
    sequence = _Batches(images, config, 7)
    seen = []
    sequence.store.get = lambda indices, get=sequence.store.get: seen.append(indices) or get(indices)
    first = [sequence[step] for step in range(7)]
    order = np.concatenate(seen)
    assert sorted(order[:100]) == sorted(order[100:200]) == list(range(100)) and list(order[:100]) != list(
        order[100:200]
    )
    assert np.array_equal(first[3][1], images.labels[seen[3]])
    again = _Batches(images, config, 7)[3]
    assert np.array_equal(first[3][0], again[0]) and not np.array_equal(first[3][0], first[4][0])


def test_augmentation_keeps_range_and_colour(rng):
    pictures = drawn_faces.draw(range(40), size=64).images
    before = pictures.copy()
    changed = augment(pictures, np.random.default_rng(1))
    assert np.array_equal(pictures, before)
    assert changed.shape == pictures.shape and changed.dtype == np.float32 and np.abs(changed).max() <= 1
    assert np.array_equal(changed, augment(pictures, np.random.default_rng(1)))
    assert not np.array_equal(changed, augment(pictures, np.random.default_rng(2)))
    colour = np.array([200, 120, 40]) / 127.5 - 1
    painted = augment(np.broadcast_to(np.array([200, 120, 40], np.uint8), (40, 64, 64, 3)), rng)
    middle = np.median(painted, axis=(1, 2))  # of most pixels, so that holes and noise do not count
    distances = np.diff(middle, axis=1) / np.diff(colour)
    assert distances == pytest.approx(1, abs=0.1)  # brightness and contrast, and no change of hue


@pytest.mark.parametrize("flips", [True, False])
def test_geometry_only_mirrors_and_shifts(rng, flips):
    pictures = rng.integers(0, 256, (60, 32, 32, 3), np.uint8)
    seen = []
    for picture, moved in zip(pictures, geometry(pictures, rng, flips), strict=True):
        seen += [
            (flip, down, right)
            for flip, side in ((False, picture), (True, picture[:, ::-1]))
            for down in range(-2, 3)
            for right in range(-2, 3)
            if np.array_equal(moved[4:-4, 4:-4], side[4 + down : 28 + down, 4 + right : 28 + right])
        ]
    assert len(seen) == 60  # one move explains each image
    assert {flip for flip, _, _ in seen} == {False, flips}
    assert {down for _, down, _ in seen} == {right for _, _, right in seen} == set(range(-2, 3))


def test_tent_against_its_kernel(rng):
    x = rng.uniform(size=(1, 6, 7, 3)).astype(np.float32)
    padded, kernel = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge"), np.outer([1, 2, 1], [1, 2, 1]) / 16
    expected = sum(kernel[i, j] * padded[:, i : i + 6, j : j + 7] for i in range(3) for j in range(3))
    assert tent(x) == pytest.approx(expected, abs=1e-6)


def labelled_folder(root, rng, labels="Blond_Hair"):
    """Eight little images in each of two splits; every other one is blond, and nobody bald."""
    rows = "file,split,Blond_Hair,Bald\n"
    for split in ("train", "validation"):
        (root / split).mkdir(parents=True)
        for i in range(8):
            Image.fromarray(rng.integers(0, 256, (64, 64, 3), np.uint8)).save(root / split / f"{i}.png")
            rows += f"{split}/{i}.png,{split},{i % 2},0\n"
    (root / "labels.csv").write_text(rows)
    where = {"dataset": "labelled_folder", "data_dir": str(root), "image_size": 64, "max_corrupt": 0.0}
    return ClassifierConfig(DataConfig(**where, attributes=tuple(labels.split(","))), steps=2, width=4, batch_size=8)


def test_a_label_that_nobody_has_is_refused(tmp_path, rng):
    with pytest.raises(DataError, match="the label 'Bald' is present in 0 of"):
        train_classifier(labelled_folder(tmp_path / "set", rng, "Blond_Hair,Bald"), tmp_path / "out", progress=False)


def test_images_that_cannot_be_read_are_named(tmp_path, rng):
    config = labelled_folder(tmp_path / "set", rng)
    (tmp_path / "set" / "train" / "3.png").write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"more than --max_corrupt=0 of the train images.*\n.*3.png"):
        train_classifier(config, tmp_path / "out", progress=False)


@pytest.mark.parametrize("argv, message", [
    (["--dataset=drawn_faces"], "--out is missing"),
    (["--out=x", "--widht=3"], "--widht is unknown; did you mean --width"),
    (["--out=x", "--width=0"], "--width must be greater than 0; received 0"),
    (["--out=x", "--seed=-1"], "--seed cannot be negative"),
    (["--out=x", "--held_out=train"], "--held_out must be one of validation, test"),
    (["--out=x", "--image_size=65"], "--image_size must be divisible by 64"),
    (["--out=x", "--image_size=64", "--attributes=Blonde"], "'Blonde' is not a label of drawn_faces"),
    (["--out=x", "--dataset=celeb_a", "--data_dir=nowhere/celeba"], "--data_dir=nowhere/celeba: no such folder"),
    (["--out=file/in/it"], "file is a file, not a folder; name another folder"),
    (["--out=/proc/x"], "--out=/proc/x cannot be written: "),
])  # fmt: skip
def test_command_lines_that_cannot_be_used(argv, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert command.run(argv) == 2
    out, err = capsys.readouterr()
    assert not out and err.startswith("lomit-train-classifier: ") and message in err and err.count("\n") == 1


def test_help_names_every_flag(capsys):
    assert command.run(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"--{name}" in text or f"--[no]{name}" in text for name in define_flags())


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path):
    with pytest.raises(TrainingError, match="not finite; lower --learning_rate"):
        train_classifier(small(learning_rate=1e30, images=32, steps=3, width=4), tmp_path / "out", progress=False)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.slow
def test_the_command_trains_and_reports(tmp_path, capsys):
    argv = ["--dataset=drawn_faces", "--image_size=64", "--attributes=Blond_Hair", "--train_images=64", "--steps=2",
            "--width=4", f"--out={tmp_path / 'classifier'}"]  # fmt: skip
    assert command.run(argv) == 0
    out, err = capsys.readouterr()
    assert "Blond_Hair" in out and "of 1000" in out and "step 2/2" in err
    record = AttributeClassifier.load(tmp_path / "classifier").record
    assert (
        record["command"].startswith("python -m lomit_tf.train_classifier --dataset=drawn_faces")
        and record["steps"] == 2
    )


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals as on POSIX systems")
def test_sigterm_ends_the_command_with_nothing_written(tmp_path):
    argv = ["--dataset=drawn_faces", "--image_size=64", "--train_images=64", "--steps=20000", "--width=4",
            f"--out={tmp_path / 'classifier'}"]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "lomit_tf.train_classifier", *argv], stderr=subprocess.PIPE, text=True
    )
    lines = iter(process.stderr)
    assert any("compiling the first step" in line for line in lines)
    time.sleep(0.5)
    process.terminate()
    rest = "".join(lines)
    assert process.wait(60) == 143 and "terminated; nothing was written" in rest and "Traceback" not in rest
    assert not list((tmp_path / "classifier").iterdir())
