"""Matched pairs (--match): partners agree in the matched labels, differ in the attributes, and both sides balance."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data.image_set import DataError, ImageSet, subset
from lomit_tf.data.order import MOST_REPEATS, PairOrder
from lomit_tf.data.sources import open_set

DRAWN = DataConfig(
    attributes=("Black_Hair", "Blond_Hair"), match=("Smiling", "Eyeglasses"), pairing="differing",
    image_size=64, train_images=400,
)  # fmt: skip


def labelled(labels, cells) -> ImageSet:
    labels = np.asarray(labels, np.float32).reshape(len(labels), -1)
    names = tuple("abc"[: labels.shape[1]])
    keys = [str(i) for i in range(len(labels))]
    blank = np.zeros((8, 8, 3), np.uint8)
    return ImageSet("made", "train", labels, names, keys, lambda i: blank, cells=np.asarray(cells))


def test_drawn_pairs_agree_in_what_is_matched():
    images = open_set(DRAWN, "train")
    everything = open_set(dataclasses.replace(DRAWN, attributes=(*DRAWN.attributes, *DRAWN.match), match=()), "train")
    assert images.label_names == DRAWN.attributes and images.labels.shape == (400, 2)
    order = PairOrder(images, "differing", 1)
    first, second = map(np.concatenate, zip(*(order.pairs(step, 16) for step in range(60)), strict=True))
    np.testing.assert_array_equal(everything.labels[first][:, 2:], everything.labels[second][:, 2:])
    assert (everything.labels[first][:, :2] != everything.labels[second][:, :2]).any(axis=1).all()
    again = PairOrder(images, "differing", 1).pairs(59, 16)
    np.testing.assert_array_equal(again[0], first[-16:])
    np.testing.assert_array_equal(again[1], second[-16:])


def test_both_label_values_get_the_same_shares_of_the_cells():
    """99 of label 0 and 3 of label 1 in one cell, the reverse in the other: what correlates, balanced."""
    labels = [0] * 99 + [1] * 3 + [0] * 5 + [1] * 80
    cells = [0] * 102 + [1] * 85
    order = PairOrder(labelled(labels, cells), "differing", 0)
    shown = np.concatenate([np.concatenate(order.pairs(step, 20)) for step in range(200)])
    labels, cells = np.array(labels), np.array(cells)
    shares = [np.mean(cells[shown][labels[shown] == value]) for value in (0, 1)]
    assert shares[0] == pytest.approx(shares[1], abs=1e-12)


def test_no_epoch_wears_out_a_rare_partner():
    labels, cells = [0] * 99 + [1] * 3, [0] * 102
    order = PairOrder(labelled(labels, cells), "differing", 0)
    epoch = order.walk(0, 0, 3 * MOST_REPEATS + 3)
    assert len(set(epoch)) == len(epoch) and np.sum(epoch < 99) == 3 * MOST_REPEATS
    following = order.walk(0, len(epoch), len(epoch))
    assert set(following[following < 99]) != set(epoch[epoch < 99])  # others have their turn


def test_images_without_a_partner_are_left_out():
    order = PairOrder(labelled([0, 0, 1, 0, 0], [0, 0, 0, 1, 1]), "differing", 0)
    first, second = order.pairs(0, 60)
    assert set(first) | set(second) == {0, 1, 2}


def test_a_subset_keeps_its_cells():
    images = labelled([0, 1, 0, 1], [0, 0, 1, 1])
    np.testing.assert_array_equal(subset(images, np.array([1, 3])).cells, [0, 1])


def test_no_pair_at_all_is_an_error_that_says_so():
    with pytest.raises(DataError, match="--match leaves no pair"):
        PairOrder(labelled([0, 0, 1, 1], [0, 0, 1, 1]), "differing", 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pairing": "random"}, "needs labels and --pairing=differing"),
        ({"match": ("Black_Hair",)}, "among --attributes or named twice"),
        ({"match": ("Smiling", "Smiling")}, "named twice"),
    ],
)
def test_contradictions(changes, words):
    with pytest.raises(ConfigError, match=words):
        dataclasses.replace(DRAWN, **changes)


def test_a_misspelt_label_names_the_near_ones():
    with pytest.raises(ConfigError, match="Smiling"):
        open_set(dataclasses.replace(DRAWN, match=("Smilling",)), "train")
