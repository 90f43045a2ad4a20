"""Whole loops: training, samples, logs, resume after SIGKILL and SIGTERM, stops, refused workdirs."""

from __future__ import annotations

import contextlib
import gc
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.runtime.garbage import SELDOM, searched_seldom
from lomit_tf.runtime.signals import interrupting_signals
from lomit_tf.training import callbacks
from lomit_tf.training import loop as training
from lomit_tf.training.checkpoints import Workdir, load
from tests.helpers import eager

TINY = {
    "image_size": 64, "crop": 0, "attributes": ("Black_Hair", "Smiling"), "train_images": 24, "base_channels": 4,
    "residual_blocks": 1, "edge_kernel": 3, "style_downsamples": 2, "critic_channels": 4, "critic_layers": 3,
    "batch_size": 2, "n_critic": 2, "steps": 4, "checkpoint_every": 2, "log_every": 2, "sample_every": 2,
}  # fmt: skip


def tiny(**changes: object) -> LomitConfig:
    return LomitConfig.create("small", **(TINY | changes))


def weights(path: Path) -> dict[str, np.ndarray]:
    """Every variable of a run's last checkpoint, as it lies on disk."""
    latest = Workdir(path).latest
    assert latest is not None
    with np.load(latest) as file:
        return {name: file[name] for name in file.files if name != "record"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[training.TrainingResult, list[int]]:
    """A run of four steps, not compiled, and the steps that a callback saw; the tests leave its workdir as it is."""
    seen: list[int] = []

    class Spy(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            assert logs and all(math.isfinite(v) for v in logs.values())
            seen.append(batch)

    with eager.uncompiled():
        return training.train(tiny(), tmp_path_factory.mktemp("whole"), callbacks=[Spy()]), seen


def check_grid_and_log(workdir: Path, steps: list[int]) -> None:
    """The last grid is one of pictures, and the log has finite terms of these steps."""
    work = Workdir(workdir)
    with Image.open(work.samples / f"step-{steps[-1]:06d}.png") as grid:
        names = grid.width - 8 * 128
        assert 64 < names < 256 and grid.height == 8 * 128  # eight pairs, eight rows, 64 px enlarged twice
        assert np.asarray(grid)[:, 96:].std() > 10
    lines = [json.loads(line) for line in work.log.read_text().splitlines()]
    assert [line["step"] for line in lines] == steps
    terms = ("generator/mask_similarity", "generator/cycle", "critic/gradient_norm")
    for name in (*terms, "mask/all/mean", "mask/all/variance"):
        assert all(math.isfinite(line[name]) for line in lines)


def test_an_interrupt_that_was_lost_ends_the_run_before_its_first_step(tmp_path, uncompiled) -> None:
    """As compiled code loses one while the model is built: the run went on to its end, and then said `interrupted`."""
    with pytest.raises(KeyboardInterrupt), interrupting_signals():
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        training.train(tiny(), tmp_path)
    assert Workdir(tmp_path).latest is None


def test_a_run_leaves_grid_log_tensorboard_flagfile_and_checkpoints(whole) -> None:
    result, seen = whole
    assert seen == [0, 1, 2, 3] and result.step == 4 and result.interrupted is None
    assert result.grid is not None and result.grid.name == "step-000004.png"
    check_grid_and_log(result.workdir, [2, 4])
    assert list(result.tensorboard.glob("events.*"))
    flags = Workdir(result.workdir).flagfile.read_text()
    assert "--base_channels=4" in flags
    expected = result.workdir / "checkpoints" / "step-4.npz"
    assert result.checkpoint == str(expected) and expected.exists()
    model = load(result.workdir)
    picture = np.zeros((1, 64, 64, 3), np.float32)
    assert np.isfinite(model.translate(picture, picture)["image"].numpy()).all()


def test_continuing_equals_not_stopping_logs_no_step_twice_and_keeps_the_last_checkpoints(
    whole, tmp_path, uncompiled
) -> None:
    """Without --deterministic too: on one CPU only the summation order inside an operation could differ."""
    often = {"checkpoint_every": 1, "keep_checkpoints": 2}
    training.train(tiny(steps=2, schedule_steps=4, **often), tmp_path)
    assert sorted(p.name for p in Workdir(tmp_path).checkpoints.iterdir()) == ["step-1.npz", "step-2.npz"]

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            if batch == 3:  # too late: nothing is left to go on with
                os.kill(os.getpid(), signal.SIGTERM)

    result = training.train(tiny(**often), tmp_path, callbacks=[Stop()])
    assert result.done and result.interrupted == signal.SIGTERM
    assert sorted(p.name for p in Workdir(tmp_path).checkpoints.iterdir()) == ["step-3.npz", "step-4.npz"]
    steps = [json.loads(line)["step"] for line in result.log.read_text().splitlines()]
    assert steps == [2, 4]
    one, other = weights(whole[0].workdir), weights(tmp_path)
    assert one.keys() == other.keys() and len(one) > 100
    for name, value in one.items():
        np.testing.assert_allclose(other[name], value, rtol=1e-3, atol=1e-5, err_msg=name)


def test_another_configuration_is_refused_with_the_differing_fields(whole, tmp_path) -> None:
    run = whole[0].workdir
    with pytest.raises(ConfigError, match=r"--mask_sparsity: was '0.0001', now '0.5'"):
        training.train(tiny(mask_sparsity=0.5), run)
    with pytest.raises(ConfigError, match="resume=never"):
        training.train(tiny(), run, resume="never")
    with pytest.raises(ConfigError, match="no checkpoint"):
        training.train(tiny(), tmp_path / "empty", resume="must")
    assert not (tmp_path / "empty").exists()


def test_only_the_step_that_compiles_searches_for_garbage_seldom(tmp_path, uncompiled, monkeypatch) -> None:
    made, found = training.make_step, []

    def make_step(strategy: tf.distribute.Strategy, model: keras.Model) -> Callable[[Any], Any]:
        step = made(strategy, model)

        def seen(element: Any) -> Any:
            found.append(gc.get_threshold())
            return step(element)

        return seen

    monkeypatch.setattr(training, "make_step", make_step)
    before, usual = gc.get_threshold(), (600, 9, 8)
    gc.set_threshold(*usual)
    try:
        training.train(tiny(steps=2, schedule_steps=4, n_critic=1, sample_every=0), tmp_path)
        with pytest.raises(ValueError, match="as it was"), searched_seldom():
            raise ValueError("as it was")
        assert found == [SELDOM, usual] and gc.get_threshold() == usual
    finally:
        gc.set_threshold(*before)


def test_a_run_that_is_done_is_left_as_it_is(whole, uncompiled) -> None:
    run = whole[0].workdir
    before = weights(run)
    assert training.train(tiny(), run).step == 4
    for name, value in weights(run).items():
        np.testing.assert_array_equal(value, before[name])


def test_not_finite_stops_names_step_and_term_and_keeps_the_checkpoint(tmp_path: Path, uncompiled: None) -> None:
    class Poison(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            if batch == 2:  # after the checkpoint of step 2 there is one more good step
                kernel = self.model.generator.decoder.image.conv.kernel
                kernel.assign(kernel * math.nan)

    with pytest.raises(training.TrainingError, match=r"step 4: not finite: .*generator/cycle.*step-2"):
        training.train(tiny(steps=6), tmp_path, callbacks=[Poison()])
    assert Workdir(tmp_path).latest == tmp_path / "checkpoints" / "step-2.npz"
    assert all(np.isfinite(v).all() for v in weights(tmp_path).values() if v.dtype == np.float32)


def test_dead_masks_stop_the_run(tmp_path: Path, uncompiled: None) -> None:
    class Kill(keras.callbacks.Callback):
        def on_train_begin(self, logs: object = None) -> None:
            logits = self.model.generator.mask_decoder.logits.conv
            logits.bias.assign(logits.bias - 100.0)

    with pytest.raises(
        training.TrainingError, match=r"step 2: the mask of group 'all' has been dead for 2 steps: all 0"
    ):
        training.train(tiny(mask_patience=2), tmp_path, callbacks=[Kill()])


@pytest.mark.parametrize(
    ("mean", "variance", "word"),
    [(0.001, 0.0, "all 0"), (0.999, 0.0, "all 1"), (0.5, 1e-7, "constant"), (0.3, 0.05, "")],
)
def test_death_of_masks(mean: float, variance: float, word: str) -> None:
    reason = callbacks.describe_death(mean, variance)
    assert reason.startswith(word) and bool(reason) == bool(word)


def start(workdir: Path, **changes: object) -> subprocess.Popen[str]:
    values = TINY | changes
    flags = [f"--{k}={','.join(v) if isinstance(v, tuple) else v}" for k, v in values.items()]
    command = [sys.executable, "-m", "lomit_tf.train", "--preset=small", *flags, f"--workdir={workdir}"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def wait_for(path: Path, process: subprocess.Popen[str], seconds: float = 400) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.05)


def test_killed_and_started_again_deterministic_runs_end_bit_identical(tmp_path: Path) -> None:
    """SIGKILL at an arbitrary moment after the first checkpoint; the uninterrupted run, compiled, is the reference."""
    flags = {"steps": 12, "checkpoint_every": 3, "deterministic": "true", "sample_every": 0}
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    victim, reference = start(killed, **flags), start(whole, **flags)
    wait_for(killed / "checkpoints" / "step-3.npz", victim)
    time.sleep(0.3)
    victim.kill()
    victim.communicate()
    assert victim.returncode == -signal.SIGKILL
    again = start(killed, **flags)
    for process in (reference, again):
        _, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
    assert "going on from step" in errors
    check_grid_and_log(whole, [2, 4, 6, 8, 10, 12])
    one, other = weights(whole), weights(killed)
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_array_equal(other[name], value, err_msg=name)


def test_one_thread_per_operation_says_when_it_comes_too_late(caplog) -> None:
    """On the command line it is in time: one thread, and nothing is said. Here TensorFlow has already run."""
    code = "import tensorflow as tf; from lomit_tf.training.loop import one_thread_per_operation as one; one()"
    code += "; print(tf.config.threading.get_intra_op_parallelism_threads())"
    early = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert early.returncode == 0 and early.stdout.strip() == "1" and "--deterministic" not in early.stderr
    tf.constant(1.0)
    training.one_thread_per_operation()
    assert tf.config.threading.get_intra_op_parallelism_threads() == 0 and "--deterministic: set before" in caplog.text
