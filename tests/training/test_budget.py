"""--minutes: how many steps a budget allows, that they are a run of that length, and what is said at its end."""

from __future__ import annotations

import functools
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from lomit_tf.config import ConfigError
from lomit_tf.evaluation.first_look import figures, first_look, this_python
from lomit_tf.model import Lomit
from lomit_tf.training import budget
from lomit_tf.training import loop as training
from lomit_tf.training.callbacks import ProgressBar
from lomit_tf.training.checkpoints import Workdir

DRAWN = {"dataset": "drawn_faces", "crop": 0, "train_images": 24, "sample_every": 0, "system": "recipe"}


class Machine:
    """A clock, and a run on it: so many seconds to build, for the first step, and for each other step."""

    def __init__(self, build: float, first: float, step: float) -> None:
        self.now, self.steps, self.costs = 100.0, 0, (build, first, step)

    def clock(self) -> float:
        return self.now

    def build(self):
        self.now += self.costs[0]
        return self.take, itertools.repeat(None)

    def take(self, element: None) -> None:
        self.now += self.costs[2 if self.steps else 1]
        self.steps += 1

    def fixed(self, config, minutes: float):
        return budget.fixed_steps(config, minutes, self.build, self.clock)


def test_the_steps_fill_what_measuring_and_compiling_leave(tiny):
    machine = Machine(build=6, first=10, step=0.8)
    config = machine.fixed(tiny(steps=2000), minutes=10)
    spent = machine.now - 100
    assert machine.steps == 1 + 23  # three hundredths of ten minutes, in steps of 0.8 s
    whole = spent + 6 + 10 + 0.8 * (config.training.steps - 1)
    assert 570 - 0.8 < whole <= 570  # a twentieth is left for grids, checkpoints and figures
    assert config.training.schedule_steps == config.training.steps
    assert config == tiny(steps=config.training.steps)  # nothing else changes


def test_measures_a_few_steps_however_slow_or_quick(tiny):
    slow, quick = Machine(1, 1, 60), Machine(1, 1, 1e-3)
    slow.fixed(tiny(steps=2000), minutes=20)
    quick.fixed(tiny(steps=2000), minutes=20)
    assert (slow.steps, quick.steps) == (1 + budget.LEAST, 1 + budget.MOST)


def test_never_more_steps_than_are_configured(tiny):
    assert Machine(1, 1, 0.1).fixed(tiny(steps=50, schedule_steps=70), minutes=10) == tiny(steps=50)


def test_too_short_a_budget_names_one_that_suffices(tiny):
    with pytest.raises(
        ConfigError, match=r"--minutes=1 is too short for 10 steps here; give --minutes=([\d.]+)"
    ) as raised:
        Machine(5, 20, 4).fixed(tiny(steps=2000), minutes=1)
    named = float(str(raised.value).split("give --minutes=")[1].split()[0])
    for busier in (1, 1.19):
        machine = Machine(5 * busier, 20 * busier, 4 * busier)
        assert machine.fixed(tiny(steps=2000), minutes=named).training.steps >= 10


class Quick(Lomit):
    """A step of the content encoder alone, which compiles in a second; the loop around it is the real one."""

    def train_step(self, data):
        variables = self.generator.content_encoder.trainable_variables
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(
                tf.square(self.generator.encode_content(data["x1"][:, 0])[0] - data["alpha"][0, 0, 0])
            )
        self.generator_optimizer.apply(tape.gradient(loss, variables), variables)
        return {"generator/total": loss}

    def samples(self, x1, x2):
        masks = np.ones((*x1.shape[:3], len(self.group_names) + 1), np.float32)
        pictures = dict.fromkeys(("x12", "x21", "x11", "x121"), x1)
        return {"x1": x1, "x2": x2, "m1": masks, "m2": masks} | pictures


def trained(config, folder: Path, **more: float):
    return training.train(config, folder, make_model=Quick, **more)


@pytest.fixture(scope="module")
def runs(tmp_path_factory, tiny):
    """A run with --minutes, measured for real on a clock that ticks at every look, and the same by --steps."""
    folder = tmp_path_factory.mktemp("budget")
    ticks = itertools.count()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "fixed_steps", functools.partial(budget.fixed_steps, clock=lambda: float(next(ticks))))
        short = trained(tiny(**DRAWN, steps=2000), folder / "minutes", minutes=0.25)
    plain = trained(tiny(**DRAWN, steps=short.step), folder / "steps")
    return short, plain


def arrays(folder: Path) -> dict[str, np.ndarray]:
    with np.load(Workdir(folder).latest) as file:
        return {name: file[name] for name in file.files if name != "record"}


def test_is_the_run_that_the_same_number_of_steps_gives(runs):
    short, plain = runs
    assert 10 <= short.step < 20
    one, other = arrays(short.workdir), arrays(plain.workdir)
    assert one.keys() == other.keys()
    for name, value in one.items():  # the order of sums within an operation is not fixed without --deterministic
        np.testing.assert_allclose(other[name], value, rtol=1e-3, atol=1e-5, err_msg=name)
    assert Workdir(short.workdir).saved() == Workdir(plain.workdir).saved()
    assert f"--steps={short.step}\n" in Workdir(short.workdir).flagfile.read_text()


def test_the_same_command_keeps_the_number(runs, tiny):
    short, _ = runs
    again = trained(tiny(**DRAWN, steps=2000), short.workdir, minutes=99)
    assert again.step == short.step
    with pytest.raises(ConfigError, match=r"--seed: was 0, now 3"):
        trained(tiny(**DRAWN, steps=2000, seed=3), short.workdir, minutes=99)


def test_ends_with_figures_and_how_to_go_on(runs):
    said = str(first_look(runs[0].workdir))
    for words in ("all: IoU of the mask", "change of the background", "untranslated", "flags.cfg --steps="):
        assert words in said


def test_commands_name_the_python_that_runs(tmp_path, monkeypatch):
    """In an environment that is not active, `python` is another one or none."""
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "env" / "bin" / "python"
    mine.parent.mkdir(parents=True)
    mine.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(mine))
    for path in ("", "/usr/bin:/bin"):
        monkeypatch.setenv("PATH", path)
        assert this_python() == str(Path("env/bin/python"))
    monkeypatch.setenv("PATH", str(mine.parent))
    assert this_python() == "python"
    (tmp_path / "an env").symlink_to(tmp_path / "env")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "an env" / "bin" / "python"))
    monkeypatch.setenv("PATH", "")
    assert this_python() == "'an env/bin/python'"  # as a shell takes it
    monkeypatch.setattr(sys, "executable", str(mine))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("PATH", "")
    assert this_python() == str(mine)


def test_figures_of_an_untouched_picture_are_those_of_the_whole_image(tiny):
    class Untouched:
        config, group_names = tiny(dataset="drawn_faces", crop=0), ("all",)

        def translate(self, image, exemplar):
            return {"image": image, "image_masks": tf.ones_like(image[..., :2])}

    rows = figures(Untouched(), pairs=24)
    found, whole = rows["all: IoU of the mask"].split(" (of the whole image: ")
    assert whole == f"{found})" and 0.05 < float(found) < 0.5
    after, before = rows["all: colour, from the exemplar's"].split(" of 0..1 (")
    assert before == f"{after} untranslated)"
    assert rows["change of the background"] == "0.0000 of 0..1"


def test_workers_are_refused(tiny, tmp_path):
    with pytest.raises(ConfigError, match=r"--minutes measures one machine; with --strategy=multi_worker give --steps"):
        training.train(tiny(**DRAWN, strategy="multi_worker"), tmp_path / "run", minutes=1)


def test_a_finished_run_does_not_say_that_it_compiles(capsys):
    for first, said in ((0, "compiling the first step\n"), (5, "")):
        ProgressBar(5, first, images_per_step=8, log_every=1).on_train_begin()
        assert capsys.readouterr().err == said
