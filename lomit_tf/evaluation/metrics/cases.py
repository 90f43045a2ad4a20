"""Which pairs an evaluation looks at: images, labels and true masks, the same for every method."""

from __future__ import annotations

import dataclasses
import enum

import numpy as np

from lomit_tf.config import DataConfig
from lomit_tf.data.image_set import DataError, ImageSet, Split
from lomit_tf.data.order import PairOrder, Purpose
from lomit_tf.data.preprocess import to_model_range
from lomit_tf.data.sources import labelled, open_set, with_domains
from lomit_tf.data.store import ImageStore
from lomit_tf.evaluation.metrics.attribute_classifier import AttributeClassifier
from lomit_tf.evaluation.metrics.truth import REGION_OF, open_mask_set, union
from lomit_tf.evaluation.options import MASK_SETS


class LabelSource(enum.Enum):
    """Where the labels of the pairs come from; the value is what the report says."""

    DATA_SET = "the data set"
    CLASSIFIER = "the attribute classifier"
    NONE = "none: pairs are formed without labels"


@dataclasses.dataclass(frozen=True)
class Side:
    """The inputs, or the exemplars, of N pairs."""

    images: np.ndarray  # (N, S, S, 3) float32 in [-1, 1]
    labels: np.ndarray | None  # (N, K) in {0, 1}; None where the set has none
    regions: np.ndarray | None  # (N, S, S, R) soft true masks in 0..1
    index: np.ndarray  # (N,) in the set


@dataclasses.dataclass(frozen=True)
class Cases:
    """N pairs. `labels_from` says whose the labels are."""

    input: Side
    exemplar: Side
    label_names: tuple[str, ...]
    region_names: tuple[str, ...]
    labels_from: LabelSource

    def __len__(self) -> int:
        return len(self.input.images)

    def labels(
        self, names: tuple[str, ...], first: np.ndarray | None = None, second: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray] | None:
        """Labels (N, K) of inputs and exemplars in the order of `names`; None where not all of them are known.

        `first` and `second` choose other pairs: positions of inputs and of exemplars.
        """
        mine, theirs = self.input.labels, self.exemplar.labels
        if mine is None or theirs is None or not set(names) <= set(self.label_names):
            return None
        columns = [self.label_names.index(name) for name in names]
        rows = [slice(None) if chosen is None else chosen for chosen in (first, second)]
        return mine[rows[0]][:, columns], theirs[rows[1]][:, columns]

    def owned(self, labels: tuple[str, ...]) -> np.ndarray | None:
        """Which regions the given labels own, for each pair (N, R); None where no region of theirs is known."""
        regions = {REGION_OF[x] for x in labels if x in REGION_OF}
        if self.input.regions is None or not regions & set(self.region_names):
            return None
        return np.tile(np.isin(self.region_names, list(regions)).astype(np.float32), (len(self), 1))

    def differing(self, labels: tuple[str, ...]) -> np.ndarray | None:
        """As `owned`, of the labels in which the pair differs; None without labels or regions."""
        if self.input.regions is None or self.input.labels is None or self.exemplar.labels is None:
            return None
        chosen = np.zeros((len(self), len(self.region_names)), np.float32)
        for name in labels:
            if REGION_OF.get(name) in self.region_names:
                k, r = self.label_names.index(name), self.region_names.index(REGION_OF[name])
                chosen[:, r] = np.maximum(chosen[:, r], self.input.labels[:, k] != self.exemplar.labels[:, k])
        return chosen if chosen.any() else None

    def truth(self, chosen: np.ndarray | None, side: str = "input") -> np.ndarray | None:
        """Union of the chosen regions (N, R) on one side: (N, S, S)."""
        regions = getattr(self, side).regions
        return None if chosen is None or regions is None else union(regions, chosen)


def open_images(config: DataConfig, dataset: str, split: Split) -> ImageSet:
    """A data set of training, or one of those that have masks only (`celebamask`, `horses`)."""
    return open_mask_set(config, dataset) if dataset in MASK_SETS else open_set(config, split)


def make_cases(
    images: ImageSet,
    config: DataConfig,
    count: int,
    seed: int,
    groups: dict[str, tuple[str, ...]],
    classifier: AttributeClassifier | None,
) -> Cases:
    """Pairs whose labels of the model's groups differ, drawn under a seed; inputs are used once as far as they last.

    Args:
        images: the set. Where it has no labels the classifier gives them, or pairs are any two images.
        config: size, crop and labels of the model that is evaluated.
        groups: its groups and their labels.
    """
    if images.label_names or classifier is None:
        known = LabelSource.DATA_SET if images.label_names else LabelSource.NONE
        return _draw(images, config, count, seed, known, None)
    if config.domains:
        names = labelled(config).attributes
        guessed = _classified(images, config, {"domains": names}, classifier)
        return _draw(with_domains(guessed, config), config, count, seed, LabelSource.CLASSIFIER, None)
    images = _classified(images, config, groups, classifier)
    # An image without any of the labels shows nothing to transfer; of a single one, to lack it is the other kind.
    usable: np.ndarray = np.any(images.labels, axis=1)
    some = len(images.label_names) > 1 and usable.sum() > 1
    return _draw(images, config, count, seed, LabelSource.CLASSIFIER, usable if some else None)


def _classified(
    images: ImageSet, config: DataConfig, groups: dict[str, tuple[str, ...]], classifier: AttributeClassifier
) -> ImageSet:
    """Images with the labels of the groups, as a classifier sees them. Raises DataError for labels that it lacks."""
    needed = tuple(x for group in groups.values() for x in group)
    missing = [x for x in needed if x not in classifier.label_names]
    if missing:
        raise DataError(f"--classifier does not know {', '.join(missing)}, which the model translates")
    everything, _ = _store(images, config).get(np.arange(len(images)))
    labels = labels_of(classifier.predict(np.asarray(to_model_range(everything))), classifier.label_names, groups)
    return dataclasses.replace(images, labels=labels, label_names=needed)


def _store(images: ImageSet, config: DataConfig) -> ImageStore:
    """Of the images as the model that is evaluated sees them."""
    return ImageStore(images, dataclasses.replace(config, flip=False), cache=False)


def labels_of(probabilities: np.ndarray, known: tuple[str, ...], groups: dict[str, tuple[str, ...]]) -> np.ndarray:
    """Labels (N, K) of the groups from a classifier's probabilities; of several hair colours only the likeliest."""
    columns = []
    for labels in groups.values():
        part = probabilities[:, [known.index(x) for x in labels]]
        chosen = part >= 0.5
        if len(labels) > 1 and all(x.endswith("_Hair") for x in labels):
            chosen &= part == part.max(axis=1, keepdims=True)
        columns.append(chosen)
    return np.concatenate(columns, axis=1).astype(np.float32)


def _draw(
    images: ImageSet, config: DataConfig, count: int, seed: int, labels_from: LabelSource, usable: np.ndarray | None
) -> Cases:
    order = PairOrder(images, "random", seed)
    rng = np.random.default_rng([seed, Purpose.SAMPLE])
    differ = images.domains is None and len(images.label_names) > 0 and bool((images.labels != images.labels[0]).any())
    first = order.walk(0, 0, count if usable is None else 4 * count)
    if usable is not None:
        first = first[usable[first]][:count]
    second = order.differing(first, rng) if differ else order.walk(1, 0, len(first))
    while usable is not None and not usable[second].all():
        again = ~usable[second]
        second[again] = order.differing(first[again], rng)
    pictures, actual = _store(images, config).get(np.concatenate([first, second]))
    sides = []
    for chosen in (slice(0, len(first)), slice(len(first), None)):
        index = actual[chosen]
        regions = None if images.read_masks is None else images.read_masks(index).astype(np.float32) / 255
        labels = images.labels[index] if images.label_names else None
        sides.append(Side(np.asarray(to_model_range(pictures[chosen])), labels, regions, index))
    return Cases(sides[0], sides[1], tuple(images.label_names), images.region_names, labels_from)
