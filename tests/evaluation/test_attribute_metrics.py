"""Attribute metrics against counts made by hand and by plain loops."""

import json

import numpy as np
import pytest

from lomit_tf.evaluation.metrics.attributes import FAMILIES, attribute_metrics

pytestmark = pytest.mark.quick

HAIR = FAMILIES["hair_colour"]
YES, NO = 0.9, 0.1


def metrics(before, after, classifier, y1, y2, labels, groups, transfer, **more):
    return attribute_metrics(
        np.array(before),
        np.array(after),
        classifier,
        np.array(y1),
        np.array(y2),
        labels,
        groups,
        np.array(transfer),
        **more,
    )


def test_a_hand_made_case():
    """Four pairs of a model of black, blond and smile; the classifier knows Male besides."""
    classifier = ("Smiling", "Blond_Hair", "Male", "Black_Hair")  # another order than the model's
    labels, groups = (
        ("Black_Hair", "Blond_Hair", "Smiling"),
        {"hair": ("Black_Hair", "Blond_Hair"), "smile": ("Smiling",)},
    )
    y1 = [[1, 0, 0], [1, 0, 1], [0, 1, 0], [1, 0, 0]]
    y2 = [[0, 1, 1], [0, 1, 0], [1, 0, 1], [1, 0, 1]]
    transfer = [[1, 0], [1, 1], [1, 1], [0, 1]]
    before = [[NO, NO, YES, YES], [YES, NO, YES, YES], [NO, YES, NO, NO], [NO, NO, NO, YES]]
    after = [
        [NO, YES, YES, NO],  # blond as asked, smile and sex kept
        [YES, YES, NO, YES],  # blond, but black too; still smiling; sex lost
        [YES, 0.6, NO, 0.7],  # both colours said, black the likelier; smile gained
        [YES, NO, NO, YES],  # smile gained, hair kept
    ]
    result = metrics(before, after, classifier, y1, y2, labels, groups, transfer)

    black, blond, smile, male = (result.attributes[n] for n in ("Black_Hair", "Blond_Hair", "Smiling", "Male"))
    assert (black.transferred.share, black.transferred.count) == (pytest.approx(2 / 3), 3)  # pairs 0 and 2 of 0, 1, 2
    assert (black.gained.share, black.gained.count) == (1, 1)
    assert (black.lost.share, black.lost.count) == (0.5, 2)
    assert (black.kept.share, black.kept.count) == (1, 1)  # pair 3
    assert (blond.transferred.share, blond.transferred.count) == (pytest.approx(2 / 3), 3)
    assert (smile.transferred.share, smile.transferred.count) == (pytest.approx(2 / 3), 3)  # pair 1 still smiles
    assert (smile.kept.share, smile.kept.count) == (1, 1)  # pair 0, whose transfer leaves the smile out
    assert male.transferred.share is None and "model does not know Male" in male.transferred.reason
    assert (male.kept.share, male.kept.count, male.in_model) == (0.75, 4, False)
    assert (result.transferred.share, result.transferred.count) == (pytest.approx(6 / 9), 9)
    assert (result.kept.share, result.kept.count) == (pytest.approx(6 / 7), 7)

    (hair,) = result.groups
    assert (hair.group, hair.family, hair.labels) == ("hair", "hair_colour", ("Black_Hair", "Blond_Hair"))
    # Pair 1: both at 0.9 in the classifier, argmax takes the first, black, which is wrong; 0 and 2 are right.
    assert (hair.success.share, hair.success.count) == (pytest.approx(2 / 3), 3)
    assert json.loads(json.dumps(result.as_dict()))["groups"][0]["success"]["count"] == 3


def test_against_loops_on_random_answers(rng):
    n, labels = 200, (*HAIR, "Smiling", "Bangs")
    groups = {"hair": (*HAIR, "Bangs"), "smile": ("Smiling",)}
    classifier = (*labels[::-1], "Male")
    y1, y2 = rng.integers(0, 2, (2, n, 6))
    transfer = rng.integers(0, 2, (n, 2))
    before, after = rng.uniform(size=(2, n, 7))
    result = metrics(before, after, classifier, y1, y2, labels, groups, transfer)

    for k, name in enumerate(labels):
        column, group = classifier.index(name), 0 if name in groups["hair"] else 1
        moved, stayed = [], []
        for i in range(n):
            said = after[i, column] >= 0.5
            if y1[i, k] != y2[i, k] and transfer[i, group]:
                moved.append(said == bool(y2[i, k]))
            else:
                stayed.append(said == (before[i, column] >= 0.5))
        got = result.attributes[name]
        assert got.transferred.share == pytest.approx(np.mean(moved)) and got.transferred.count == len(moved)
        assert got.kept.share == pytest.approx(np.mean(stayed)) and got.kept.count == len(stayed)
        assert got.gained.count + got.lost.count == len(moved)

    hits = [
        HAIR[int(y2[i, :4].argmax())] == max(HAIR, key=lambda name, i=i: after[i, classifier.index(name)])
        for i in range(n)
        if transfer[i, 0] and y2[i, :4].sum() == 1 and (y1[i, :4] != y2[i, :4]).any()
    ]
    assert 10 < len(hits) < n  # the case is a real one
    assert result.groups[0].success.share == pytest.approx(np.mean(hits))
    assert result.groups[0].success.count == len(hits)


def test_identity_keeps_everything_and_transfers_what_the_classifier_gets_wrong(rng):
    before = rng.uniform(size=(50, 1))
    y1 = before >= 0.5  # a perfect classifier
    result = metrics(before, before, ("Smiling",), y1, ~y1, ("Smiling",), {"all": ("Smiling",)}, np.ones((50, 1)))
    assert result.transferred.share == 0 and result.transferred.count == 50
    assert result.kept.share is None and result.kept.count == 0 and result.kept.reason


def test_a_colour_that_the_model_does_not_know_may_change_with_the_others():
    """Brown becomes blond in a model of black and blond: that is no failure to keep Brown_Hair."""
    classifier = ("Black_Hair", "Blond_Hair", "Brown_Hair")
    before, after = [[NO, NO, YES]] * 2, [[NO, YES, NO]] * 2
    result = metrics(
        before, after, classifier, [[0, 0]] * 2, [[0, 1]] * 2, classifier[:2], {"all": classifier[:2]}, [[1], [0]]
    )  # fmt: skip
    brown = result.attributes["Brown_Hair"].kept
    assert (brown.share, brown.count) == (0, 1)  # only the pair that transferred nothing counts


def test_what_the_classifier_does_not_know_is_none_with_a_reason():
    names = ("Black_Hair", "Blond_Hair")
    result = metrics([[YES]], [[NO]], names[:1], [[1, 0]], [[0, 1]], names, {"all": names}, [[1]])
    blond = result.attributes["Blond_Hair"]
    assert blond.transferred.share is None and blond.kept.share is None
    assert blond.kept.reason == "the classifier does not know Blond_Hair"
    assert result.groups[0].success.share is None and "Blond_Hair" in result.groups[0].success.reason
    assert result.attributes["Black_Hair"].transferred.share == 1


def test_exemplars_with_several_colours_or_none_are_no_group_success_case():
    names = ("Black_Hair", "Blond_Hair")
    result = metrics(
        [[YES, NO]] * 2, [[NO, YES]] * 2, names, [[1, 0]] * 2, [[1, 1], [0, 0]], names, {"all": names}, [[1]] * 2
    )
    assert result.groups[0].success.share is None and result.groups[0].success.count == 0


def test_a_family_of_the_callers_own():
    names = ("Young", "Old")
    result = metrics(
        [[YES, NO]], [[NO, YES]], names, [[1, 0]], [[0, 1]], names, {"all": names}, [[1]], families={"age": names}
    )
    assert result.groups[0].family == "age" and result.groups[0].success.share == 1


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"outputs_found": np.zeros((3, 1))}, r"judged must be \(2, 1\); received \(3, 1\)"),
        ({"y2": np.zeros((2, 3))}, r"labels must be \(2, 1\)"),
        ({"transfer": np.zeros((2, 2))}, r"transfer must be \(2, 1\)"),
        ({"groups": {"all": ("Male",)}}, "groups must partition"),
        ({"inputs_found": np.full((2, 1), np.nan)}, "finite"),
    ],
)
def test_what_does_not_fit_is_refused(changed, message):
    good = {
        "inputs_found": np.zeros((2, 1)), "outputs_found": np.zeros((2, 1)), "classifier_names": ("Smiling",),
        "y1": np.zeros((2, 1)), "y2": np.ones((2, 1)), "label_names": ("Smiling",), "groups": {"all": ("Smiling",)},
        "transfer": np.ones((2, 1)),
    }  # fmt: skip
    attribute_metrics(**good)
    with pytest.raises(ValueError, match=message):
        attribute_metrics(**(good | changed))
