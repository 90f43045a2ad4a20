"""Which attributes a translation has taken over, and which it has kept, by an independent judge's word."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# Labels of which a face has at most one, where the labels are right.
FAMILIES: Mapping[str, tuple[str, ...]] = {"hair_colour": ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")}


@dataclasses.dataclass(frozen=True)
class Share:
    """A share in 0..1 of `count` cases; None, with the reason, where there are none."""

    share: float | None
    count: int
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class AttributeResult:
    """What became of one attribute.

    Attributes:
      in_model: whether the model was trained on it.
      transferred: among pairs that differ in it and whose transfer includes its group, the judge gives the translation
        the exemplar's label.
      gained, lost: the same for exemplars that have the attribute, and for those that have not.
      kept: among all other pairs, the judge's answer is the one that it gives to the untranslated input.
    """

    name: str
    in_model: bool
    transferred: Share
    gained: Share
    lost: Share
    kept: Share


@dataclasses.dataclass(frozen=True)
class GroupResult:
    """Success on a family of mutually exclusive labels within one group.

    Attributes:
      success: among pairs that differ in the family, whose transfer includes the group and whose exemplar has exactly
        one of the labels, the judge's most probable one of `labels` is the exemplar's.
    """

    group: str
    family: str
    labels: tuple[str, ...]
    success: Share


@dataclasses.dataclass(frozen=True)
class AttributeMetrics:
    """All attributes, all families, and both shares over all attributes and pairs together."""

    attributes: dict[str, AttributeResult]
    groups: tuple[GroupResult, ...]
    transferred: Share
    kept: Share

    def as_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and numbers, for JSON."""
        return dataclasses.asdict(self)


def attribute_metrics(
    judged_inputs: np.ndarray,
    judged_outputs: np.ndarray,
    judge_names: Sequence[str],
    y1: np.ndarray,
    y2: np.ndarray,
    label_names: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    transfer: np.ndarray,
    families: Mapping[str, Sequence[str]] = FAMILIES,
) -> AttributeMetrics:
    """Compare the judge's answers on N translations with what the exemplars' labels ask for.

    An answer is yes from a probability of 0.5 on. An attribute that the judge knows and the model does not (Smiling
    for a model of hair) should be kept in every pair; but where it belongs to a family of which the transfer includes
    other labels (Brown_Hair for a model of black and blond), it may rightly change, and those pairs are left out.

    Args:
      judged_inputs, judged_outputs: the judge's probabilities (N, J) for inputs and for their translations.
      judge_names: its J labels.
      y1, y2: labels (N, K) in {0, 1} of inputs and exemplars.
      label_names: the model's K labels.
      groups: group name -> its labels, a partition of label_names, in the order of transfer's columns.
      transfer: (N, G) in {0, 1}, the groups that each translation took from its exemplar.
      families: name -> mutually exclusive labels.

    Raises ValueError for shapes or names that do not fit together.
    """
    judge_names, label_names = tuple(judge_names), tuple(label_names)
    before, after, y1, y2 = (np.asarray(a) for a in (judged_inputs, judged_outputs, y1, y2))
    truth1, truth2, given = y1 >= 0.5, y2 >= 0.5, np.asarray(transfer) >= 0.5
    n, expected = len(before), {"judged": len(judge_names), "labels": len(label_names), "transfer": len(groups)}
    for name, array in (("judged", before), ("judged", after), ("labels", y1), ("labels", y2), ("transfer", given)):
        if array.shape != (n, expected[name]):
            raise ValueError(f"{name} must be ({n}, {expected[name]}); received {array.shape}")
    if sorted(label for labels in groups.values() for label in labels) != sorted(label_names):
        raise ValueError(f"groups must partition the labels {label_names}; received {dict(groups)}")
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        raise ValueError("the judge's probabilities are not all finite")

    group_of = {label: g for g, labels in enumerate(groups.values()) for label in labels}
    attributes: dict[str, AttributeResult] = {}
    right: list[np.ndarray] = []  # one array of cases for each attribute
    stayed: list[np.ndarray] = []
    for name in (*label_names, *(j for j in judge_names if j not in label_names)):
        in_model = name in label_names
        if name not in judge_names:
            unknown = Share(None, 0, f"the judge does not know {name}")
            attributes[name] = AttributeResult(name, in_model, unknown, unknown, unknown, unknown)
            continue
        j = judge_names.index(name)
        answer1, answer = before[:, j] >= 0.5, after[:, j] >= 0.5
        if in_model:
            k = label_names.index(name)
            asked = (truth1[:, k] != truth2[:, k]) & given[:, group_of[name]]
            correct, has = answer == truth2[:, k], truth2[:, k]
            parts = [asked, asked & has, asked & ~has]
            shares = [_share(correct[part], "no pair asks for it") for part in parts]
            right.append(correct[asked])
            others = ~asked
        else:
            shares = [Share(None, 0, f"the model does not know {name}")] * 3
            relatives = {r for family in families.values() if name in family for r in family if r in label_names}
            others = ~given[:, sorted({group_of[r] for r in relatives})].any(axis=1)
        same = (answer == answer1)[others]
        stayed.append(same)
        kept = _share(same, "every pair asks for a change of it or of its family")
        attributes[name] = AttributeResult(name, in_model, shares[0], shares[1], shares[2], kept)

    return AttributeMetrics(
        attributes,
        _group_results(after, judge_names, truth1, truth2, label_names, groups, given, families),
        _share(np.concatenate([*right, np.zeros(0, bool)]), "no pair asks for a change that the judge knows"),
        _share(np.concatenate([*stayed, np.zeros(0, bool)]), "no attribute that should be kept"),
    )


def _group_results(
    after: np.ndarray,
    judge_names: tuple[str, ...],
    truth1: np.ndarray,
    truth2: np.ndarray,
    label_names: tuple[str, ...],
    groups: Mapping[str, Sequence[str]],
    given: np.ndarray,
    families: Mapping[str, Sequence[str]],
) -> tuple[GroupResult, ...]:
    """One result for each family that has at least two labels in a group."""
    results = []
    for g, (group, members) in enumerate(groups.items()):
        for family, exclusive in families.items():
            labels = tuple(label for label in members if label in exclusive)
            if len(labels) < 2:
                continue
            unknown = [label for label in labels if label not in judge_names]
            if unknown:
                success = Share(None, 0, f"the judge does not know {', '.join(unknown)}")
            else:
                columns = [label_names.index(label) for label in labels]
                one, two = truth1[:, columns], truth2[:, columns]
                asked = given[:, g] & (one != two).any(axis=1) & (two.sum(axis=1) == 1)
                said = after[:, [judge_names.index(label) for label in labels]].argmax(axis=1)
                success = _share((said == two.argmax(axis=1))[asked], "no pair asks for exactly one of them")
            results.append(GroupResult(group, family, labels, success))
    return tuple(results)


def _share(cases: np.ndarray, reason: str) -> Share:
    """The share of True; `reason` says why where there are no cases."""
    return Share(float(cases.mean()), len(cases)) if len(cases) else Share(None, 0, reason)
