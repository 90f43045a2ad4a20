"""StarGAN and ELEGANT through the whole frame: loop, resume, load, evaluation, comparison, export, translation."""

from __future__ import annotations

import json
import math
import shlex
import shutil
import signal
import time
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lomit_tf import compare, translate, user_study, zoo
from lomit_tf.baselines.elegant import facts as elegant
from lomit_tf.baselines.stargan import facts as stargan
from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.evaluation.metrics.attribute_classifier import AttributeClassifier, build_classifier
from lomit_tf.evaluation.metrics.attribute_classifier_config import ClassifierConfig
from lomit_tf.evaluation.options import Options
from lomit_tf.evaluation.run import evaluate
from lomit_tf.settings.methods import need_lomit
from lomit_tf.training import budget_record, processor_budget
from lomit_tf.training import loop as training
from lomit_tf.training.checkpoints import Workdir

RUN = {
    "image_size": 64, "crop": 0, "attributes": ("Black_Hair", "Smiling"), "train_images": 24, "batch_size": 2,
    "n_critic": 2, "steps": 4, "checkpoint_every": 2, "log_every": 2, "sample_every": 0, "method_size": "tiny",
    "pairing": "differing",
}  # fmt: skip
TINY = {"stargan": stargan.Sizes(4, 1, 3, 4, 3, first_norm=False), "elegant": elegant.Sizes((4, 4, 8, 8, 8), (4, 4))}
TERMS = {
    "stargan": ("critic/wasserstein", "critic/gradient_penalty", "critic/classification", "generator/cycle"),
    "elegant": ("critic/real", "critic/fake", "generator/adversarial", "generator/reconstruction"),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A finished run of each method, of four steps: method -> workdir."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(stargan.SIZES, "tiny", TINY["stargan"])
        patch.setitem(elegant.SIZES, "tiny", TINY["elegant"])
        for method in TINY:
            training.train(LomitConfig.create(method=method, **RUN), folder / method)
        yield {method: folder / method for method in TINY}


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return {name: file[name] for name in file.files if name != "record"}


@pytest.mark.slow
@pytest.mark.parametrize("method", TINY)
def test_a_run_leaves_what_lomits_leaves_and_is_loaded_by_its_method(runs, method):
    work = Workdir(runs[method])
    lines = [json.loads(line) for line in work.log.read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4]
    assert all(math.isfinite(line[name]) for line in lines for name in TERMS[method])
    with Image.open(work.samples / "step-000004.png") as grid:
        assert 64 < grid.width - 8 * 128 < 256 and grid.height == 6 * 128  # no rows of masks
    assert f"--method={method}" in work.flagfile.read_text()
    model = zoo.load(runs[method])
    assert model.facts.title.lower() == method and zoo.method_of(runs[method]) == method
    with pytest.raises(ConfigError, match=f"masks needs a model of --method=lomit; this one is of --method={method}"):
        need_lomit(model.config.model.method, "masks")
    before, after = (arrays(work.checkpoints / f"step-{n}.npz") for n in (2, 4))
    for part in ("generator", "average", "critic"):
        names = [name for name in after if name.startswith(f"{part}/")]
        assert names and any((before[name] != after[name]).any() for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("method", TINY)
def test_a_resumed_run_is_the_one_that_was_never_stopped(runs, method, tmp_path, uncompiled):
    again = tmp_path / "again"
    shutil.copytree(runs[method], again)
    (again / "checkpoints" / "step-4.npz").unlink()
    result = training.train(LomitConfig.create(method=method, **RUN), again, resume="must")
    assert result.step == 4
    whole, resumed = (arrays(path / "checkpoints" / "step-4.npz") for path in (runs[method], again))
    assert whole.keys() == resumed.keys()
    # The second run is not compiled and may sum in another order, and Adam turns that into parts of its step of 1e-4
    # where a gradient is nearly 0; a state that was not restored makes differences of whole steps.
    for name, value in whole.items():
        np.testing.assert_allclose(resumed[name], value, rtol=1e-4, atol=2e-5, err_msg=name)


@pytest.mark.slow
def test_evaluation_of_another_method(runs, tmp_path):
    options = Options(checkpoint=str(runs["elegant"]), out=str(tmp_path), pairs=4, copy_exemplar_colour=False)
    results = evaluate(options, "test")
    assert results.methods == ["elegant", "identity"]
    rows = {row.key: row for section in results.sections for row in section.rows}
    assert rows["reconstruction/cycle/l1"].values["elegant"] > 0
    assert rows["masks/all/iou"].reason["elegant"] == "it has no masks"
    with pytest.raises(ConfigError, match="--photograph_size=128 needs a run of --method=lomit"):
        evaluate(Options(checkpoint=str(runs["elegant"]), out=str(tmp_path), photograph_size=128), "test")


@pytest.mark.slow
def test_a_comparison_shows_every_method_and_what_failed(runs, tmp_path, capsys):
    out, judge = tmp_path / "page", tmp_path / "classifier"
    data = LomitConfig.create(method="elegant", **RUN).data
    record = {"attributes": data.attributes, "dataset": "drawn_faces", "held_out": {"per_attribute": {}}}
    AttributeClassifier(build_classifier(ClassifierConfig(data, width=2)), record).save(judge)
    given = [f"--runs={runs['stargan']},{runs['elegant']}", f"--out={out}", "--pairs=4", "--pictures=2"]
    given += [f"--classifier={judge}", "--resamples=20"]
    assert compare.run([*given, "--failed=munit=its losses were not finite"]) == 0
    results = json.loads((out / "results.json").read_text())
    assert results["methods"] == ["stargan", "elegant", "identity", "munit"]
    rows = {row["key"]: row for section in results["sections"] for row in section["rows"]}
    cost = rows["cost/parameters"]["values"]
    assert cost["stargan"] == sum(v.size for n, v in arrays(runs["stargan"] / "checkpoints/step-4.npz").items()
                                  if n.startswith("generator/"))  # fmt: skip
    assert all(row["reason"]["munit"] == "its losses were not finite" for row in rows.values())
    described = {row[0]: row for row in results["tables"][0]["rows"]}
    assert "no masks" in described["stargan"][-1] and described["elegant"][3] == "no"
    assert (out / "index.html").exists() and (out / "results.md").exists()
    for name in ("input", "exemplar", "stargan", "elegant"):
        assert len(list((out / "pictures" / name).glob("*.png"))) == 2
    # Realism by the classifier's features and not by its two answers; said in the table, and in a note what that means.
    intervals = next(table for table in results["tables"] if table["title"].startswith("Realism on"))
    assert "attribute classifier of drawn_faces, the layer before its answers" in intervals["title"]
    assert [row[0] for row in intervals["rows"]] == ["stargan", "elegant", "identity"]
    assert all(math.isfinite(row[1]) and row[2] <= row[3] for row in intervals["rows"])
    assert any("the classifier that also judges the labels" in note for note in results["notes"])
    # A user study takes the pictures, by the command that the page names.
    command = next(note for note in results["notes"] if "lomit_tf.user_study" in note).partition("user_study ")[2]
    assert user_study.run([*shlex.split(command)[:-1], f"--out={tmp_path / 'study.html'}", "--questions=2"]) == 0
    assert set(json.loads((tmp_path / "study.key.json").read_text())["methods"]) == {"stargan", "elegant"}
    with Image.open(out / "grids" / "all.png") as figure:
        assert 64 < figure.width - 4 * 128 < 256 and figure.height == 4 * 128  # inputs, exemplars, two methods
    capsys.readouterr()


def test_runs_of_other_data_are_refused_with_the_difference():
    from lomit_tf.evaluation.alike import check_alike, names_of

    first = LomitConfig.create(image_size=64, attributes=("Black_Hair",))
    check_alike({"a": first, "b": LomitConfig.create("small", image_size=64, attributes=("Black_Hair",), seed=3)})
    with pytest.raises(ConfigError, match="--image_size is 64 in a and 128 in b"):
        check_alike({"a": first, "b": LomitConfig.create(attributes=("Black_Hair",))})
    with pytest.raises(ConfigError, match=r"--attributes is \('Black_Hair',\) in a and \('Smiling',\) in b"):
        check_alike({"a": first, "b": LomitConfig.create(image_size=64, attributes=("Smiling",))})
    assert names_of({"runs/x": first, "runs/y z": first}) == {"runs/x": "lomit-x", "runs/y z": "lomit-y-z"}


@pytest.mark.slow
def test_the_saved_model_translates_as_the_keras_model_does(runs, tmp_path):
    from export import exporting
    from lomit_tf.config import ConfigError as Refused

    options = exporting.Options(str(runs["elegant"]), tmp_path / "exported", ("savedmodel",), ("none",), latency=False)
    report = exporting.export(options, lambda line: None)
    assert report["acceptance"][0]["holds"] and (tmp_path / "exported" / "saved_model" / "1").is_dir()
    with pytest.raises(Refused, match="--method=elegant is written as --formats=savedmodel alone"):
        exporting.export(exporting.Options(str(runs["elegant"]), tmp_path / "other", ("tflite",), ("none",)))


@pytest.mark.slow
def test_pictures_are_translated_at_the_models_size(runs, photo_folder, capsys):
    flags = [f"--model={runs['stargan']}", "--input=photos", "--exemplar=star.png", "--output=out"]
    assert translate.run(flags) == 0
    said = capsys.readouterr()
    assert "StarGAN paints the whole picture anew: written as 64 x 64 pixels" in said.err
    assert "3 written, 0 skipped" in said.out
    with Image.open("out/a.png") as image:
        assert image.size == (64, 64)
    assert translate.run([*flags, "--strength=0.5", "--overwrite"]) == 2
    assert "--strength needs a model of --method=lomit; this one is of --method=stargan" in capsys.readouterr().err


@pytest.mark.slow
def test_a_budget_of_processor_time_plans_a_run_and_is_not_spent_anew(runs, tmp_path, monkeypatch, uncompiled):
    monkeypatch.setattr(processor_budget, "measure", lambda config: {"first": 597.0, "step": 0.5, "image": 0.0})
    config = LomitConfig.create(method="elegant", **RUN)
    result = processor_budget.train_for(config, tmp_path, 600)
    record = budget_record.read_record(tmp_path)
    assert record["done"] and record["steps"] == result.step == record["planned"] == 7  # 597 + 6 * 0.5
    assert Workdir(tmp_path).saved().training.schedule_steps == 7  # so that every schedule ends where the run does
    spent = record["processor_seconds"]
    # As if it had been killed after step 6: what was spent until then stays spent, and what is left is one step.
    (tmp_path / "checkpoints" / "step-7.npz").unlink()
    record |= {"done": False, "steps": 6, "processor_seconds": 100.0}
    (tmp_path / budget_record.RECORD).write_text(json.dumps(record))
    monkeypatch.setattr(processor_budget, "measure", lambda config: pytest.fail("measured a second time"))
    assert processor_budget.train_for(config, tmp_path, 600).step == 7
    assert 100 <= budget_record.read_record(tmp_path)["processor_seconds"] < 100 + spent  # compiling is not counted
    with pytest.raises(ConfigError, match="was given 10 min, and 2 min are asked for"):
        processor_budget.train_for(config, tmp_path, 120)


@pytest.mark.slow
def test_a_signal_while_steps_are_measured_ends_the_training_and_leaves_no_record(
    runs, tmp_path, monkeypatch, uncompiled
):
    """As Ctrl-C: the measured steps end, and the method is not trained after them."""

    class Clock(processor_budget._Clock):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            if batch == 2:
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(processor_budget, "_Clock", Clock)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
    try:
        with pytest.raises(KeyboardInterrupt):
            processor_budget.train_for(LomitConfig.create(method="elegant", **RUN), tmp_path / "run", 600)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not (tmp_path / "run").exists()


def test_steps_within_counts_compiling_and_every_image_once():
    cost = {"first": 30.0, "step": 2.0, "image": 0.0}
    assert processor_budget.steps_within(100, cost, images=1000, each=8) == 36  # 30 + 35 * 2
    assert processor_budget.steps_within(10, cost, images=1000, each=8) == 1
    few = processor_budget.steps_within(100, cost | {"image": 1.0}, images=20, each=8)
    assert few == 26  # after 26 steps of 8 draws each of the 20 images was seen: 30 + 25 * 2 + 20
    many = processor_budget.steps_within(100, cost | {"image": 0.25}, images=10**6, each=8)
    assert many == 18  # hardly one is drawn twice: 30 + 17 * 2 + 18 * 8 * 0.25 = 100


def test_a_run_that_costs_more_than_was_measured_ends_a_tenth_beyond_its_budget(tmp_path, monkeypatch):
    clock, model = [50.0], types.SimpleNamespace(stop_training=False)
    monkeypatch.setattr(time, "process_time", lambda: clock[0])
    record = {"budget": 100.0, "planned": 1000, "steps": 0, "processor_seconds": 0.0, "done": False}
    budget = processor_budget.Budget(tmp_path / "budget.json", record)
    budget.set_model(model)
    for step, now in enumerate((90.0, 140.0, 159.0)):
        clock[0] = now
        budget.on_train_batch_end(step)
    assert not model.stop_training  # 109 of 100 seconds
    clock[0] = 160.5
    budget.on_train_batch_end(3)
    assert model.stop_training
    budget.on_train_end()
    record = budget_record.read_record(tmp_path)
    assert record["done"] and record["steps"] == 4 and record["processor_seconds"] == 110.5
