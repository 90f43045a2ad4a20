"""compare(options): trained models of several methods, measured alike on one data set, as `Results`."""

from __future__ import annotations

import dataclasses
import functools
import json
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from lomit_tf import zoo
from lomit_tf.evaluation.alike import check_runs
from lomit_tf.evaluation.compare_options import CompareOptions
from lomit_tf.evaluation.metrics import measures
from lomit_tf.evaluation.metrics.attribute_classifier import AttributeClassifier
from lomit_tf.evaluation.metrics.cases import make_cases
from lomit_tf.evaluation.metrics.embedders import classifier_embedder, open_embedder
from lomit_tf.evaluation.metrics.intervals import frechet_interval, kernel_interval
from lomit_tf.evaluation.metrics.methods import Identity, Outputs, TrainedModel
from lomit_tf.evaluation.report.results import Grid, Results, Table
from lomit_tf.evaluation.run import Evaluation, Progress, data_config, open_split
from lomit_tf.settings.methods import Facts, facts
from lomit_tf.training.grid import draw_grid, picture, save_png

TIMED = 10  # translations whose time is measured
BUDGET = "budget.json"  # what `lomit_tf.compare_all` leaves in a run: processor seconds, steps


def compare(
    options: CompareOptions, command: str, progress: Progress = lambda what, share: None,
    load: Callable[[str], Any] = zoo.load,
) -> Results:  # fmt: skip
    """Measure all runs, write the figure and the pictures below `options.out`, and return what was found.

    Arguments and errors are those of `run.evaluate`; also ConfigError for runs that cannot be compared.
    """
    start, asked = time.monotonic(), options.evaluation()
    progress("reading the models", 0.0)
    models = {run: load(run) for run in options.runs}
    configs = {run: model.config for run, model in models.items()}
    lacking = options.failures()
    names = check_runs(configs, lacking)
    classifier = AttributeClassifier.load(options.classifier) if options.classifier else None
    embedder = classifier_embedder(classifier) if classifier else None
    if options.embedder:
        embedder = open_embedder(options.embedder, asked.embedder_bounds())
    config = data_config(configs[options.runs[0]], asked)
    dataset = options.dataset or config.dataset
    images = open_split(config, dataset, options.split)
    Path(options.out, "grids").mkdir(parents=True, exist_ok=True)
    progress("reading images", 0.02)
    groups = dict(config.group_labels)
    cases = make_cases(images, config, options.pairs, options.seed, groups, classifier)
    trained = [TrainedModel(models[run], names[run], options.batch_size) for run in options.runs]
    state = _Comparison(asked, command, progress, trained, cases, classifier, embedder, None, lacking)
    state.compared, state.runs = options, {names[run]: run for run in options.runs}
    found = state.run(images, dataset, start)
    found.title = f"{', '.join([*names.values(), *lacking])} on {dataset}"
    found.model = ", ".join(options.runs)
    return found


class _Comparison(Evaluation):
    """An evaluation of several models, with what only a comparison shows."""

    compared: CompareOptions
    runs: dict[str, str]  # column -> run

    def run(self, images: Any, dataset: str, start: float) -> Results:
        """As of Evaluation, after what each method is and costs."""
        self._costs()
        self.tables.append(describe({one.name: facts(one.model.config.model.method) for one in self.trained}))
        return super().run(images, dataset, start)

    def _costs(self) -> None:
        section = "Cost"
        self.scores.section(
            section,
            "Parameters of the networks that translate and of all that train; seconds of the clock for a training "
            "step, as the run's own log has them, and for the translation of one picture here: on a machine that does "
            "other work too they are more. Seconds of the processor count all threads and do not depend on that much.",
        )
        image = tf.constant(self.cases.input.images[:1]), tf.constant(self.cases.exemplar.images[:1])
        for one in self.trained:
            self.progress(f"{one.name}, time of a translation", 0.05)
            run, model = Path(self.runs[one.name]), one.model
            add = functools.partial(self.scores.add, section, method=one.name, better="")
            critics = sum(int(np.prod(v.shape)) for name, part in model.network_parts().items() for v in part
                          if name not in ("generator", "average"))  # fmt: skip
            generator = sum(int(np.prod(v.shape)) for v in model.generator.variables)
            add("cost/parameters", "parameters that translate", value=float(generator), digits=0)
            trained = float(generator + critics) if model.has_critic else None
            add("cost/trained", "parameters that train", value=trained, digits=0, reason="shipped without its critic")
            add("cost/step", "seconds for a step", value=seconds_of_a_step(run), better="lower", digits=3,
                reason="its log does not say")  # fmt: skip
            add("cost/translation", "seconds for a translation", value=seconds_of_a_translation(model, *image),
                better="lower", digits=4)  # fmt: skip
            spent, reason = budget_of(run), "its training was not given a budget"
            minutes = None if spent is None else spent.minutes
            add("cost/minutes", "processor minutes of training", value=minutes, digits=1, reason=reason)
            steps = None if spent is None else float(spent.steps)
            add("cost/steps", "training steps", value=steps, digits=0, reason=reason)
            each = None if spent is None else spent.step
            if spent is not None and spent.steps < spent.planned:
                self.notes.append(
                    f"{one.name} was ended after {spent.steps} of {spent.planned} steps, since they cost more than was "
                    "measured before it began: its schedules did not come to their end."
                )
            add("cost/processor", "processor seconds for a step", value=each, better="lower", digits=3, reason=reason)

    def _realism(self, outputs: dict[str, Outputs]) -> None:
        super()._realism(outputs)
        if self.embedder is None:
            return
        if not self.compared.embedder:
            self.notes.append(
                "Realism is measured on the features of the classifier that also judges the labels: pictures that it "
                "takes for others of the wanted labels are near to these. --embedder names another one."
            )
        real, resamples = self.embedder.features(self.cases.exemplar.images), self.compared.resamples
        rows: list[list[str | int | float | None]] = []
        for name, out in outputs.items():
            self.progress(f"{name}, resamples", 0.83)
            found = self.embedder.features(out.image)
            kernel = kernel_interval(real, found, resamples=resamples, seed=self.options.seed)
            frechet = frechet_interval(real, found, resamples=min(resamples, 50), seed=self.options.seed)
            rows.append([name, *kernel, *frechet])
        self.tables.append(
            Table(
                title=f"Realism on {self.embedder.name}, 95 % intervals",
                about=f"Bootstrap: {resamples} resamples of the images for the kernel distance, in which no image is "
                f"compared with itself, and {min(resamples, 50)} for the Frechet distance, whose interval is the basic "
                "one, 2 d minus the quantiles, since repeated images raise it.",
                columns=["method", "kernel distance", "from", "to", "Frechet distance", "from ", "to "],
                rows=rows,
            )
        )

    def _grid(self, s: measures.Selection, outputs: dict[str, Outputs]) -> None:
        """The paper's figure: inputs, exemplars, each method."""
        cases, n = self.cases, min(self.options.grid_pairs, len(self.cases))
        shown = {name: out for name, out in outputs.items() if name != Identity.name}
        rows = {"input": picture(cases.input.images[:n]), "exemplar": picture(cases.exemplar.images[:n])}
        rows |= {name: picture(out.image[:n]) for name, out in shown.items()}
        file = f"grids/{'_'.join(s.groups)}.png"
        save_png(draw_grid(rows), Path(self.options.out, file))
        about = f"The first {n} pairs: inputs, exemplars, and each method's translations."
        self.grids.append(Grid(title=f"Transfer of {s.name}", about=about, file=file))
        if self.compared.pictures and not s.name.startswith("only "):
            self._pictures(shown)

    def _pictures(self, shown: dict[str, Outputs]) -> None:
        """Folders that `lomit_tf.user_study` takes."""
        n, folder = min(self.compared.pictures, len(self.cases)), Path(self.options.out, "pictures")
        parts = {"input": self.cases.input.images, "exemplar": self.cases.exemplar.images}
        parts |= {name: out.image for name, out in shown.items()}
        for name, images in parts.items():
            place = folder / name
            place.mkdir(parents=True, exist_ok=True)
            for i, array in enumerate(picture(images[:n])):
                save_png(Image.fromarray(array), place / f"{i:04d}.png")
        if len(shown) < 2:
            return  # nothing to choose between
        chosen = " ".join(f"--method={name}={folder / name}" for name in shown)
        self.notes.append(
            f"For a user study: python -m lomit_tf.user_study make --input={folder / 'input'} "
            f"--exemplar={folder / 'exemplar'} {chosen} --out=study.html"
        )


def describe(methods: Mapping[str, Facts]) -> Table:
    """What each method is, and what it cannot do."""
    rows: list[list[str | int | float | None]] = [
        [
            name, f"{one.title}, {one.paper}", one.exemplar, "yes" if one.has_masks else "no",
            "the whole picture" if one.changes_whole_picture else "within its masks", " ".join(one.cannot) or "-",
        ]
        for name, one in methods.items()
    ]  # fmt: skip
    columns = ["method", "what it is", "the exemplar decides", "masks", "it changes", "what it cannot do"]
    return Table(title="The methods", about="As their papers describe them.", columns=columns, rows=rows)


def seconds_of_a_step(run: Path) -> float | None:
    """The median over the intervals of a run's log.jsonl; None where there are none."""
    try:
        lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    except (OSError, ValueError):
        return None
    found = [
        (b["seconds"] - a["seconds"]) / (b["step"] - a["step"])
        for a, b in pairwise(lines)
        if b["seconds"] > a["seconds"] and b["step"] > a["step"]
    ]
    return float(np.median(found)) if found else None


def seconds_of_a_translation(model: Any, image: Any, exemplar: Any) -> float:
    """The median of TIMED translations of one picture, compiled, after the first one."""
    function = tf.function(lambda x, e: model.translate(x, e)["image"], autograph=False)
    function(image, exemplar)
    times = []
    for _ in range(TIMED):
        start = time.perf_counter()
        function(image, exemplar).numpy()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


@dataclasses.dataclass(frozen=True)
class RunCost:
    """What a run with a budget took: processor minutes, and steps; `planned` are those that its schedules count on."""

    minutes: float
    steps: int
    planned: int

    @property
    def step(self) -> float:
        """Processor seconds for a step, with compiling the first one."""
        return 60 * self.minutes / max(1, self.steps)


def budget_of(run: Path) -> RunCost | None:
    """What a run that was given a budget took; None for others."""
    try:
        record = json.loads((run / BUDGET).read_text())
        return RunCost(record["processor_seconds"] / 60, int(record["steps"]), int(record["planned"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
