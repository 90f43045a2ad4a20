"""Checkpoints: what a file holds, that it is whole or not there, TensorFlow's form of earlier versions, bad files."""

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
import tensorflow as tf

from lomit_tf.config import ConfigError, LomitConfig
from lomit_tf.model import Lomit
from lomit_tf.training import checkpoint_files as files
from lomit_tf.training import old_checkpoints
from lomit_tf.training.checkpoints import Checkpoints, RunState, Workdir, load, variables_by_part

ROOT = Path(__file__).resolve().parents[2]


def model_of(config: LomitConfig, fill: float | None = None) -> Lomit:
    """A compiled model, all of its variables filled with numbers that differ."""
    model = Lomit(config)
    model.compile()
    if fill is not None:
        for n, variable in enumerate(v for part in variables_by_part(model).values() for v in part):
            variable.assign(np.full(variable.shape, fill + n).astype(variable.dtype))
    return model


def values_of(model: Lomit) -> dict[str, list[np.ndarray]]:
    return {name: [v.numpy() for v in part] for name, part in variables_by_part(model).items()}


def same(one: dict, other: dict) -> None:
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert len(values) == len(other[name])
        for a, b in zip(values, other[name], strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)


def save_old(model: Lomit, config: LomitConfig, folder: Path, step: int) -> None:
    """As versions before this one saved: a tf.train.Checkpoint of lists by part, and a Python state."""

    class State(tf.train.experimental.PythonState):
        def serialize(self) -> str:
            return json.dumps({"step": step, "data_position": 0, "config": config.flat()})

        def deserialize(self, string_value: str) -> None:
            raise AssertionError

    parts = {name: [v.value for v in part] for name, part in variables_by_part(model).items()}
    manager = tf.train.CheckpointManager(
        tf.train.Checkpoint(**parts, run=State()), str(folder), max_to_keep=9, checkpoint_name="step"
    )
    manager.save(checkpoint_number=step)


@pytest.fixture(scope="module")
def config(tiny) -> LomitConfig:
    return tiny(ema_decay=0.9)


@pytest.fixture(scope="module")
def filled(config) -> Lomit:
    return model_of(config, 3.0)


@pytest.fixture(scope="module")
def other(config) -> Lomit:
    return model_of(config)


@pytest.fixture
def workdir(tmp_path, config) -> Workdir:
    work = Workdir(tmp_path / "run")
    work.prepare(config)
    return work


def test_everything_comes_back(filled, other, config, workdir):
    saver = Checkpoints(filled, RunState(config), workdir.checkpoints, 2)
    for step in (1, 2, 12):
        assert saver.save(step) == saver.latest == str(workdir.checkpoints / f"step-{step}.npz")
    assert sorted(p.name for p in workdir.checkpoints.iterdir()) == ["step-12.npz", "step-2.npz"]
    assert Checkpoints(other, RunState(config), workdir.checkpoints, 2).restore() == 12
    same(values_of(other), values_of(filled))
    with np.load(workdir.checkpoints / "step-12.npz") as file:
        record = json.loads(file["record"].tobytes())
    assert record["step"] == 12 and record["data_position"] == 12 * 2 and record["config"] == config.flat()
    for path in (workdir.path, workdir.checkpoints / "step-2", workdir.checkpoints / "step-2.npz"):
        loaded = load(path)
        for a, b in zip(loaded.ema_generator.variables, filled.ema_generator.variables, strict=True):
            np.testing.assert_array_equal(a, b)


def test_tensorflows_form_is_read_gone_on_from_and_converted(filled, other, config, workdir, capsys):
    save_old(filled, config, workdir.checkpoints, 5)
    (workdir.checkpoints / "step-9.data-00000-of-00001").write_bytes(b"a save that was killed")
    assert workdir.latest == workdir.checkpoints / "step-5.index"
    workdir.check(config, "must")
    for path in (workdir.path, workdir.checkpoints / "step-5"):
        np.testing.assert_array_equal(load(path).critic.variables[0], filled.critic.variables[0])
    for part in variables_by_part(other).values():
        part[0].assign(np.zeros(part[0].shape, part[0].dtype))
    saver = Checkpoints(other, RunState(config), workdir.checkpoints, 2)
    assert saver.restore() == 5
    same(values_of(other), values_of(filled))
    assert old_checkpoints.main([str(workdir.path)]) == 0
    assert capsys.readouterr().out == f"{workdir.checkpoints / 'step-5.npz'}\n"
    same(dict(files.read(workdir.checkpoints / "step-5.npz").parts), values_of(filled))
    (workdir.checkpoints / "step-5.npz").unlink()
    saver.save(6)
    assert [p.name for p in files.found(workdir.checkpoints)] == ["step-5.index", "step-6.npz"]
    saver.save(7)
    left = sorted(p.name for p in workdir.checkpoints.iterdir())
    assert left == ["step-6.npz", "step-7.npz", "step-9.data-00000-of-00001"]
    assert old_checkpoints.main([str(workdir.path)]) == 2 and "no checkpoint" in capsys.readouterr().err


def test_another_backend_than_tensorflow_says_how_to_convert(filled, config, workdir, monkeypatch):
    save_old(filled, config, workdir.checkpoints, 5)
    monkeypatch.setattr(files, "backend_name", lambda: "jax")
    with pytest.raises(ConfigError, match=r"step-5: .*python -m lomit_tf.training.old_checkpoints .*run converts it$"):
        files.read(workdir.checkpoints / "step-5.index")


def test_bad_checkpoints_are_one_line_each(filled, config, tiny, workdir):
    saver = Checkpoints(filled, RunState(config), workdir.checkpoints, 3)
    path = Path(saver.save(3))

    def refused(config: LomitConfig = config, model: Lomit = filled) -> str:
        with pytest.raises(ConfigError) as error:
            Checkpoints(model, RunState(config), workdir.checkpoints, 3).restore()
        assert "\n" not in str(error.value)
        return str(error.value)

    half = tiny(ema_decay=0.9, precision="mixed_bfloat16")
    assert "was trained with --precision=float32, and this run asks for --precision=mixed_bfloat16" in refused(half)
    with pytest.raises(ConfigError, match=r"^[^\n]*--precision=float32[^\n]*$"):
        workdir.check(half, "auto")
    narrow = tiny(ema_decay=0.9, base_channels=2)
    assert "step-3.npz: does not fit this version's networks" in refused(narrow, model_of(narrow))
    whole = path.read_bytes()
    middle = len(whole) // 2
    for broken in (whole[:middle], whole[:middle] + b"\0" * 64 + whole[middle + 64 :], b"", b"no archive"):
        path.write_bytes(broken)
        assert "step-3.npz: damaged" in refused() and refused().endswith("move it away to start anew")
    (workdir.checkpoints / "step-2.npz").write_bytes(whole)
    assert refused().endswith("move it away to go on from the one before")
    workdir.config.write_text("{")
    with pytest.raises(ConfigError, match=r"config.json is not valid JSON"):
        workdir.saved()
    with pytest.raises(ConfigError, match=r"there is nothing at .*run/gone; expected a --workdir"):
        load(workdir.path / "gone")


WRITER = """
import sys
from pathlib import Path
import numpy as np
from lomit_tf.training import checkpoint_files as files
folder, step = Path(sys.argv[1]), 0
while True:
    step += 1
    parts = {"generator": [np.full(200_000, step, np.float32)] * 8}
    files.write(folder, files.CheckpointContents(parts, {"step": step}))
    files.prune(folder, 2)
"""


def test_killed_at_any_moment_the_last_checkpoint_is_whole(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for wait in (0.0, 0.013, 0.031):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], env=environment)
        end = time.monotonic() + 120
        while len(files.found(tmp_path)) < 2 and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        latest = files.latest(tmp_path)
        assert latest is not None
        saved = files.read(latest)
        assert all((value == saved.step).all() for value in saved.parts["generator"])
        for path in files.found(tmp_path):
            files.remove(path)
        files.prune(tmp_path, 1)
        assert not list(tmp_path.iterdir())
