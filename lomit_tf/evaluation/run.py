"""evaluate(options): all metrics of a trained model and of the baselines on one data set, as `Results`."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lomit_tf import zoo
from lomit_tf.config import ConfigError, DataConfig, LomitConfig
from lomit_tf.data.image_set import DataError, ImageSet
from lomit_tf.evaluation.metrics import at_size, measures, realism
from lomit_tf.evaluation.metrics.attribute_classifier import AttributeClassifier
from lomit_tf.evaluation.metrics.attributes import AttributeMetrics
from lomit_tf.evaluation.metrics.cases import Cases, make_cases, open_images
from lomit_tf.evaluation.metrics.embedders import Embedder, open_embedder
from lomit_tf.evaluation.metrics.mask_quality import MaskQuality
from lomit_tf.evaluation.metrics.methods import CopyExemplarColour, Identity, Method, Outputs, TrainedModel
from lomit_tf.evaluation.metrics.scores import Scores
from lomit_tf.evaluation.metrics.segmenter import Segmenter, open_segmenter
from lomit_tf.evaluation.metrics.truth import regions_of
from lomit_tf.evaluation.options import MASK_SETS, Options
from lomit_tf.evaluation.report.results import Curve, Grid, Results, Table
from lomit_tf.settings.methods import DEFAULT
from lomit_tf.training.grid import draw_grid, mask_picture, picture, save_png

Progress = Callable[[str, float], None]


def data_config(config: LomitConfig, options: Options) -> DataConfig:
    """The model's image size, crop and labels on the data set to evaluate on."""
    dataset = options.dataset or config.data.dataset
    changes: dict[str, Any] = {"data_dir": options.data_dir or config.data.data_dir, "match": (), "pairing": "random"}
    if dataset in MASK_SETS:
        changes["crop"] = 0  # their framing is that of the crop already
    else:
        changes["dataset"] = dataset
        if dataset == "drawn_faces":
            changes |= {"data_dir": "", "crop": 0}
    return dataclasses.replace(config.data, **changes)


def open_split(config: DataConfig, dataset: str, split: str) -> ImageSet:
    """The split asked for; for "auto" the test split, or the validation split of a set that has no test images."""
    if split != "auto":
        return open_images(config, dataset, split)  # type: ignore[arg-type]
    try:
        return open_images(config, dataset, "test")
    except DataError:
        return open_images(config, dataset, "validation")


def evaluate(
    options: Options, command: str, progress: Progress = lambda what, share: None,
    load: Callable[[str], Any] = zoo.load,
) -> Results:  # fmt: skip
    """Measure, write grids below `options.out`, and return what was found.

    Args:
        options: see the class.
        command: the command line, for the report.
        progress: called with what is being done and the share done, 0..1.
        load: gives the model that `options.checkpoint` names.

    Raises ConfigError and DataError for what cannot be used, before any computation.
    """
    start = time.monotonic()
    progress("reading the model", 0.0)
    model = load(options.checkpoint)
    if options.photograph_size and model.config.model.method != DEFAULT:
        raise ConfigError(
            f"--photograph_size={options.photograph_size} needs a run of --method={DEFAULT}; that of "
            f"{options.checkpoint} is {model.config.model.method}, which translates at its own size alone"
        )
    classifier = AttributeClassifier.load(options.classifier) if options.classifier else None
    embedder = open_embedder(options.embedder, options.embedder_bounds()) if options.embedder else None
    segmenter = open_segmenter(options.segmenter) if options.segmenter else None
    config = data_config(model.config, options)
    dataset = options.dataset or config.dataset
    images = open_split(config, dataset, options.split)
    groups = dict(model.config.data.group_labels)
    Path(options.out, "grids").mkdir(parents=True, exist_ok=True)
    progress("reading images", 0.02)
    cases = make_cases(images, config, options.pairs, options.seed, groups, classifier)
    trained = [TrainedModel(model, batch_size=options.batch_size)]
    return Evaluation(options, command, progress, trained, cases, classifier, embedder, segmenter).run(
        images, dataset, start
    )


class Evaluation:
    """The state of one evaluation: what has been measured so far.

    Args:
        trained: the models, all of one size and of the same labels and groups; `comparison` gives several.
        lacking: more columns, of what could not be trained: name -> why.
    """

    def __init__(
        self, options: Options, command: str, progress: Progress, trained: Sequence[TrainedModel], cases: Cases,
        classifier: AttributeClassifier | None, embedder: Embedder | None, segmenter: Segmenter | None,
        lacking: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        model = trained[0].model
        self.options, self.command, self.progress, self.cases = options, command, progress, cases
        self.model, self.classifier, self.embedder, self.segmenter = model, classifier, embedder, segmenter
        self.groups = dict(model.config.data.group_labels)
        self.trained = list(trained)
        self.methods: list[Method] = [*trained]
        self.methods += [Identity()] if options.identity else []
        self.methods += [CopyExemplarColour()] if options.copy_exemplar_colour else []
        names = [m.name for m in self.methods] + ([segmenter.name] if segmenter else [])
        self.scores = Scores([*names, *(lacking or {})], lacking)
        self.notes: list[str] = []
        self.tables: list[Table] = []
        self.grids: list[Grid] = []
        self.curves: list[Curve] = []

    def run(self, images: ImageSet, dataset: str, start: float) -> Results:
        """Every measure of every method on the cases, which are from the set `images`; `start` is the clock then."""
        options, cases = self.options, self.cases
        selections = measures.selections(self.groups)
        judged = self.classifier.predict(cases.input.images) if self.classifier else None
        qualities: dict[str, dict[str, MaskQuality]] = {}
        steps, done = len(selections) * len(self.methods), 0
        for s in selections:
            outputs: dict[str, Outputs] = {}
            for method in self.methods:
                self.progress(f"{method.name}, {s.name}", 0.1 + 0.7 * done / steps)
                done += 1
                out = self._translated(method, s)
                if out is None:
                    continue
                outputs[method.name] = out
                if s is selections[0]:
                    qualities[method.name] = measures.measure_masks(self.scores, cases, self.groups, method.name, out)
                    measures.measure_reconstruction(self.scores, cases, method.name, out)
                measures.measure_background(self.scores, cases, self.groups, s, method.name, out)
                measures.measure_colour(self.scores, cases, self.groups, s, method.name, out)
                found = measures.measure_attributes(
                    self.scores, cases, self.groups, s, method.name, out, self.classifier, judged
                )
                if found is not None and isinstance(method, TrainedModel):
                    self._attribute_table(s, found, method.name if len(self.trained) > 1 else "")
            if s is selections[0]:
                self._realism(outputs)
            self._grid(s, outputs)
        self.progress("several exemplars", 0.85)
        for method in self.methods:
            if isinstance(method, CopyExemplarColour) and cases.input.regions is None:
                continue
            measures.measure_diversity(self.scores, cases, self.groups, method, options.seed)
        self._segmenter(qualities)
        if options.photograph_size:
            self.tables += at_size.tables(
                self.model, data_config(self.model.config, options), dataset, options.photograph_size, len(cases),
                lambda share: self.progress("photographs", 0.87 + 0.12 * share),
            )  # fmt: skip
        self.curves = measures.mask_curves(qualities)
        self._notes()
        self.progress("writing", 1.0)
        return Results(
            title=f"{Path(options.checkpoint).name} on {dataset}", command=self.command,
            date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), model=str(options.checkpoint),
            dataset=dataset, split=images.split, pairs=len(cases), seed=options.seed,
            image_size=int(cases.input.images.shape[1]), seconds=time.monotonic() - start, notes=self.notes,
            methods=self.scores.methods, sections=self.scores.sections(), tables=self.tables, curves=self.curves,
            grids=self.grids,
        )  # fmt: skip

    def _translated(self, method: Method, s: measures.Selection) -> Outputs | None:
        """The method's outputs; None, with a note, where it cannot be had."""
        cases, owned = self.cases, self.cases.owned(s.labels(self.groups))
        truths = cases.truth(owned), cases.truth(owned, "exemplar")
        try:
            transfer, labels = s.transfer(self.groups, len(cases)), cases.labels(self.model.config.data.label_names)
            return method(cases.input.images, cases.exemplar.images, transfer, *truths, labels)
        except ValueError as error:
            self.notes.append(f"{method.name}, {s.name}: not computed: {error}.")
            return None

    def _attribute_table(self, s: measures.Selection, found: AttributeMetrics, method: str = "") -> None:
        accuracy = self.classifier.record["held_out"]["per_attribute"] if self.classifier else {}
        rows, reasons = [], []
        for a in found.attributes.values():
            held_out = accuracy.get(a.name, {})
            rows.append(
                [a.name, a.transferred.share, a.transferred.count, a.gained.share, a.lost.share, a.kept.share,
                 a.kept.count, held_out.get("accuracy"), held_out.get("balanced_accuracy")]
            )  # fmt: skip
            reasons += [f"{a.name}: {x.reason}" for x in (a.transferred, a.kept) if x.share is None and x.reason]
        about = (
            "The share with the exemplar's label where the pair differs (and of those, where the exemplar has it or "
            "has it not), the share of answers kept elsewhere, and how good the classifier is on held-out images."
        )
        columns = [
            "attribute",
            "transferred",
            "of",
            "gained",
            "lost",
            "kept",
            "of ",
            "classifier's accuracy",
            "balanced",
        ]
        reason = "; ".join(dict.fromkeys(reasons)) or None
        title = f"Attributes, {s.name}" + (f", {method}" if method else "")
        self.tables.append(Table(title=title, about=about, columns=columns, rows=rows, reason=reason))

    def _realism(self, outputs: dict[str, Outputs]) -> None:
        section = "Realism"
        self.scores.section(
            section,
            "Distance between features of the translations and of the exemplars, which are real images of the target "
            "labels. The identity's value is the distance of two sets of real images. Only InceptionV3's is a FID.",
        )
        add = functools.partial(self.scores.add, section, better="lower")
        if self.embedder is None:
            reason = "no embedder: give --embedder=inception_v3 or a .tflite or .keras file"
            for name in outputs:
                add("realism/frechet", "Frechet distance", name, None, reason=reason)
                add("realism/kernel", "kernel distance", name, None, reason=reason)
            return
        self.progress("features of real images", 0.82)
        real = self.embedder.features(self.cases.exemplar.images)
        for name, out in outputs.items():
            found = realism.realism(real, self.embedder.features(out.image), self.embedder, seed=self.options.seed)
            count = found.translated_count
            add("realism/frechet", found.frechet_name, name, found.frechet, digits=2, count=count)
            add("realism/kernel", found.kernel_name, name, found.kernel.mean, digits=4, count=count)
        size = "x".join(map(str, found.input_size))
        self.notes.append(
            f"Realism: embedder {found.embedder}, {found.real_count} real and {found.translated_count} translated "
            f"images, resized to {size} with {found.resize_filter}; kernel distance over {found.kernel.subsets} "
            f"subsets of {found.kernel.subset_size}. {found.note}"
        )

    def _segmenter(self, qualities: dict[str, dict[str, MaskQuality]]) -> None:
        if self.segmenter is None:
            return
        self.progress("segmenter", 0.9)
        masks = self.segmenter.masks(self.cases.input.images)
        stacked = np.repeat(masks[..., None], len(self.groups), axis=-1)
        out = Outputs(self.cases.input.images, masks=stacked)
        name = self.segmenter.name
        qualities[name] = measures.measure_masks(self.scores, self.cases, self.groups, name, out)
        self.notes.append(f"segmenter: {Path(self.segmenter.path).name}, supervised, the same mask for every group.")

    def _grid(self, s: measures.Selection, outputs: dict[str, Outputs]) -> None:
        """Columns of pairs: input, true mask, mask, exemplar, its mask, every method's output."""
        cases, n = self.cases, min(self.options.grid_pairs, len(self.cases))
        rows = {"input": picture(cases.input.images[:n])}
        truth = cases.truth(cases.owned(s.labels(self.groups)))
        if truth is not None:
            rows["true mask"] = np.repeat((truth[:n, ..., None] * 255).astype(np.uint8), 3, axis=-1)
        trained = outputs[self.methods[0].name]
        for title, masks in (("its mask", trained.masks), ("exemplar", None), ("its mask ", trained.exemplar_masks)):
            if title == "exemplar":
                rows[title] = picture(cases.exemplar.images[:n])
            elif masks is not None:
                shown = masks[:n] * s.transfer(self.groups, n)[:, None, None, :]
                rows[title] = mask_picture(np.concatenate([shown, np.zeros_like(shown[..., :1])], axis=-1))
        for name, out in outputs.items():
            if name != "identity":
                rows[name.replace("_", "\n")] = picture(out.image[:n])
        file = f"grids/{'_'.join(s.groups)}.png"
        save_png(draw_grid(rows), Path(self.options.out, file))
        self.grids.append(Grid(title=f"Transfer of {s.name}", about=f"The first {n} pairs.", file=file))

    def _notes(self) -> None:
        cases = self.cases
        self.notes.append(f"Labels are from {cases.labels_from.value}.")
        lacking = regions_of(tuple(x for labels in self.groups.values() for x in labels))[1]
        if lacking and cases.input.regions is not None:
            self.notes.append(f"No region is known for {', '.join(lacking)}: they count in no true mask.")
        if len(cases) < self.options.pairs:
            self.notes.append(f"{self.options.pairs} pairs were asked for; the data set gives {len(cases)}.")
