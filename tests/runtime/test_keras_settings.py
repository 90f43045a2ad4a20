"""keras.json and KERAS_BACKEND: layouts and types set there change nothing, another backend is told in one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# A translation by shipped weights, a training step of the smallest recipe, a classifier: sums and types that stay.
WORK = """
import sys
sys.path[:0] = [{tests!r}]
import keras, numpy as np, json, tensorflow as tf
from conftest import TINY
from lomit_tf import Translator
from lomit_tf.config import LomitConfig
from lomit_tf.data.drawn_faces import draw
from lomit_tf.evaluation.metrics.attribute_classifier import build_classifier
from lomit_tf.evaluation.metrics.attribute_classifier_config import ClassifierConfig
from lomit_tf.model import Lomit
from tests.helpers import lomit_models

print(keras.config.floatx(), keras.config.image_data_format(), file=sys.stderr)
face, star = draw(range(2)).images
translator = Translator("drawn_faces", engine="tensorflow")
translator.set_exemplar(star)
picture = translator.translate(face).image
config = LomitConfig.create(**(TINY | lomit_models.RECIPE | {{"mask_filter": 2, "style_margin": 2}}))
keras.utils.set_random_seed(1)
model = Lomit(config)
model.compile(run_eagerly=True)  # the types are those of the compiled step, which takes longer
x = np.random.default_rng(0).uniform(-1, 1, (2, 2, 1, 64, 64, 3)).astype("float32")
y = np.array([[[1, 0]], [[0, 1]]], "float32")
# Not NumPy arrays: those Keras itself would round to its floatx before the model sees them.
model.fit(tf.data.Dataset.from_tensors({{"x1": x[0], "y1": y, "x2": x[1], "y2": 1 - y}}), epochs=1, verbose=0)
classifier = build_classifier(ClassifierConfig(data=config.data, width=8))
print(json.dumps({{
    "picture": [int(picture.astype(int).sum()), float(np.abs(picture.astype(int) - face).mean())],
    "trained": [float(np.abs(v.numpy()).sum()) for v in model.generator.variables],
    "dtypes": sorted({{str(v.dtype) for v in model.variables + classifier.variables if "float" in str(v.dtype)}}),
    "classifier": float(np.abs(classifier(x[0, :, 0]).numpy()).sum()),
}}))
"""


def run(code: str, home: Path, settings: dict | None, **variables: str) -> subprocess.CompletedProcess[str]:
    home.mkdir(exist_ok=True)
    if settings is not None:
        (home / "keras.json").write_text(json.dumps(settings))
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    environment |= {"PYTHONPATH": str(ROOT), "KERAS_HOME": str(home), "TF_CPP_MIN_LOG_LEVEL": "3", **variables}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=home)


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> dict:
    done = run(WORK.format(tests=str(ROOT / "tests")), tmp_path_factory.mktemp("keras"), None)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [{"floatx": "float16", "image_data_format": "channels_first"}, {"floatx": "float64", "epsilon": 0.01}],
    ids=["float16 and channels_first", "float64 and epsilon"],
)
def test_layout_and_type_of_keras_json_change_nothing(plain, settings, tmp_path):
    done = run(WORK.format(tests=str(ROOT / "tests")), tmp_path / "keras", settings)
    assert done.returncode == 0, done.stderr[-3000:]
    said = f"{settings['floatx']} {settings.get('image_data_format', 'channels_last')}"
    assert said in done.stderr  # Keras has read the file
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["dtypes"] == plain["dtypes"] == ["float32"]
    assert found["picture"] == plain["picture"]
    assert found["trained"] == pytest.approx(plain["trained"], rel=1e-5)
    assert found["classifier"] == pytest.approx(plain["classifier"], rel=1e-5)


COMMANDS = {
    "train": ["--steps=1"],
    "distill": ["--teacher=drawn_faces", "--workdir=w"],
    "demo": [],
    "translate": ["--model=drawn_faces", "--input=a.png", "--exemplar=a.png", "--output=b.png"],
    "serve": ["--model=drawn_faces", "--port=0"],
    "app": ["--model=drawn_faces", "--port=0"],
    "evaluate": ["--checkpoint=drawn_faces", "--out=report"],
    "train_classifier": ["--out=classifier"],
    "refine_masks": ["--model=drawn_faces", "--out=masks.npz"],
    "teach_masks": ["--model=drawn_faces", "--refined_masks=masks.npz", "--workdir=w"],
    "find_movements": ["--model=drawn_faces", "--out=moves.npz"],
    "teach_movements": ["--model=drawn_faces", "--movements=moves.npz", "--workdir=w"],
}
ONE = """
import importlib, os, sys
module = importlib.import_module("lomit_tf." + sys.argv[1])
code = module.run(sys.argv[2:])
assert not {"keras", "tensorflow", "jax", "torch"} & set(sys.modules), "imported before the check"
sys.exit(code)
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_name_the_setting_of_another_backend_in_one_line(command, tmp_path):
    (tmp_path / "keras").mkdir()
    path = tmp_path / "keras" / "keras.json"
    path.write_text(json.dumps({"backend": "torch", "floatx": "float32"}))
    (tmp_path / "a.png").write_bytes(b"")
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    environment |= {"PYTHONPATH": str(ROOT), "KERAS_HOME": str(path.parent)}
    done = subprocess.run(
        [sys.executable, "-c", ONE, command, *COMMANDS[command]],
        env=environment, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert f'"backend": "torch" in {path}' in line and "set KERAS_BACKEND=tensorflow" in line


@pytest.mark.parametrize("name", ["Translator", "load", "Lomit"])
def test_python_names_the_variable_of_another_backend(name, tmp_path):
    code = f"import lomit_tf\ntry:\n    lomit_tf.{name}\nexcept ValueError as error:\n    print(error)"
    done = run(code, tmp_path / "keras", None, KERAS_BACKEND="jax")
    assert done.returncode == 0 and done.stdout.startswith("KERAS_BACKEND=jax: this package's models run on"), done


def check(monkeypatch, folder: Path, text: str | None, backend: str | None = None) -> str:
    """What check_backend says in a process without Keras, "" for nothing."""
    from lomit_tf.config import ConfigError
    from lomit_tf.runtime import backend as module

    monkeypatch.setenv("KERAS_HOME", str(folder))
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    if backend is None:
        monkeypatch.delenv("KERAS_BACKEND", raising=False)
    else:
        monkeypatch.setenv("KERAS_BACKEND", backend)
    if text is not None:
        (folder / "keras.json").write_text(text)
    try:
        module.check_backend()
    except ConfigError as error:
        return str(error)
    return ""


def test_what_the_check_reads(monkeypatch, tmp_path):
    def said(text: str | None, backend: str | None = None) -> str:
        return check(monkeypatch, tmp_path, text, backend)

    path = tmp_path / "keras.json"
    assert said(None) == ""  # no file
    for fine in ('{"backend": "tensorflow"}', "{}", "not JSON", "[]", '{"floatx": "float16"}'):
        assert said(fine) == "", fine
    assert f'"backend": "jax" in {path}' in said('{"backend": "jax"}')
    assert said('{"backend": "jax"}', "tensorflow") == ""  # the variable wins, as in Keras
    assert said('{"backend": "jax"}', "torch").startswith("KERAS_BACKEND=torch: ")
    assert f'"backend": "jax" in {path}' in said('{"backend": "jax"}', "")
    for name, value in (("floatx", "bfloat16"), ("image_data_format", "nchw")):
        assert said(json.dumps({name: value})).startswith(f'"{name}": "{value}" in {path}: Keras takes ')
