"""Networks on LiteRT: the pictures are TensorFlow's, the weights are the shipped ones, and TensorFlow stays away."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from lomit_tf import zoo
from lomit_tf.config import ConfigError
from lomit_tf.data.drawn_faces import draw
from lomit_tf.engines import choice, light
from lomit_tf.photos import portraits
from lomit_tf.photos.translator import Translator

ROOT = Path(__file__).resolve().parents[2]
NAMES = (
    "celeba", "celeba_colours", "celeba_faces", "celeba_hair", "celeba_mobile", "celeba_small", "drawn_faces",
    "drawn_faces_mobile",
)  # fmt: skip


@pytest.fixture
def eagerly() -> Iterator[None]:
    """TensorFlow's functions without tracing, which would take longer than all that is computed here."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def portrait(name: str, side: int) -> np.ndarray:
    with Image.open(portraits.PORTRAITS[name]) as picture:
        small = picture.convert("RGB")
        small.thumbnail((side, side))
        return np.asarray(small)


def photographs(translator: Translator) -> tuple[np.ndarray, np.ndarray]:
    if translator.knows_faces:
        return portrait("Eileen Collins", 200), portrait("Grace Hopper", 160)
    first, second = draw(range(20_000_000, 20_000_002), size=100).images
    return first, second


def pictures(translator: Translator, input_: np.ndarray, exemplar: np.ndarray) -> dict[str, np.ndarray]:
    """What a translator makes of every kind of request."""
    style = translator.encode_exemplar(exemplar)
    photo = translator.prepare(input_)
    mask = np.zeros(input_.shape[:2], np.float32)
    mask[20:70, 30:90] = np.linspace(0, 1, 60)
    edited = {translator.groups[-1]: mask}
    other = translator.encode_exemplar(input_, {translator.groups[0]: mask})
    asked = {
        "as it is": {}, "edited": {"mask": edited}, "strong": {"strength": 1.5},
        "one group": {"groups": translator.groups[:1]}, "bare": {"keep_background": False},
        "an edited exemplar": {"exemplar": other},
    }  # fmt: skip
    if translator.colour_groups:
        asked["a colour"] = {"exemplar": translator.encode_colour("#2b6fd6")}
    requests = [translator.request(photo, **{"exemplar": style} | options) for options in asked.values()]
    results = translator.translate_batch(requests)
    found = {what: result.image for what, result in zip(asked, results, strict=True)}
    found |= {f"mask of {group}": 255 * plane for group, plane in translator.masks(photo).items()}
    return found | {f"exemplar's {group}": 255 * plane for group, plane in results[0].exemplar_masks.items()}


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_tensorflows_within_1_of_255(name, eagerly):
    slow, fast = (Translator(name, log_notes=False, engine=engine) for engine in ("tensorflow", "auto"))
    assert isinstance(fast.inference, light.LightInference)
    g = slow.inference.model.inference_generator  # type: ignore[attr-defined]
    outline = fast.inference.outline
    assert outline == slow.inference.outline
    assert (outline.free, outline.coloured) == (g.free_groups, g.colour_groups)
    assert (outline.code_size, outline.style_size) == (g.code_size, g.style_size)
    pair = photographs(slow)
    expected, found = pictures(slow, *pair), pictures(fast, *pair)
    assert expected.keys() == found.keys()
    for what, picture in expected.items():
        assert np.abs(picture.astype(np.float32) - found[what]).max() <= 1, what
    changed = [np.abs(expected[what].astype(int) - pair[0]).max() for what in ("as it is", "edited", "bare")]
    assert min(changed) > 20  # something happens


def test_several_at_once_are_as_one_alone():
    translator = Translator("drawn_faces", log_notes=False, engine="litert")
    faces = list(draw(range(3), size=64).images)
    translator.set_exemplar(faces[2])
    together = translator.translate_many(faces[:2])
    for face, result in zip(faces, together, strict=False):
        np.testing.assert_array_equal(result.image, translator.translate(face).image)


def test_a_translator_is_pickled_with_its_engine():
    translator = Translator("drawn_faces", engine="litert")
    again = pickle.loads(pickle.dumps(translator))
    assert again.engine == "litert" and isinstance(again.inference, light.LightInference)


@pytest.fixture
def folder(tmp_path) -> Path:
    return Path(shutil.copytree(zoo.FOLDER / "drawn_faces", tmp_path / "mine"))


def test_the_weights_beside_the_graph_count(folder):
    before = choice.networks_of(folder, "litert")
    config, weights = zoo.read_folder(folder)
    after = light.load(folder, config, [0.5 * w for w in weights])
    image = draw([1], size=64).images.astype(np.float32) / 127.5 - 1
    assert np.abs(before.masks(image) - after.masks(image)).max() > 0.05


def test_a_graph_that_cannot_be_used(folder, monkeypatch, caplog):
    """With auto TensorFlow takes over, without a word where there is none; who asks for LiteRT is told."""
    whole = object()
    monkeypatch.setattr(choice, "_whole", lambda name: whole)
    path = folder / light.GRAPH
    data = path.read_bytes()
    graph = light.Graph.from_bytes(data)
    other = light.Graph(graph.content, graph.offsets, graph.sizes, graph.turned, "of something else")
    parts = graph.sizes, graph.turned, graph.architecture
    short = light.Graph(graph.content[:3000], graph.offsets, *parts)
    other_file = light.Graph(np.zeros_like(graph.content), graph.offsets, *parts)
    cases = {
        "damaged (ValueError)": b"nonsense", "damaged (BadZipFile)": data[: len(data) // 2],
        "another architecture": other.to_bytes(),
        "damaged (weights beyond its end)": short.to_bytes(), f"{path}: ": other_file.to_bytes(),
    }  # fmt: skip
    for says, content in cases.items():
        path.write_bytes(content)
        caplog.clear()
        assert choice.networks_of(folder) is whole, says
        assert "TensorFlow is used" in caplog.text and str(path) in caplog.text
        with pytest.raises(ConfigError, match=str(path)) as error:
            choice.networks_of(folder, "litert")
        assert says in str(error.value)
    path.unlink()
    caplog.clear()
    assert choice.networks_of(folder) is whole and not caplog.text
    with pytest.raises(ConfigError, match=r"mine has no graph.npz; python -m export.light FOLDER writes one"):
        choice.networks_of(folder, "litert")
    path.write_bytes(data)
    assert choice.networks_of(folder, "tensorflow") is whole
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    assert choice.networks_of(folder) is whole


def test_damaged_weights_are_named_with_every_engine(folder):
    (folder / zoo.WEIGHTS).write_bytes((folder / zoo.WEIGHTS).read_bytes()[:-1])
    for engine in choice.ENGINES:
        with pytest.raises(ConfigError, match="damaged; its SHA-256 is"):
            choice.networks_of(folder, engine)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nope", "'nope' is neither the name of shipped weights"), ("/tmp", "no trained model at /tmp"),
        ("", "the name is empty"), (None, "received NoneType"), (3, "received int"), (b"x", "received bytes"),
        ([], "received list"), (np.zeros(2), "received ndarray"),
    ],
)  # fmt: skip
def test_what_is_no_model_is_named_by_every_engine_and_by_load(name, says):
    for attempt in (lambda: choice.networks_of(name), lambda: choice.networks_of(name, "litert"),
                    lambda: choice.networks_of(name, "tensorflow"), lambda: zoo.load(name)):  # fmt: skip
        with pytest.raises(ConfigError) as error:
            attempt()
        assert says in str(error.value)


def test_what_is_wrong_with_a_folder_is_said_of_its_file(folder):
    manifest, weights = folder / zoo.MANIFEST, folder / zoo.WEIGHTS
    whole = manifest.read_text()
    for text, says in (
        (whole + "}", "is not valid JSON (Extra data"), ("", "is not valid JSON"), ("[]", "holds no settings"),
        ("{}", "has no 'config'"),
    ):  # fmt: skip
        manifest.write_text(text)
        for attempt in (zoo.config_of, zoo.read_folder):
            with pytest.raises(ConfigError) as error:
                attempt(folder)
            assert str(error.value).startswith(f"{manifest} {says}")
    manifest.write_text(whole)
    assert zoo.config_of(folder) == zoo.read_folder(folder)[0]
    weights.unlink()
    with pytest.raises(ConfigError, match=re.escape(f"{weights} is missing")):
        zoo.config_of(folder)


def test_an_unknown_engine_is_named():
    with pytest.raises(ConfigError, match="engine must be one of auto, litert, tensorflow; received 'jax'"):
        choice.networks_of("drawn_faces", "jax")


COMMAND = """
import os, sys
from lomit_tf import translate
assert translate.run(["--model=drawn_faces", "--input=in.png", "--exemplar=star.png", "--output=out.png"]) == 0
heavy = {"tensorflow", "keras", "jax", "tensorflow_datasets"} & set(sys.modules)
print(sorted(heavy))
child = os.fork()
if not child:
    done = translate.run(["--model=drawn_faces", "--input=in.png", "--exemplar=star.png", "--output=again.png"])
    os._exit(done)
assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_the_command_imports_neither_tensorflow_nor_keras_and_needs_no_home(tmp_path):
    for name, face in zip(("in", "star"), draw(range(2), size=64).images, strict=True):
        Image.fromarray(face).save(tmp_path / f"{name}.png")
    (tmp_path / "home").mkdir(mode=0o500)
    done = subprocess.run(
        [sys.executable, "-c", COMMAND], cwd=tmp_path, capture_output=True, text=True, timeout=240,
        env=os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and done.stdout.splitlines()[-2:] == ["[]", "again.png"]
    assert not list((tmp_path / "home").iterdir())
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "out.png").read_bytes()
