"""--domains: two domains made of labels, for a set that has labels."""

from __future__ import annotations

import numpy as np
import pytest

from lomit_tf.config import ConfigError, DataConfig, LomitConfig
from lomit_tf.data import drawn_faces
from lomit_tf.data.image_set import DataError
from lomit_tf.data.numpy_pairs import sample_pairs
from lomit_tf.data.order import PairOrder
from lomit_tf.data.sources import open_set

pytestmark = pytest.mark.quick


def faces(domains: str, **fields) -> DataConfig:
    return DataConfig(**{"domains": domains, "image_size": 64, "crop": 0, "train_images": 80} | fields)


def true_labels(split: str, count: int) -> dict[str, np.ndarray]:
    labels = np.asarray(drawn_faces.labels_of(np.asarray(drawn_faces.split_indices(split, count))))
    return dict(zip(drawn_faces.ATTRIBUTES, labels.T > 0, strict=True))


@pytest.mark.parametrize(
    ("domains", "label", "in_a", "in_b"),
    [
        ("Black_Hair | Blond_Hair", "Blond_Hair", lambda f: f["Black_Hair"], lambda f: f["Blond_Hair"]),
        ("!Smiling|Smiling", "Smiling", lambda f: ~f["Smiling"], lambda f: f["Smiling"]),
        ("Smiling | !Smiling", "domain_B", lambda f: f["Smiling"], lambda f: ~f["Smiling"]),
        # Faces with both, and with neither, are in no domain.
        ("Smiling | Bangs", "Bangs", lambda f: f["Smiling"] & ~f["Bangs"], lambda f: f["Bangs"] & ~f["Smiling"]),
        ("Smiling | !Bangs", "domain_B", lambda f: f["Smiling"] & f["Bangs"], lambda f: ~f["Smiling"] & ~f["Bangs"]),
    ],
)
def test_domains_of_drawn_faces(domains, label, in_a, in_b):
    config = faces(domains)
    images, everything = open_set(config, "train"), true_labels("train", 80)
    a, b = np.flatnonzero(in_a(everything)), np.flatnonzero(in_b(everything))
    assert len(a) and len(b) and len(a) + len(b) <= 80
    assert list(images.keys) == [f"drawn_faces/train/{i}" for i in (*a, *b)]
    assert images.labels.tolist() == [[0.0]] * len(a) + [[1.0]] * len(b)
    assert images.label_names == config.label_names == (label,) and config.two_domains
    assert [d.tolist() for d in images.domains] == [list(range(len(a))), list(range(len(a), len(a) + len(b)))]
    last = open_set(DataConfig(image_size=64, train_images=80), "train")
    np.testing.assert_array_equal(images.read(len(a)), last.read(int(b[0])))
    np.testing.assert_array_equal(images.read_masks(np.array([0, len(a)])), last.read_masks(np.array([a[0], b[0]])))


@pytest.mark.parametrize("pairing", ["random", "differing"])
def test_pairs_join_a_with_b(pairing):
    images = open_set(faces("Black_Hair | Blond_Hair", pairing=pairing), "train")
    first, second = PairOrder(images, pairing, seed=3).pairs(5, 40)
    assert not images.labels[first].any() and images.labels[second].all()
    fixed = sample_pairs(images, faces("Black_Hair | Blond_Hair"), 6, seed=0)
    assert not fixed["y1"].any() and fixed["y2"].all()


def test_what_the_set_says_of_other_labels_does_not_matter():
    """A flagfile's attributes stay where --domains is given beside it, and so does --labelled_only."""
    one = open_set(faces("!Smiling | Smiling"), "train")
    other = open_set(faces("!Smiling | Smiling", attributes=("Bangs",), labelled_only=True), "train")
    assert list(one.keys) == list(other.keys)
    config = LomitConfig.create("small", domains="!Smiling | Smiling", image_size=64)
    assert config.data.group_labels == {"all": ("Smiling",)}
    assert LomitConfig.from_flat(config.flat()) == config


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"domains": "A | B | C"}, r"--domains takes two domains .* received 3 in 'A \| B \| C'"),
        ({"domains": "Smiling"}, "--domains takes two domains .* received 1 in 'Smiling'"),
        ({"domains": "Smiling |"}, r"--domains: cannot read '' in 'Smiling \|'; write one label on each side"),
        ({"domains": "A, B | C"}, r"--domains: cannot read 'A, B'"),
        ({"domains": "!!A | C"}, "--domains: cannot read '!!A'"),
        ({"domains": "A | A"}, r"--domains: both domains of 'A \| A' are the same images"),
        ({"domains": "A | B", "dataset": "two_domains"}, "--dataset=two_domains has two domains of its own"),
        ({"domains": "A | B", "dataset": "cycle_gan/horse2zebra"}, "has two domains of its own; leave --domains out"),
        ({"domains": "A | B", "groups": "hair: A"}, r"--groups='hair: A' has nothing to divide: --domains makes one"),
        ({"domains": "A | B", "match": ("C",), "pairing": "differing"}, r"--match=C needs labels .*--domains='A \| B'"),
    ],
)
def test_errors_of_the_setting(fields, message):
    with pytest.raises(ConfigError, match=message):
        DataConfig(**fields)


def test_unknown_labels_and_empty_domains(tmp_path):
    with pytest.raises(
        ConfigError, match=r"^--domains='Smilin \| Bangs': 'Smilin' is not a label of drawn_faces; did you mean Smiling"
    ):
        open_set(faces("Smilin | Bangs"), "train")
    # Drawn faces have exactly one hair colour, so that none is without black hair and not in the other domain.
    with pytest.raises(DataError, match=r"domain A is empty; of 80 train images of drawn_faces \d+ are with Black"):
        open_set(faces("Black_Hair | !Blond_Hair"), "train")
