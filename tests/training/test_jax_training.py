"""Training on JAX where TensorFlow cannot be imported, and one workdir that both backends go on with."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lomit_tf.config import ConfigError, LomitConfig
from tests.helpers.jax_flags import QUICK

ROOT = Path(__file__).resolve().parents[2]
needs_jax = pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed (extra jax)")
FLAGS = {
    "dataset": "drawn_faces", "crop": 0, "train_images": 12, "n_critic": 2, "checkpoint_every": 1, "log_every": 1,
    "sample_every": 0, "ema_decay": 0.9, "keep_checkpoints": 9, "schedule_steps": 100,
}  # fmt: skip
# An import of these fails then, and importlib.util.find_spec finds nothing, as where they are not installed.
BLOCKED = """
import sys
sys.modules |= dict.fromkeys(("tensorflow", "tensorflow_datasets", "tf_keras"))
"""
# Each argument is a command line; all of them must be refused.
TRAIN = (
    BLOCKED
    + """
from lomit_tf.train import run
assert [run(line.split("|")) for line in sys.argv[1:]] == [2] * len(sys.argv[1:])
"""
)
# A run that goes on, one whose weights are poisoned, one whose masks die: one process, compiled once.
RUNS = (
    BLOCKED
    + """
import json, math
from pathlib import Path
import keras
from lomit_tf.config import LomitConfig
from lomit_tf.train import run
from lomit_tf.training import jax_loop
from lomit_tf.training.callbacks import TrainingError

goes_on, poisoned, dying = map(Path, sys.argv[1:4])
flags = sys.argv[4:]
assert run([*flags, "--steps=3", f"--workdir={goes_on}"]) == 0

class Poison(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:  # after the checkpoint of step 1 there is one more good step
            kernel = self.model.generator.decoder.image.conv.kernel
            kernel.assign(kernel * math.nan)

class Kill(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        bias = self.model.generator.mask_decoder.logits.conv.bias
        bias.assign(bias - 100.0)

flat = json.loads((goes_on / "config.json").read_text())
for folder, callback, changed in ((poisoned, Poison(), {"steps": 4}), (dying, Kill(), {"mask_patience": 2})):
    try:
        jax_loop.train(LomitConfig.from_flat(flat | changed), folder, callbacks=[callback])
    except TrainingError as error:
        print(error)
"""
)


def jax_process(code: str, folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT), "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": QUICK,
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }  # fmt: skip
    return subprocess.run([sys.executable, "-c", code, *argv], env=environment, capture_output=True, text=True)


def as_flags(config: LomitConfig) -> list[str]:
    flat = {name: value for name, value in config.flat().items() if name != "steps"}
    return [f"--{k}={','.join(v) if isinstance(v, list) else v}" for k, v in flat.items()]


@needs_jax
@pytest.mark.slow
def test_a_workdir_goes_from_tensorflow_to_jax_and_back(tmp_path, tiny, uncompiled):
    from lomit_tf.training import loop
    from lomit_tf.training.checkpoints import Workdir, load

    def values(path: Path) -> dict[str, np.ndarray]:
        with np.load(path) as file:
            return {name: file[name] for name in file.files if name != "record"}

    work = Workdir(tmp_path / "run")
    loop.train(tiny(**FLAGS, steps=1), work.path)
    folders = (work.path, tmp_path / "poisoned", tmp_path / "dying")
    done = jax_process(RUNS, tmp_path, *map(str, folders), *as_flags(tiny(**FLAGS)))
    assert done.returncode == 0, done.stderr[-4000:]
    assert "going on from step 1" in done.stderr and "JAX" in done.stderr
    after = {step: values(work.checkpoints / f"step-{step}.npz") for step in (1, 2, 3)}
    assert after[1].keys() == after[3].keys()
    for name, value in after[3].items():
        assert value.shape == after[1][name].shape and np.isfinite(value).all()
    assert {int(after[s]["generator_optimizer/0000"]) for s in (1, 2, 3)} == {1, 2, 3}
    assert int(after[3]["critic_optimizer/0000"]) == 6
    assert (work.samples / "step-000003.png").exists()
    with Image.open(work.samples / "step-000003.png") as grid:
        assert np.asarray(grid)[:, 96:].std() > 10
    picture = np.zeros((1, 64, 64, 3), np.float32)
    assert np.isfinite(load(work.path).translate(picture, picture)["image"].numpy()).all()
    result = loop.train(tiny(**FLAGS, steps=4), work.path)
    assert result.step == 4 and Workdir(work.path).latest == work.checkpoints / "step-4.npz"
    lines = [json.loads(line) for line in work.log.read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert all(line.keys() == lines[0].keys() for line in lines)
    # The stops of the other two runs, and the last good checkpoint.
    assert "step 3: not finite: " in done.stdout and "step-2.npz" in done.stdout, done.stdout
    assert "step 2: the mask of group 'all' has been dead for 2 steps: all 0" in done.stdout
    assert Workdir(folders[1]).latest == folders[1] / "checkpoints" / "step-2.npz"


def refused(*lines: str, code: str = TRAIN, **variables: str) -> list[str]:
    """The one line that each command line ends with, in a process without TensorFlow."""
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"} | {"PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run([sys.executable, "-c", code, *lines], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stderr.splitlines()
    assert len(said) == len(lines) and all(line.startswith("lomit-train: ") for line in said), said
    return said


def test_a_backend_that_is_not_installed_is_one_line(tmp_path):
    (line,) = refused(f"--workdir={tmp_path}")
    assert "Keras' backend tensorflow is not installed; pip install tensorflow, or train with KERAS_BACKEND=jax" in line
    code = TRAIN.replace('"tensorflow", ', '"jax", ')
    (line,) = refused(f"--workdir={tmp_path}", code=code, KERAS_BACKEND="jax")
    assert "KERAS_BACKEND=jax: Keras' backend jax is not installed; pip install 'lomit_tf[jax]'" in line


@needs_jax
def test_configurations_that_jax_does_not_take_are_one_line_each(tmp_path):
    jax = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    place = f"--workdir={tmp_path / 'run'}"
    empty = tmp_path / "empty"
    empty.mkdir()
    workers, batch, data = refused(
        f"--strategy=multi_worker|{place}", f"--strategy=mirrored|--batch_size=3|{place}",
        f"--flagfile=celeba.cfg|--data_dir={empty}|{place}", **jax,
    )  # fmt: skip
    assert "--strategy=multi_worker needs Keras' backend tensorflow" in workers
    assert "--batch_size=3 does not divide among 2 devices" in batch
    assert "celeb_a through TensorFlow Datasets needs Keras' backend tensorflow, and this is jax: Get CelebA" in data
    assert not (tmp_path / "run").exists()


def test_other_commands_want_tensorflow(monkeypatch):
    from lomit_tf.runtime import backend

    monkeypatch.setattr(backend, "_chosen", lambda: ("jax", "KERAS_BACKEND=jax"))
    with pytest.raises(ConfigError, match=r"run on Keras' backend tensorflow \(jax is for lomit-train alone\); set"):
        backend.check_backend()
    if importlib.util.find_spec("jax"):
        backend.check_backend(backend.TRAINING)
    monkeypatch.setattr(backend, "_chosen", lambda: ("torch", "KERAS_BACKEND=torch"))
    with pytest.raises(ConfigError, match="tensorflow or jax; set KERAS_BACKEND=tensorflow"):
        backend.check_backend(backend.TRAINING)
