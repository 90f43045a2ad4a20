"""Which attributes a translation has taken over, and which it has kept, by an independent attribute classifier."""

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
      transferred: among pairs that differ in it and whose transfer includes its group, the classifier
        gives the translation the exemplar's label.
      gained, lost: the same for exemplars that have the attribute, and for those that have not.
      kept: among all other pairs, the classifier's answer is the one that it gives to the untranslated input.
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
        one of the labels, the classifier's most probable one of `labels` is the exemplar's.
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
    inputs_found: np.ndarray, outputs_found: np.ndarray, classifier_names: Sequence[str],
    y1: np.ndarray, y2: np.ndarray, label_names: Sequence[str], groups: Mapping[str, Sequence[str]],
    transfer: np.ndarray,
    families: Mapping[str, Sequence[str]] = FAMILIES,
) -> AttributeMetrics:  # fmt: skip
    """Compare the classifier's answers on N translations with what the exemplars' labels ask for.

    An answer is yes from a probability of 0.5 on. An attribute that the classifier knows and the model does not
    (Smiling for a model of hair) should be kept in every pair; but where it belongs to a family of which the transfer
    includes other labels (Brown_Hair for a model of black and blond), it may rightly change, and those pairs are left
    out.

    Args:
      inputs_found, outputs_found: the classifier's probabilities (N, J) for inputs and for their translations.
      classifier_names: its J labels.
      y1, y2: labels (N, K) in {0, 1} of inputs and exemplars.
      label_names: the model's K labels.
      groups: group name -> its labels, a partition of label_names, in the order of transfer's columns.
      transfer: (N, G) in {0, 1}, the groups that each translation took from its exemplar.
      families: name -> mutually exclusive labels.

    Raises ValueError for shapes or names that do not fit together.
    """
    asked = _ClassifiedPairs(
        np.asarray(inputs_found), np.asarray(outputs_found), tuple(classifier_names), np.asarray(y1) >= 0.5,
        np.asarray(y2) >= 0.5, tuple(label_names), groups, np.asarray(transfer) >= 0.5, families,
    )  # fmt: skip
    asked.check()
    attributes: dict[str, AttributeResult] = {}
    right: list[np.ndarray] = [np.zeros(0, bool)]  # one array of cases for each attribute
    stayed: list[np.ndarray] = [np.zeros(0, bool)]
    for name in (*asked.label_names, *(j for j in asked.classifier_names if j not in asked.label_names)):
        in_model = name in asked.label_names
        if name not in asked.classifier_names:
            unknown = Share(None, 0, f"the classifier does not know {name}")
            attributes[name] = AttributeResult(name, in_model, unknown, unknown, unknown, unknown)
            continue
        shares = [Share(None, 0, f"the model does not know {name}")] * 3
        if in_model:
            correct, has, differ = asked.transferred(name)
            shares = [_share(correct[part], "no pair asks for it") for part in (differ, differ & has, differ & ~has)]
            right.append(correct[differ])
        stayed.append(asked.stayed(name))
        kept = _share(stayed[-1], "every pair asks for a change of it or of its family")
        attributes[name] = AttributeResult(name, in_model, shares[0], shares[1], shares[2], kept)
    return AttributeMetrics(
        attributes, _group_results(asked),
        _share(np.concatenate(right), "no pair asks for a change that the classifier knows"),
        _share(np.concatenate(stayed), "no attribute that should be kept"),
    )  # fmt: skip


@dataclasses.dataclass(frozen=True)
class _ClassifiedPairs:
    """The arguments of `attribute_metrics`; labels and transfer as booleans."""

    before: np.ndarray
    after: np.ndarray
    classifier_names: tuple[str, ...]
    truth1: np.ndarray
    truth2: np.ndarray
    label_names: tuple[str, ...]
    groups: Mapping[str, Sequence[str]]
    given: np.ndarray
    families: Mapping[str, Sequence[str]]

    def check(self) -> None:
        """Raise ValueError for shapes or names that do not fit together."""
        n, labels, judged = len(self.before), len(self.label_names), len(self.classifier_names)
        for name, array, width in (
            ("judged", self.before, judged), ("judged", self.after, judged), ("labels", self.truth1, labels),
            ("labels", self.truth2, labels), ("transfer", self.given, len(self.groups)),
        ):  # fmt: skip
            if array.shape != (n, width):
                raise ValueError(f"{name} must be ({n}, {width}); received {array.shape}")
        if sorted(label for labels in self.groups.values() for label in labels) != sorted(self.label_names):
            raise ValueError(f"groups must partition the labels {self.label_names}; received {dict(self.groups)}")
        if not (np.isfinite(self.before).all() and np.isfinite(self.after).all()):
            raise ValueError("the classifier's probabilities are not all finite")

    def group_of(self, label: str) -> int:
        """The column of transfer that a label's group has."""
        return next(g for g, labels in enumerate(self.groups.values()) if label in labels)

    def transferred(self, label: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each pair (N,): the classifier sees the exemplar's label, the exemplar has it, a change is asked for."""
        k = self.label_names.index(label)
        has: np.ndarray = self.truth2[:, k]
        correct: np.ndarray = (self.after[:, self.classifier_names.index(label)] >= 0.5) == has
        return correct, has, (self.truth1[:, k] != has) & self.given[:, self.group_of(label)]

    def stayed(self, name: str) -> np.ndarray:
        """Whether the classifier's answer is as it was, for each pair in which nothing asks for a change of it."""
        if name in self.label_names:
            others: np.ndarray = ~self.transferred(name)[2]
        else:
            family = {r for labels in self.families.values() if name in labels for r in labels}
            columns = sorted({self.group_of(r) for r in family if r in self.label_names})
            others = np.logical_not(self.given[:, columns].any(axis=1))
        j = self.classifier_names.index(name)
        return ((self.after[:, j] >= 0.5) == (self.before[:, j] >= 0.5))[others]


def _group_results(asked: _ClassifiedPairs) -> tuple[GroupResult, ...]:
    """One result for each family that has at least two labels in a group."""
    results = []
    for g, (group, members) in enumerate(asked.groups.items()):
        for family, exclusive in asked.families.items():
            labels = tuple(label for label in members if label in exclusive)
            if len(labels) < 2:
                continue
            unknown = [label for label in labels if label not in asked.classifier_names]
            if unknown:
                success = Share(None, 0, f"the classifier does not know {', '.join(unknown)}")
            else:
                columns = [asked.label_names.index(label) for label in labels]
                one, two = asked.truth1[:, columns], asked.truth2[:, columns]
                differ = asked.given[:, g] & (one != two).any(axis=1) & (two.sum(axis=1) == 1)
                said = asked.after[:, [asked.classifier_names.index(label) for label in labels]].argmax(axis=1)
                success = _share((said == two.argmax(axis=1))[differ], "no pair asks for exactly one of them")
            results.append(GroupResult(group, family, labels, success))
    return tuple(results)


def _share(cases: np.ndarray, reason: str) -> Share:
    """The share of True; `reason` says why where there are no cases."""
    return Share(float(cases.mean()), len(cases)) if len(cases) else Share(None, 0, reason)
