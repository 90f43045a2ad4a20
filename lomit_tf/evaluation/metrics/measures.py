"""From cases and a method's outputs to rows: masks, background, colour, attributes, reconstruction, diversity."""

from __future__ import annotations

import dataclasses

import numpy as np

from lomit_tf.evaluation.metrics import differences as pictures
from lomit_tf.evaluation.metrics.attribute_classifier import AttributeClassifier
from lomit_tf.evaluation.metrics.attributes import AttributeMetrics, attribute_metrics
from lomit_tf.evaluation.metrics.cases import Cases, LabelSource
from lomit_tf.evaluation.metrics.mask_quality import THRESHOLDS, MaskQuality, mask_quality
from lomit_tf.evaluation.metrics.methods import Method, Outputs
from lomit_tf.evaluation.metrics.scores import Scores
from lomit_tf.evaluation.report.results import Better, Curve

NO_TRUTH = "this data set has no true masks of that region"
Groups = dict[str, tuple[str, ...]]


@dataclasses.dataclass(frozen=True)
class Selection:
    """Which groups are taken from the exemplar."""

    name: str
    groups: tuple[str, ...]

    def transfer(self, groups: Groups, count: int) -> np.ndarray:
        """(count, G) in {0, 1}."""
        return np.tile(np.array([g in self.groups for g in groups], np.float32), (count, 1))

    def labels(self, groups: Groups) -> tuple[str, ...]:
        """All labels of the chosen groups."""
        return tuple(x for g in self.groups for x in groups[g])


def selections(groups: Groups) -> list[Selection]:
    """All groups together, and each alone where there are several."""
    everything = Selection(" + ".join(groups), tuple(groups))
    return [everything] + ([Selection(f"only {g}", (g,)) for g in groups] if len(groups) > 1 else [])


def measure_masks(scores: Scores, cases: Cases, groups: Groups, method: str, out: Outputs) -> dict[str, MaskQuality]:
    """Rows of each group's mask; the qualities, for their curves."""
    section, found = "Masks", {}
    scores.section(
        section,
        "The input's masks against the true ones: for each pair the union of the regions that the attributes own in "
        "which it differs. IoU is the mean over images, average precision is over all pixels. The identity offers the "
        "whole image as its mask: what a mask that knows nothing would get.",
    )
    for g, (name, labels) in enumerate(groups.items()):
        chosen = cases.differing(labels)
        if chosen is None and cases.labels_from is LabelSource.NONE:
            chosen = cases.owned(labels)
        truth = cases.truth(chosen)
        quality, reason = None, NO_TRUTH
        if out.masks is None:
            reason = "it has no masks"
        elif truth is not None:
            quality = mask_quality(out.masks[..., g], truth)
            reason = "no image with that region"
        rows = {
            "iou": ("IoU at 0.5", quality.iou if quality else None),
            "best_iou": ("IoU at the best threshold", quality.best_iou if quality else None),
            "average_precision": ("average precision", quality.average_precision if quality else None),
        }
        for key, (metric, value) in rows.items():
            count = quality.count if quality else None
            scores.add(section, f"masks/{name}/{key}", f"{name}: {metric}", method, value, reason=reason, count=count)
        best = quality.best_threshold if quality else None
        scores.add(
            section,
            f"masks/{name}/best_threshold",
            f"{name}: best threshold",
            method,
            best,
            reason=reason,
            better="",
            digits=2,
        )
        mean = None if out.masks is None else float(out.masks[..., g].mean())
        scores.add(section, f"masks/{name}/mean", f"{name}: mean of the mask", method, mean, reason=reason, better="")
        if quality is not None:
            found[name] = quality
    return found


def measure_background(scores: Scores, cases: Cases, groups: Groups, s: Selection, method: str, out: Outputs) -> None:
    """Rows of what changed where nothing should."""
    section = "Background kept"
    scores.section(
        section,
        "Input against output where the true masks of the transferred groups are 0, without "
        f"{pictures.EDGE} pixels beside them.",
    )
    truth = cases.truth(cases.owned(s.labels(groups)))
    kept = None if truth is None else pictures.kept(cases.input.images, out.image, pictures.outside(truth))
    reason = NO_TRUTH if truth is None else "no background in any image"
    rows: dict[str, tuple[str, float | None, Better, int, str]] = {
        "error": ("mean absolute error (0..1)", kept.error if kept else None, "lower", 4, ""),
        "psnr": ("PSNR", kept.psnr if kept else None, "higher", 1, "dB"),
        "ssim": ("SSIM", kept.ssim if kept else None, "higher", 3, ""),
    }
    if kept is not None and np.isinf(kept.psnr):
        reason = "infinite: nothing changed"
    for key, (metric, value, better, digits, unit) in rows.items():
        scores.add(
            section, f"background/{s.name}/{key}", f"{s.name}: {metric}", method, value, reason=reason,
            better=better, digits=digits, unit=unit, count=kept.count if kept else None,
        )  # fmt: skip


def measure_colour(scores: Scores, cases: Cases, groups: Groups, s: Selection, method: str, out: Outputs) -> None:
    """Rows of how near each transferred region's mean colour comes to the exemplar's."""
    section = "Exemplar followed"
    scores.section(
        section,
        "Mean colour of the true region, output against exemplar, over pairs that differ in the group. The identity's "
        "value is the distance before translation.",
    )
    for name in s.groups:
        chosen = cases.owned(groups[name])
        mine, theirs = cases.truth(chosen), cases.truth(chosen, "exemplar")
        followed, reason = None, NO_TRUTH
        if mine is not None and theirs is not None:
            differ = np.ones(len(cases), bool)
            if cases.input.labels is not None and cases.exemplar.labels is not None:
                columns = [cases.label_names.index(x) for x in groups[name]]
                differ = (cases.input.labels[:, columns] != cases.exemplar.labels[:, columns]).any(axis=1)
            followed = pictures.colour_followed(
                out.image[differ], mine[differ], cases.exemplar.images[differ], theirs[differ]
            )
            reason = "no pair with that region in both images"
        count = followed.count if followed else None
        for key, metric, value, digits in (
            ("lab", "CIELAB distance", followed.lab if followed else None, 1),
            ("rgb", "mean absolute RGB difference (0..1)", followed.rgb if followed else None, 3),
        ):
            scores.add(
                section, f"colour/{s.name}/{name}/{key}", f"{s.name}: {name}, {metric}", method, value,
                reason=reason, better="lower", digits=digits, count=count,
            )  # fmt: skip


def measure_diversity(
    scores: Scores, cases: Cases, groups: Groups, method: Method, seed: int, inputs: int = 24, exemplars: int = 5
) -> None:
    """Rows of how much outputs differ over several exemplars of the same labels, beside how much those differ."""
    section, key = "Exemplar followed", "colour/diversity"
    metric = f"spread of the outputs' colours over {exemplars} exemplars of the same labels (CIELAB)"
    everything = tuple(groups)
    s = Selection(" + ".join(everything), everything)
    chosen = cases.owned(s.labels(groups))
    mine, theirs = cases.truth(chosen), cases.truth(chosen, "exemplar")
    if mine is None or theirs is None:
        scores.add(section, key, metric, method.name, None, reason=NO_TRUTH, better="", digits=1)
        return
    rng = np.random.default_rng([seed, 1])
    visible = (mine >= 0.5).any(axis=(1, 2)), (theirs >= 0.5).any(axis=(1, 2))
    picks: list[tuple[int, np.ndarray]] = []
    for i in np.flatnonzero(visible[0]):
        alike = visible[1].copy()
        if cases.exemplar.labels is not None:
            alike &= (cases.exemplar.labels == cases.exemplar.labels[i]).all(axis=1)
        if alike.sum() >= exemplars and len(picks) < inputs:
            picks.append((int(i), rng.choice(np.flatnonzero(alike), exemplars, replace=False)))
    if not picks:
        scores.add(
            section,
            key,
            metric,
            method.name,
            None,
            reason=f"no {exemplars} exemplars of the same labels",
            better="",
            digits=1,
        )
        return
    first = np.repeat([i for i, _ in picks], exemplars)
    second = np.concatenate([js for _, js in picks])
    out = method(
        cases.input.images[first],
        cases.exemplar.images[second],
        s.transfer(groups, len(first)),
        mine[first],
        theirs[second],
        cases.labels(tuple(x for labels in groups.values() for x in labels), first, second),
    )
    shape = (len(picks), exemplars, 3)
    spread = pictures.spread(pictures.mean_colours(out.image, mine[first]).reshape(shape))
    scores.add(section, key, metric, method.name, spread, better="higher", digits=1, count=len(picks))
    own = pictures.spread(pictures.mean_colours(cases.exemplar.images[second], theirs[second]).reshape(shape))
    for name in scores.methods:  # a property of the exemplars: the same beside every method
        if name in scores.lacking:
            continue
        scores.add(
            section, "colour/exemplar_spread", "the same of the exemplars themselves", name, own,
            better="", digits=1, count=len(picks),
        )  # fmt: skip


def measure_attributes(
    scores: Scores, cases: Cases, groups: Groups, s: Selection, method: str, out: Outputs,
    classifier: AttributeClassifier | None, inputs_found: np.ndarray | None,
) -> AttributeMetrics | None:  # fmt: skip
    """Rows of success and of what was kept, by the attribute classifier; the details per attribute."""
    section = "Attributes"
    scores.section(
        section,
        "By an independent classifier: the share of translations with the exemplar's label among pairs that differ in "
        "it, and the share of answers that stay as they were for all other attributes.",
    )
    reason = "no classifier: give a shipped one (celeba_classifier), or one that you trained, as --classifier"
    found = None
    if classifier is not None and inputs_found is not None:
        reason = "the data set has no labels"
        if cases.input.labels is not None and cases.exemplar.labels is not None:
            found = attribute_metrics(
                inputs_found, classifier.predict(out.image), classifier.label_names, cases.input.labels,
                cases.exemplar.labels,
                cases.label_names, groups, s.transfer(groups, len(cases)),
            )  # fmt: skip
    if found is None:
        for key, metric in (("transferred", "exemplar's label taken over"), ("kept", "other answers kept")):
            scores.add(section, f"attributes/{s.name}/{key}", f"{s.name}: {metric}", method, None, reason=reason)
        return None
    rows = [("transferred", "exemplar's label taken over", found.transferred)]
    rows += [
        (f"success/{r.group}/{r.family}", f"{r.group}: {r.family} of the exemplar", r.success)
        for r in found.groups
        if r.group in s.groups
    ]
    for a in found.attributes.values():
        if a.in_model and any(a.name in groups[g] for g in s.groups):
            rows.append((f"transferred/{a.name}", f"{a.name} of the exemplar", a.transferred))
    rows.append(("kept", "other answers kept", found.kept))
    for key, metric, share in rows:
        scores.add(
            section, f"attributes/{s.name}/{key}", f"{s.name}: {metric}", method, share.share,
            reason=share.reason, count=share.count,
        )  # fmt: skip
    return found


def measure_reconstruction(scores: Scores, cases: Cases, method: str, out: Outputs) -> None:
    """Rows of x11 and the cycle against the input."""
    section = "Reconstruction"
    scores.section(
        section, "x11: the input with its own styles, as the network paints all of it; cycle: there and back."
    )
    x1 = pictures.unit(cases.input.images)
    for key, name, image in (("x11", "x11", out.reconstruction), ("cycle", "cycle", out.cycle)):
        error = None if image is None else float(np.abs(pictures.unit(image) - x1).mean())
        squared = None if image is None else float(np.square(pictures.unit(image) - x1).mean())
        reason = "this method does not reconstruct" if image is None else "infinite: equal"
        scores.add(
            section,
            f"reconstruction/{key}/l1",
            f"{name}: L1 (0..1)",
            method,
            error,
            reason=reason,
            better="lower",
            digits=4,
        )
        value = None if squared is None else pictures.psnr(squared)
        scores.add(
            section, f"reconstruction/{key}/psnr", f"{name}: PSNR", method, value, reason=reason, digits=1, unit="dB"
        )


def mask_curves(found: dict[str, dict[str, MaskQuality]]) -> list[Curve]:
    """IoU against the threshold, and precision against recall, of method -> group -> quality."""
    names = [(m, g, q) for m, groups in found.items() for g, q in groups.items() if m != "identity"]
    if not names:
        return []
    iou = {f"{m}: {g}": np.stack([THRESHOLDS, q.iou_curve], 1).round(4).tolist() for m, g, q in names}
    recall = {f"{m}: {g}": _thinned(q.precision_recall).round(4).tolist() for m, g, q in names}
    return [
        Curve(title="IoU against the threshold", x_label="threshold", y_label="IoU", series=iou),
        Curve(title="Precision and recall", x_label="recall", y_label="precision", series=recall),
    ]


def _thinned(curve: np.ndarray, most: int = 100) -> np.ndarray:
    return curve[np.unique(np.linspace(0, len(curve) - 1, most).astype(int))]
