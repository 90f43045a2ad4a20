"""The protocol: what a configuration may ask of a method, and a sixth method in a room of the test's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lomit_tf import compare_all, zoo
from lomit_tf.commands import Failure, compare_all_flags, compared_runs
from lomit_tf.commands import flags as run_flags
from lomit_tf.config import PAPER_ATTRIBUTES, ConfigError, LomitConfig
from lomit_tf.evaluation.metrics.intervals import frechet_interval, kernel_interval
from lomit_tf.evaluation.metrics.realism import frechet_distance, squared_mmd
from lomit_tf.runtime.only_one import only_one
from lomit_tf.settings import methods
from lomit_tf.training import budget_record, processor_budget
from lomit_tf.training import loop as training
from lomit_tf.training.callbacks import TrainingError
from lomit_tf.training.checkpoints import Workdir

ROOT = Path(__file__).parents[2]

# The whole of a method: it moves every pixel by one learned number times the difference of the pictures' mean colours.
ROOM = """
from lomit_tf.settings.methods import Facts

FACTS = Facts(
    title="Tint", paper="this test", takes="either", has_masks=False, exemplar="its mean colour",
    uses_exemplar_style=True, changes_whole_picture=True, sizes={"authors": 1, "small": 1},
)


def model_class():
    import keras
    from keras import ops

    from lomit_tf.baselines.base import Baseline
    from lomit_tf.losses.reconstruction import l1

    class Amount(keras.layers.Layer):
        def build(self, *shapes):
            self.amount = self.add_weight(shape=(3,), initializer="zeros", name="amount")

        def call(self, image, exemplar):
            return image + self.amount * ops.mean(exemplar - image, axis=(1, 2), keepdims=True)

    class Tint(Baseline):
        facts = FACTS

        def make_generator(self):
            return Amount()

        def make_critics(self):
            return {}

        def call_generator(self, generator, image, labels):
            return generator(image, image)

        def call_critics(self, image, labels):
            return image

        def rate(self, side):
            return 0.1

        def train_step(self, data):
            x1, x2 = data["x1"][:, 0], data["x2"][:, 0]

            def loss():
                moved = ops.mean(self.generator(x1, x2), axis=(1, 2))
                total = l1(moved, ops.mean(x2, axis=(1, 2)))
                return total, {"colour": total}

            logs = self.update("generator", loss)
            self.update_average()
            return logs

        def translated(self, image, exemplar, labels, image_labels):
            return {"image": self.inference_generator(image, exemplar)}

    return Tint
"""


def test_a_sixth_method_is_a_room_and_a_line(tmp_path, monkeypatch):
    (tmp_path / "tint_room.py").write_text(ROOM)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(methods.ROOMS, "tint", "tint_room")
    config = LomitConfig.create(
        method="tint", image_size=64, crop=0, attributes=("Black_Hair", "Smiling"), train_images=16, batch_size=2,
        steps=20, log_every=10, sample_every=0,
    )  # fmt: skip
    assert config.training.n_critic == 1  # the method's own, and not --n_critic
    training.train(config, tmp_path / "run")
    model = zoo.load(tmp_path / "run")
    assert type(model).__name__ == "Tint"
    grey, white = np.zeros((1, 64, 64, 3), "float32"), np.ones((1, 64, 64, 3), "float32")
    moved = np.asarray(model.translate(grey, white)["image"])
    assert 0.3 < moved.mean() < 1  # it has learned to follow the exemplar's colour, from 0
    np.testing.assert_allclose(np.asarray(model.translate(grey, grey)["image"]), grey)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"method": "stargam"}, ["--method='stargam' is unknown", "did you mean stargan"]),
        ({"method": "stargan", "method_size": "large"}, ["--method_size='large' is no size of --method=stargan"]),
        ({"method_size": "small"}, ["--method_size=small is for the other methods", "use --preset=small"]),
        ({"method": "elegant", "dataset": "two_domains"}, ["--method=elegant needs images with labels", "two domains"]),
        ({"method": "stargan", "init_from": "celeba_small"}, ["--init_from needs --method=lomit"]),
        (
            {"method": "aggan", "attributes": PAPER_ATTRIBUTES},
            ["--method=aggan knows two domains and no labels", "received --attributes=Black_Hair,Blond_Hair"],
        ),
    ],
)
def test_what_a_method_cannot_take_is_said_in_one_line(fields, words):
    with pytest.raises(ConfigError) as error:
        LomitConfig.create(**fields)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_critic_updates_that_a_method_fixes_are_refused_on_the_command_line(tmp_path):
    flagfile = tmp_path / "lomit.cfg"
    flagfile.write_text("--n_critic=2\n--domains=Black_Hair | Blond_Hair\n")
    given = [f"--flagfile={flagfile}", "--method=drit"]
    assert run_flags.parse(given).config.training.n_critic == 3  # a flagfile's is LOMIT's
    assert run_flags.parse([*given, "--n_critic=3"]).config.training.n_critic == 3
    with pytest.raises(ConfigError, match="--n_critic=2: a step of --method=drit takes 3"):
        run_flags.parse([*given, "--n_critic=2"])
    assert run_flags.parse([f"--flagfile={flagfile}", "--method=stargan", "--n_critic=4"]).config.training.n_critic == 4


def test_every_methods_facts_are_whole():
    for name in methods.ROOMS:
        found = methods.facts(name)
        assert found.title and found.paper and found.exemplar and found.takes in ("labels", "domains", "either")
        assert name == methods.DEFAULT or {"authors", "small"} <= set(found.sizes)
        assert found.has_masks or any("mask" in sentence for sentence in found.cannot)


def test_intervals_hold_the_distance_and_do_not_compare_an_image_with_itself(rng):
    a, b = rng.normal(size=(60, 5)), rng.normal(0.8, 1, size=(50, 5))
    value, low, high = kernel_interval(a, b, resamples=300)
    assert value == pytest.approx(squared_mmd(a, b)) and low < value < high
    near, _, upper = kernel_interval(a, rng.normal(size=(60, 5)), resamples=300)
    assert near < low and upper < high  # of one kind: 0 is within reach; of two kinds it is not
    assert low > 0
    value, low, high = frechet_interval(a, b, resamples=40)
    assert value == pytest.approx(frechet_distance(a, b)) and 0 <= low < high
    plain = [frechet_distance(a[i], b[j]) for i, j in zip(rng.integers(0, 60, (40, 60)), rng.integers(0, 50, (40, 50)),
                                                          strict=True)]  # fmt: skip
    assert np.mean(plain) > value and low < value  # repeated images raise it; the basic interval reaches below


def test_compare_all_checks_every_method_before_it_trains(monkeypatch):
    flags = compare_all.parse(["--methods=lomit,stargan", "--minutes=2"])[0]
    configs = [compare_all_flags.config_of(flags, method) for method in flags.chosen]
    assert [c.model.method for c in configs] == ["lomit", "stargan"] and configs[1].model.method_size == "small"
    assert len({(c.data.image_size, c.data.domains, c.data.attributes) for c in configs}) == 1
    with pytest.raises(ConfigError, match=r"--methods: 'stargam' is unknown"):
        compare_all.parse(["--methods=stargam"])
    with pytest.raises(ConfigError, match="--minutes must be greater than 0"):
        compare_all.parse(["--minutes=0"])


@pytest.mark.parametrize("given, expected", [([], [4, 4, 1]), (["--settings=--batch_size=2"], [2, 2, 2])])
def test_batches_are_the_authors_where_theirs_are_smaller(given, expected):
    flags = compare_all.parse(["--methods=lomit,stargan,aggan", *given])[0]
    assert [compare_all_flags.config_of(flags, m).training.batch_size for m in flags.chosen] == expected


def test_a_failed_run_is_named_and_the_others_go_on(monkeypatch, tmp_path, capsys):
    """The processes are stood in for; what is tested is what becomes of their exit codes."""
    calls = []

    def child(command):
        calls.append(list(command))
        return 1 if "--only=stargan" in command else 0

    monkeypatch.setattr(compared_runs, "child", child)
    (tmp_path / "elegant").mkdir()
    (tmp_path / "elegant" / "budget.json").write_text('{"done": true, "budget": 1200.0, "planned": 9}')
    code = compare_all.run(["--methods=lomit,stargan,elegant", f"--out={tmp_path}"])
    assert code == 1
    assert [c[-1] for c in calls[:-1]] == ["--only=lomit", "--only=stargan"]  # the third was done before
    assert calls[-1][0] == "lomit_tf.compare" and f"--runs={tmp_path / 'lomit'},{tmp_path / 'elegant'}" in calls[-1]
    assert "--failed=stargan=its process ended with exit code 1" in calls[-1] and "--overwrite" in calls[-1]
    assert "stargan (2 of 3, 20 minutes of processor time each): failed" in capsys.readouterr().err


def finished(folder, flags, method, minutes=20.0):
    """A folder as of a run that has spent its time."""
    work = Workdir(folder / method)
    work.prepare(budget_record.planned_run(compare_all_flags.config_of(flags, method), 9))
    (work.checkpoints / "step-9.npz").write_bytes(b"")
    record = {"done": True, "budget": 60 * minutes, "planned": 9}
    (work.path / budget_record.RECORD).write_text(json.dumps(record))


@pytest.mark.parametrize(("flag", "words"), [
    ("--minutes=2", "that run was given 20 min, and 2 min are asked for; use another --out"),
    ("--settings=--image_size=128", "--image_size: was 64, now 128"),
    ("--settings=--batch_size=2", "--batch_size: was 4, now 2"),
    ("--size=authors", "--method_size: was 'small', now 'authors'"),
])  # fmt: skip
def test_a_finished_run_of_something_else_is_refused_before_anything_is_trained(
    monkeypatch, tmp_path, capsys, flag, words
):
    monkeypatch.setattr(compared_runs, "child", lambda command: pytest.fail(f"started {command}"))
    given = ["--methods=lomit,stargan", f"--out={tmp_path}"]
    finished(tmp_path, compare_all.parse(given)[0], "stargan")
    assert compare_all.run([*given, flag]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1 and said.rstrip().endswith("use another --out")
    assert "--workdir" not in said


@pytest.mark.parametrize(("given", "words"), [
    ("--out=FILE/x", "is a file, not a folder; name another folder"),
    ("--classifier=nowhere", "no classifier at nowhere"),
    ("--embedder=nowhere.tflite", "--embedder=nowhere.tflite: no such file"),
    ("--embedder_range=abc", "--embedder_range must be LOW,HIGH; received abc"),
    ("--settings=--data_dir=/nowhere/celeba", "--settings=--data_dir=/nowhere/celeba: there is no such folder"),
])  # fmt: skip
def test_what_would_fail_after_hours_is_refused_at_once(monkeypatch, tmp_path, capsys, given, words):
    monkeypatch.setattr(compared_runs, "child", lambda command: pytest.fail(f"started {command}"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert compare_all.run([given.replace("FILE", str(tmp_path / "file"))]) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks, and nothing is held there")
def test_two_commands_do_not_work_in_one_folder(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(compared_runs, "child", lambda command: 0)
    given = ["--methods=lomit,stargan", f"--out={tmp_path}"]
    with only_one("out", tmp_path):
        assert compare_all.run(given) == 2
    assert f"--out={tmp_path}: another command works in it" in capsys.readouterr().err
    assert compare_all.run(given) == 0  # and afterwards it is free


def test_a_finished_run_is_taken_with_the_shipped_judge(monkeypatch, tmp_path, capsys):
    calls = []
    monkeypatch.setattr(compared_runs, "child", lambda command: calls.append(command) or 0)
    given = ["--methods=lomit,stargan", f"--out={tmp_path}"]
    for method in ("lomit", "stargan"):
        finished(tmp_path, compare_all.parse(given)[0], method)
    assert compare_all.run(given) == 0
    assert [call[0] for call in calls] == ["lomit_tf.compare"] and "--classifier=drawn_faces_classifier" in calls[0]
    assert capsys.readouterr().err.count("done before") == 2


def test_a_judge_is_trained_where_no_shipped_one_knows_the_labels_and_is_not_taken_for_another(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(compared_runs, "child", lambda command: calls.append(command) or 0)
    monkeypatch.setattr(compared_runs, "shipped_classifiers", lambda: {})
    flags = compare_all.parse([f"--out={tmp_path}"])[0]
    assert compared_runs.judge(tmp_path / "classifier", flags) == str(tmp_path / "classifier")
    assert calls[0][0] == "lomit_tf.train_classifier" and "--image_size=64" in calls[0]
    (tmp_path / "classifier").mkdir()
    data = compare_all_flags.config_of(flags, "lomit").data
    record = {"dataset": data.dataset, "attributes": list(data.attributes), "image_size": 64, "crop": data.crop}
    (tmp_path / "classifier" / "classifier.json").write_text(json.dumps(record))
    assert compared_runs.judge(tmp_path / "classifier", flags) == str(tmp_path / "classifier") and len(calls) == 1
    (tmp_path / "classifier" / "classifier.json").write_text(json.dumps(record | {"image_size": 128}))
    with pytest.raises(ConfigError, match="image_size was 128, now 64"):
        compared_runs.judge(tmp_path / "classifier", flags)


def test_a_folder_that_cannot_be_made_is_a_reason_in_the_table(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(compared_runs, "child", lambda command: calls.append(list(command)) or 0)
    (tmp_path / "stargan").write_text("a file")
    assert compare_all.run(["--methods=lomit,stargan", f"--out={tmp_path}", "--classifier=drawn_faces_classifier"]) == 1
    assert f"--failed=stargan={tmp_path / 'stargan'}: File exists" in calls[-1]


def test_what_ends_a_training_is_kept_for_the_table(monkeypatch, tmp_path):
    def train_for(config, folder, seconds):
        raise TrainingError("step 7: not finite: critic/total=nan")

    monkeypatch.setattr(processor_budget, "train_for", train_for)
    flags = compare_all.parse(["--only=munit", f"--out={tmp_path}"])[0]
    with pytest.raises(Failure, match="step 7: not finite"):
        compared_runs.train_one(flags, "munit")
    monkeypatch.setattr(compared_runs, "child", lambda command: 1)
    assert compared_runs.trained(tmp_path / "munit", []) == "TrainingError: step 7: not finite: critic/total=nan"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="signals between processes as on Linux and macOS")
def test_a_signal_is_handed_on_and_the_command_waited_for(tmp_path, monkeypatch):
    """A stand-in for a training: it takes a while to save after SIGTERM, or after its parent is gone."""
    (tmp_path / "saves.py").write_text(
        "import pathlib, signal, sys, time\n"
        "from lomit_tf.runtime import children\n"
        "def save(*_):\n    time.sleep(0.3)\n    pathlib.Path(sys.argv[1]).write_text('saved')\n    sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, save)\n"
        "children.end_with_parent()\n"
        "pathlib.Path(sys.argv[1]).write_text('ready')\n"
        "time.sleep(60)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    marker = tmp_path / "marker"

    def parent():  # in a process of its own, as the signals are
        # Whoever started the tests in the background may have SIGINT ignored.
        heard = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        code = f"{heard}from lomit_tf.runtime.children import child\nchild(['saves', {str(marker)!r}])"
        return subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)

    for number in (signal.SIGINT, signal.SIGKILL):
        process = parent()
        wait_for(marker, "ready")
        process.send_signal(number)
        assert process.wait(timeout=30) != 0
        wait_for(marker, "saved")
        marker.unlink()


def wait_for(marker, text):
    end = time.monotonic() + 60
    while not (marker.exists() and marker.read_text() == text):
        assert time.monotonic() < end, f"{marker} never said {text}"
        time.sleep(0.05)
