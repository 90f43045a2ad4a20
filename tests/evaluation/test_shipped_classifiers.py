"""The classifiers that come with the package: found by name, as good as their records and cards say."""

import shutil

import numpy as np
import pytest

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data import drawn_faces
from lomit_tf.data.sources import open_set
from lomit_tf.evaluation.metrics.attribute_classifier import AttributeClassifier, measure
from lomit_tf.evaluation.metrics.attribute_classifier_config import (
    NETWORK,
    RECORD,
    classifier_folder,
    shipped_classifiers,
)
from lomit_tf.evaluation.run import Options, evaluate
from lomit_tf.zoo import FOLDER

SHIPPED = {"celeba_classifier": "celeb_a", "drawn_faces_classifier": "drawn_faces"}


def test_a_name_is_a_shipped_classifier_and_a_folder_wins_over_it(tmp_path, monkeypatch):
    assert shipped_classifiers() == SHIPPED
    monkeypatch.chdir(tmp_path)
    assert all(classifier_folder(name) == FOLDER / name for name in SHIPPED)
    own = tmp_path / "celeba_classifier"
    own.mkdir()
    assert classifier_folder("celeba_classifier") == FOLDER / "celeba_classifier"  # nothing in it
    for name in (NETWORK, RECORD):
        shutil.copy(FOLDER / "drawn_faces_classifier" / name, own)
    assert classifier_folder("celeba_classifier").resolve() == own
    with pytest.raises(ConfigError, match=r"no classifier at celeba: .* or use celeba_classifier or drawn_faces_class"):
        classifier_folder("celeba")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_card_has_the_records_accuracies(name):
    classifier, card = AttributeClassifier.load(name), (FOLDER / name / "README.md").read_text()
    for label, row in classifier.record["held_out"]["per_attribute"].items():
        assert f"| {label} | {row['accuracy']:.3f} | {row['balanced_accuracy']:.3f} | {row['positives']} |" in card
    assert f"{classifier.network.count_params():,} parameters" in card
    assert classifier.record["command"] in card


def test_the_drawn_faces_classifier_knows_all_labels_of_faces_that_it_has_not_seen():
    classifier = AttributeClassifier.load("drawn_faces_classifier")
    assert classifier.label_names == drawn_faces.ATTRIBUTES
    faces = drawn_faces.draw(drawn_faces.split_indices("test", 300), size=64)
    said = classifier.predict(faces.images / np.float32(127.5) - 1) >= 0.5
    assert ((said == faces.labels).mean(axis=0) >= 0.98).all()


@pytest.mark.slow
def test_evaluation_judges_by_a_name(tmp_path):
    options = Options(checkpoint="drawn_faces", classifier="drawn_faces_classifier", out=str(tmp_path), pairs=60)
    rows = {row.key: row for section in evaluate(options, "test").sections for row in section.rows}
    success = rows["attributes/hair + smile/transferred"].values
    assert success["lomit"] > 0.9 and success["identity"] < 0.1


@pytest.mark.shared
def test_the_celeba_classifier_is_as_good_as_its_record_says_on_validation_images(shared):
    """Only where the images are those that it was measured on: their number is in the record."""
    classifier = AttributeClassifier.load("celeba_classifier")
    config = DataConfig(
        dataset="celeb_a", data_dir=str(shared / "data" / "celeba"), image_size=64, attributes=classifier.label_names
    )
    held_out, expected = open_set(config, "validation"), classifier.record["held_out"]["per_attribute"]
    assert len(held_out) == expected["Smiling"]["count"], "another development set; measure again with train_classifier"
    for label, row in measure(classifier, held_out, config).items():
        assert row["positives"] == expected[label]["positives"]
        assert row["accuracy"] == pytest.approx(expected[label]["accuracy"], abs=0.011), label
