"""One picture, one exemplar and one edited mask give one translation, whoever is asked: Python, with TensorFlow and
with LiteRT, the server, SavedModel, TFLite and ONNX. The Java core does the same in android_demo/desktop/javatests
(TwoPaintersTest), with the files that tools/android/golden.py stored and that are compared here."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import lomit_tf
from lomit_tf import core
from lomit_tf.data import preprocess
from lomit_tf.data.drawn_faces import draw
from lomit_tf.imaging import colours, paste_back
from lomit_tf.imaging import given_masks as mask_edits
from lomit_tf.model import Lomit
from lomit_tf.photos import portraits
from lomit_tf.photos.translator import Translator

SIZE = 64
DEMO = Path(__file__).resolve().parents[2] / "android_demo"
GOLDEN = DEMO / "desktop" / "testdata"
COLOUR = "#2b6fd6"
GROUPS = {"attributes": ("Black_Hair", "Smiling"), "groups": "hair: Black_Hair; smile: Smiling"}
MODELS = {
    "hair by curves, smile free": {**GROUPS, "colour_groups": ("hair",)},
    "both free": GROUPS,
}


@pytest.fixture(scope="module", params=MODELS)
def model(request, tiny) -> Lomit:
    keras.utils.set_random_seed(3)
    made = Lomit(tiny(**MODELS[request.param], system="recipe", mask_contrast=0.85))
    made.build()
    g = made.inference_generator
    for layer in (g.style_encoder.code, *([g.curve_head.maps.conv] if g.curve_head else [])):
        layer.kernel.assign(layer.kernel * 5)  # so that styles show
    return made


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Input and exemplar, (64, 64, 3) uint8: at the model's own size, so that nothing is resized on the way."""
    images = draw(range(20_000_000, 20_000_002), size=SIZE).images
    return images[0], images[1]


@pytest.fixture(scope="module")
def edit() -> np.ndarray:
    """A hair mask that a person painted, (64, 64): the soft dot that TwoPaintersTest draws, elsewhere nothing."""
    x, y, radius, hardness = np.loadtxt(GOLDEN / "painters_stroke.txt")
    rows, columns = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    dot = np.clip((radius - np.hypot(columns - x, rows - y)) / (radius - radius * hardness), 0, 1).astype(np.float32)
    assert ((dot > 0) & (dot < 1)).sum() > 100 and (dot == 1).sum() > 100
    return dot


@pytest.fixture(scope="module")
def expected(model, pair, edit) -> np.ndarray:
    """The translation as the core gives it, (64, 64, 3) uint8, and what the edit must have become."""
    masks, made = by_core(model, pair, edit)
    np.testing.assert_allclose(masks[..., 0], edit, atol=1e-6)
    # Below its floor a mask changes nothing in a photograph: docs/method.md, eq. (10.1). There is no such value here.
    assert not np.any((masks[..., :-1] > 0) & (masks[..., :-1] < paste_back.MASK_FLOOR))
    assert np.abs(made.astype(int) - pair[0]).max() > 20  # something happens
    return made


def by_core(model, pair, edit) -> tuple[np.ndarray, np.ndarray]:
    """Masks (64, 64, G + 1) and translation (64, 64, 3) uint8 of a pair, the first group's mask edited."""
    g = model.inference_generator
    image, exemplar = (np.asarray(preprocess.to_model_range(x[None])) for x in pair)
    edits = np.stack([edit, *[np.full_like(edit, -1.0)] * (g.num_groups - 1)], axis=-1)[None]
    painting = core.apply_styles(g, image, core.encode_exemplar(g, exemplar)[0], edits=edits)
    return np.asarray(painting.masks)[0], preprocess.from_model_range(np.asarray(painting.image))[0].numpy()


def close(found: np.ndarray, expected: np.ndarray) -> None:
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_python(model, pair, edit, expected):
    translator = Translator(model, crop="none", log_notes=False)
    result = translator.translate(pair[0], {"hair": edit}, exemplar=translator.encode_exemplar(pair[1]))
    close(result.image, expected)
    np.testing.assert_allclose(result.input_masks["hair"], edit, atol=1e-6)


@pytest.mark.parametrize("model", ["hair by curves, smile free"], indirect=True)  # has both painters
def test_light(model, pair, edit, expected):
    """The same by LiteRT, with the graph of the architecture and the model's weights in it."""
    for name in ("ai_edge_litert", "flatbuffers"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    from export.light_graph import graph_of
    from lomit_tf.engines.light import Graph, LightInference
    from lomit_tf.engines.outline import Outline

    before = [v.numpy().copy() for v in model.inference_generator.variables]
    graph = Graph.from_bytes(graph_of(model).to_bytes())
    for kept, variable in zip(before, model.inference_generator.variables, strict=True):
        np.testing.assert_array_equal(kept, variable.numpy())
    translator = Translator(model, crop="none", log_notes=False)
    translator.inference = LightInference(Outline.of(model.config), graph.filled(before))
    result = translator.translate(pair[0], {"hair": edit}, exemplar=translator.encode_exemplar(pair[1]))
    close(result.image, expected)


def test_server(model, pair, edit, expected):
    pytest.importorskip("orjson", reason="orjson is not installed (extra serve)")
    from lomit_tf.serving.engine import Engine

    engine = Engine(model, max_pixels=1_000_000)
    image, exemplar = (np.asarray(preprocess.to_model_range(x)) for x in pair)
    edits = np.stack([edit, np.full_like(edit, -1.0)], axis=-1)
    instance = {"image": image, "exemplar": exemplar, "image_masks": edits}
    item = engine.prepare(engine.signatures["translate"], instance, "instance 0")
    answer = engine.answer(item, engine.run([item])[0])
    close(preprocess.from_model_range(answer["translation"]).numpy(), expected)
    np.testing.assert_allclose(answer["image_masks"][..., 0], edit, atol=1e-6)


def test_saved_model(model, pair, edit, expected, tmp_path):
    saved_model = pytest.importorskip("export.saved_model", reason="the export extra is not installed")
    path = saved_model.write_saved_model(model, tmp_path)
    translate = tf.saved_model.load(str(path)).signatures["translate"]
    image, exemplar = (preprocess.to_model_range(x[None]) for x in pair)
    edits = np.stack([edit, np.full_like(edit, -1.0)], axis=-1)[None]
    answer = translate(
        image=image, exemplar=exemplar, image_masks=tf.constant(edits), exemplar_masks=-tf.ones((1, 1, 1, 1)),
        transfer=tf.ones((1, 2)),
    )  # fmt: skip
    close(preprocess.from_model_range(answer["translation"])[0].numpy(), expected)
    np.testing.assert_allclose(answer["image_masks"][0, ..., 0], edit, atol=1e-6)


def translated_by_files(mask_net, generator, pair, edit, choices, near=()) -> np.ndarray:
    """Both files as an application uses them: masks, the person's edit among them, then the translation."""
    image, exemplar = (np.asarray(preprocess.to_model_range(x[None])) for x in pair)
    complete = []
    for x, given in ((image, {0: edit}), (exemplar, {})):
        found = mask_net.run({"image": x})["masks"][0]
        with_background = np.concatenate([found, 1 - found.sum(-1, keepdims=True)], axis=-1)
        complete.append(mask_edits.replace(with_background, given, near)[None, ..., :-1])
    feed = {"image": image, "exemplar": exemplar, "image_masks": complete[0], "exemplar_masks": complete[1], **choices}
    return preprocess.from_model_range(generator.run(feed)["translation"])[0].numpy()


@pytest.fixture(scope="module")
def runtimes():
    """`export.runtimes`, with all that exporting and running files needs."""
    for name in ("ai_edge_litert", "onnxruntime", "tf2onnx", "ai_edge_quantizer"):
        pytest.importorskip(name, reason=f"{name} is not installed (extra export)")
    from export import runtimes

    return runtimes


@pytest.mark.parametrize("format", ["onnx", "tflite"])
def test_files(model, pair, edit, expected, runtimes, format, tmp_path):
    from export import artefacts, graphs, onnx_models, tflite

    runs, module = {}, graphs.MobileModule(model)
    for part in artefacts.PARTS:
        path = tmp_path / f"{part}.{format}"
        if format == "onnx":
            onnx_models.write_onnx(model, part, path)
        else:
            path.write_bytes(tflite.convert(module, part))
        runs[part] = runtimes.load(path, part)
    files_are_close(runs, graphs.choices(model, 1), model, pair, edit, expected)


def files_are_close(runs, choices, model, pair, edit, expected) -> None:
    """Both files give what the core gives, of the exemplar and, in models with colour groups, of COLOUR."""
    close(translated_by_files(runs["mask_net"], runs["generator"], pair, edit, choices), expected)
    if "colours" in choices:
        set_colour(choices)
        found = translated_by_files(runs["mask_net"], runs["generator"], pair, edit, choices)
        close(found, in_colour(model, pair[0], edit))


@pytest.mark.parametrize("model", ["hair by curves, smile free"], indirect=True)
def test_java(model, pair, edit, expected, runtimes):
    """What TwoPaintersTest feeds and expects is what today's core takes and gives, its two TFLite files too."""
    from export import artefacts, graphs

    stored = {name: golden(f"painters_{name}.png") for name in ("input", "exemplar", "made", "colour")}
    np.testing.assert_array_equal([stored["input"], stored["exemplar"]], pair)
    close(stored["made"], expected)
    close(stored["colour"], in_colour(model, pair[0], edit))
    runs = {part: runtimes.load(GOLDEN / f"painters_{part}.tflite", part) for part in artefacts.PARTS}
    files_are_close(runs, graphs.choices(model, 1), model, pair, edit, expected)


def golden(name: str) -> np.ndarray:
    with Image.open(GOLDEN / name) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("name", ["drawn_faces", "celeba_mobile"])
def test_int8_of_shipped_weights(name, edit, runtimes, tmp_path):
    """The thresholds of an export, for one picture: drawn faces by files made here, a portrait by the app's own."""
    from export import artefacts, compare, graphs, tflite
    from export.exporting import calibration_feeds

    model = lomit_tf.load(name)
    if name == "celeba_mobile":  # calibrated on CelebA, which is not here
        folder, translator = DEMO / "assets", Translator(model, log_notes=False)
        images = np.stack([translator.prepare(portraits.PORTRAITS[who]).pixels for who in portraits.PORTRAITS])
        edit = np.kron(edit, np.ones([images.shape[1] // SIZE] * 2, edit.dtype))
    else:
        folder, module = tmp_path, graphs.MobileModule(model)
        images = np.asarray(preprocess.to_model_range(draw(range(20_000_000, 20_000_016), size=SIZE).images))
        feeds = calibration_feeds(model, images)
        for part in artefacts.PARTS:
            made = tflite.quantise(tflite.convert(module, part), "int8", feeds[part])
            (folder / f"{part}_int8.tflite").write_bytes(made)
    runs = {part: runtimes.load(folder / f"{part}_int8.tflite", part) for part in artefacts.PARTS}
    pair = [preprocess.from_model_range(image).numpy() for image in images[:2]]
    choices, near = graphs.choices(model, 1), model.config.boxes
    found = translated_by_files(runs["mask_net"], runs["generator"], pair, edit, choices, near)
    _, expected = by_core(model, pair, edit)
    assert np.abs(expected.astype(int) - pair[0]).max() > 20  # something happens
    masks = [(runs["mask_net"].run({"image": x[None]})["masks"], graphs.mask_net(model, x[None])) for x in images[:2]]
    ours, keras_own = (np.concatenate([np.asarray(pair[i]) for pair in masks]) for i in (0, 1))
    row = {
        "name": name, "variant": "int8", "image": compare.errors(found / 127.5, expected / 127.5),
        "iou": compare.iou(ours, keras_own),
    }  # fmt: skip
    thresholds = compare.acceptance(row, None)
    assert len(thresholds) == 2 and all(one.holds for one in thresholds), [str(one) for one in thresholds]


def set_colour(choices) -> None:
    """COLOUR for the hair, and nothing of the smile."""
    choices["colours"][0, 0] = colours.moments(colours.parse(COLOUR))
    choices["transfer"][0, 1] = 0


def in_colour(model, image, edit) -> np.ndarray:
    """What the core makes of the colour as the Translator encodes it."""
    styles = Translator(model, log_notes=False).encode_colour(COLOUR).styles
    edits = np.stack([edit, np.full_like(edit, -1.0)], axis=-1)[None]
    x = np.asarray(preprocess.to_model_range(image[None]))
    made = core.apply_styles(model.inference_generator, x, styles[None], np.float32([[1, 0]]), edits=edits)
    result = preprocess.from_model_range(np.asarray(made.image))[0].numpy()
    assert np.abs(result.astype(int) - image).max() > 20  # something happens
    return result
