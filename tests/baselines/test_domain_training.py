"""MUNIT, DRIT and AGGAN through the whole loop: ten steps, what each system is about, exact resume, several devices.

One run of each, compiled once, serves all of these: its step is taken out of the loop and goes on from its checkpoints.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from lomit_tf.baselines.drit import losses as drit_losses
from lomit_tf.baselines.drit.model import Drit
from lomit_tf.config import LomitConfig
from lomit_tf.data.pairs import training_pairs
from lomit_tf.data.sources import open_set
from lomit_tf.settings import methods
from lomit_tf.training import loop as training
from lomit_tf.training.checkpoint_files import read
from lomit_tf.training.checkpoints import Workdir, assign
from tests.helpers.baselines_sizes import tiny_config

ROOT = Path(__file__).parents[2]
STEPS, SAVED = 10, 3  # phase 1 of AGGAN is the first three
TERMS = {
    "munit": ("critic/total", "generator/adversarial", "generator/image", "generator/style", "generator/cycle"),
    "drit": ("content_critic/accuracy", "random_critic/total", "generator/content", "generator/cross"),
    "aggan": ("critic/total", "generator/cycle", "attention/gradient_norm", "attention/a/mean"),
}
Step = Callable[[Any], dict[str, float]]


@dataclasses.dataclass
class Run:
    """A finished run, with its model and its compiled step."""

    workdir: Path
    model: Any
    step: Step
    content_weight: tf.Variable  # of DRIT's loss that hides the domain from the content critic

    def back_to(self, step: int) -> None:
        """Give the model all that the checkpoint of a step holds."""
        path = self.workdir / "checkpoints" / f"step-{step}.npz"
        assign(self.model.checkpoint_parts(), read(path), path)


def config_of(method: str, **fields: Any) -> LomitConfig:
    saved = {"checkpoint_every": SAVED, "keep_checkpoints": 4}
    return tiny_config(method, steps=STEPS, train_images=24, **(saved | fields))


def elements_of(config: LomitConfig) -> tf.data.Dataset:
    """What a run's steps get."""
    source, t = open_set(config.data, "train"), config.training
    return training_pairs(source, config.data, batch_size=2, n_critic=t.n_critic, num_groups=1, seed=0).dataset


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """method -> its run, with checkpoints after steps 3, 6, 9 and 10; DRIT's rates and content weight can be set."""
    made: dict[str, Run] = {}

    def run(method: str) -> Run:
        if method in made:
            return made[method]
        folder, steps = tmp_path_factory.mktemp(method), []
        compiled, content_weight = training.make_step, tf.Variable(drit_losses.WEIGHTS["content"])

        def make_step(strategy: Any, model: Any) -> Any:
            found = compiled(strategy, model)
            steps.append((model, training.logged(found)))
            return found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(training, "make_step", make_step)
            patch.setattr(Drit, "rate", lambda self, side: 1e-4)
            patch.setitem(drit_losses.WEIGHTS, "content", content_weight)
            training.train(config_of(method), folder)
        made[method] = Run(folder, *steps[0], content_weight)
        return made[method]

    return run


@pytest.mark.slow
@pytest.mark.parametrize("method", TERMS)
def test_ten_steps_leave_finite_losses_and_networks_that_have_learned(runs, method):
    run = runs(method)
    work = Workdir(run.workdir)
    lines = [json.loads(line) for line in work.log.read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, STEPS + 1))
    assert all(math.isfinite(line[name]) for line in lines for name in TERMS[method])
    before, after = (read(work.checkpoints / f"step-{n}.npz").parts for n in (SAVED, STEPS))
    for part in ("generator", "average", *run.model.critics):
        assert any((x != y).any() for x, y in zip(before[part], after[part], strict=True)), part
    with Image.open(work.samples / f"step-{STEPS:06d}.png") as grid:
        assert grid.size[1] == (7 if method == "aggan" else 6) * 128  # two rows of masks, and no reconstruction


@pytest.fixture(scope="module")
def distances(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, float]]]:
    """method -> how far its run that went on from a checkpoint is from the one that was never stopped."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
    script = ROOT / "tests" / "helpers" / "resumed_run.py"
    command = [sys.executable, str(script), str(tmp_path_factory.mktemp("resumed")), *TERMS]
    found = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert found.returncode == 0, found.stderr[-4000:]
    return json.loads(found.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("method", TERMS)
def test_what_goes_on_from_a_checkpoint_is_the_run_that_was_never_stopped(method, distances):
    """Draws, AGGAN's pool of pictures and its phase too, to the bit: nothing of a run is outside of its checkpoint."""
    furthest = distances[method]
    assert {name: far for name, far in furthest["resumed"].items() if far} == {}
    assert furthest["other pairs"]["generator_optimizer"] > 0.1  # so equality is not a matter of course


@pytest.mark.slow
def test_aggans_attention_learns_in_phase_1_and_is_frozen_in_phase_2(runs):
    run = runs("aggan")
    keras.utils.set_random_seed(0)
    fresh = methods.model_class("aggan")(config_of("aggan"))
    fresh.build()

    def weights(model: Any, part: str) -> list[np.ndarray]:
        return [
            np.asarray(v).copy()
            for f in (model.generator.of_a, model.generator.of_b)
            for v in getattr(f, part).variables
        ]

    def changed(one: list[np.ndarray], other: list[np.ndarray]) -> list[bool]:
        return [bool((x != y).any()) for x, y in zip(one, other, strict=True)]

    run.back_to(SAVED)
    attention, generators = weights(run.model, "attention"), weights(run.model, "generator")
    assert np.mean(changed(weights(fresh, "attention"), attention)) > 0.5
    run.back_to(STEPS)
    assert not any(changed(attention, weights(run.model, "attention")))
    assert np.mean(changed(generators, weights(run.model, "generator"))) > 0.5


def stripes(axis: int, count: int) -> tf.Tensor:
    """Pictures (2, count, 64, 64, 3) of stripes in one direction, whose phases differ."""
    line = np.sign(np.sin((np.arange(64) + 3 * np.arange(2 * count)[:, None] + 0.5) * np.pi / 4))
    picture = line[:, :, None] if axis == 0 else line[:, None, :]
    pictures = np.broadcast_to(picture, (2 * count, 64, 64)).reshape(2, count, 64, 64, 1)
    return tf.constant(np.repeat(0.8 * pictures, 3, axis=-1), tf.float32)


@pytest.mark.slow
def test_drits_contents_hide_their_domain_only_where_the_content_loss_asks_for_it(runs):
    """The critic learns to tell upright stripes from level ones; then both learn, with the loss and without it."""
    run = runs("drit")
    count = run.model.config.training.n_critic
    # The labels of an element of the run stay, for which the step is compiled.
    data = next(iter(elements_of(run.model.config))) | {"x1": stripes(0, count), "x2": stripes(1, count)}

    def steps(number: int, **rates: float) -> dict[str, float]:
        for side, optimizer in run.model.side_optimizers.items():
            optimizer.learning_rate = rates.get(side, 0.0)
        logs = [run.step(data) for _ in range(number)][-number // 2 :]  # noise and drawn attributes move every step
        return {name: float(np.mean([one[name] for one in logs])) for name in logs[0]}

    def told_and_hidden() -> tuple[dict[str, float], dict[str, float]]:
        run.back_to(STEPS)
        return steps(15, content_critic=1e-2), steps(30, generator=2e-3, content_critic=1e-3)

    told, hidden = told_and_hidden()
    assert told["content_critic/accuracy"] > 0.95 and told["generator/content"] > 4
    assert hidden["generator/content"] < 2.8  # 2 log 2 = 1.39 where the critic is at chance
    assert hidden["content_critic/accuracy"] < 0.8
    run.content_weight.assign(0.0)
    _, open_to_it = told_and_hidden()
    assert open_to_it["content_critic/accuracy"] > 0.9 and open_to_it["generator/content"] > 4


@pytest.mark.slow
@pytest.mark.parametrize("method", [name for name in methods.ROOMS if name != methods.DEFAULT])
def test_a_step_in_mixed_precision_is_finite(method, element):
    """Of the generator's side, whose variables stay float32; not compiled."""
    given = {} if method in TERMS else {"domains": "", "attributes": ("Black_Hair", "Smiling"), "n_critic": 1}
    config = config_of(method, precision="mixed_bfloat16", batch_size=1, **given)
    model = methods.model_class(method)(config)
    model.compile(jit_compile=False)
    data = {name: tf.constant(value) for name, value in element(config, pairs=1).items()}
    before = [np.asarray(v).copy() for v in model.generator.trainable_variables]
    logs = model.train_step(data)
    assert all(math.isfinite(float(value)) for value in logs.values())
    computed = {layer.compute_dtype for layer in model.generator._flatten_layers() if type(layer).__name__ == "Conv2D"}
    assert computed == {"bfloat16"}
    assert {v.dtype for v in model.generator.trainable_variables} == {"float32"}
    moved = [(np.asarray(v) != x).any() for v, x in zip(model.generator.trainable_variables, before, strict=True)]
    assert np.mean(moved) > 0.4


@pytest.mark.slow
def test_two_devices_take_the_step_of_one(tmp_path):
    """AGGAN, whose pool of pictures is one, of all devices' translations."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
    script = ROOT / "tests" / "helpers" / "baseline_sgd_step.py"
    command = [sys.executable, str(script), str(tmp_path / "w.npz"), "aggan"]
    found = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert found.returncode == 0, found.stderr[-4000:]
    moved = dict(np.load(tmp_path / "w.npz"))
    one, two = ({n.rpartition("/")[2]: v for n, v in moved.items() if name in n} for name in ("one_device", "mirrored"))
    assert one.pop("replicas") == 1 and two.pop("replicas") == 2
    assert one.keys() == two.keys() and sum(bool(update.any()) for update in one.values()) > 50
    for name, update in one.items():
        assert np.linalg.norm(two[name] - update) <= 1e-4 * np.linalg.norm(update) + 1e-7, name
