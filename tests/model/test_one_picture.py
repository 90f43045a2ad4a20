"""One picture, one exemplar and one edited mask give one translation, whoever is asked: Python, with TensorFlow and
with LiteRT, the server, SavedModel, TFLite and ONNX. The Java core is asked the same in android_demo/core/javatests
(tools/android/golden.py)."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from lomit_tf import core
from lomit_tf.data import preprocess
from lomit_tf.data.drawn_faces import draw
from lomit_tf.imaging import colours, paste_back
from lomit_tf.imaging import given_masks as mask_edits
from lomit_tf.model import Lomit
from lomit_tf.photos.translator import Translator

SIZE = 64
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
    """A hair mask that a person painted: a soft disc, elsewhere nothing."""
    y, x = np.mgrid[:SIZE, :SIZE]
    return np.clip(1.5 - np.hypot(y - 20, x - 30) / 14, 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def expected(model, pair, edit) -> np.ndarray:
    """The translation as the core gives it, (64, 64, 3) uint8, and what the edit must have become."""
    image, exemplar = (np.asarray(preprocess.to_model_range(x[None])) for x in pair)
    edits = np.stack([edit, np.full_like(edit, -1.0)], axis=-1)[None]
    g = model.inference_generator
    painting = core.apply_styles(g, image, core.encode_exemplar(g, exemplar)[0], edits=edits)
    masks = np.asarray(painting.masks)[0]
    np.testing.assert_allclose(masks[..., 0], edit, atol=1e-6)
    made = preprocess.from_model_range(np.asarray(painting.image))[0].numpy()
    assert np.abs(made.astype(int) - pair[0]).max() > 20  # something happens
    return made


def close(found: np.ndarray, expected: np.ndarray) -> None:
    assert np.abs(found.astype(int) - expected).max() <= 1


def test_python(model, pair, edit, expected):
    translator = Translator(model, crop="none", log_notes=False)
    result = translator.translate(pair[0], {"hair": edit}, exemplar=translator.encode_exemplar(pair[1]))
    # A group changes nothing below the mask floor; there the composite may differ by the floor's share of its change.
    above = np.all([mask >= paste_back.MASK_FLOOR for mask in result.input_masks.values()], axis=0)
    assert above.mean() > 0.1
    close(result.image[above], expected[above])
    assert np.abs(result.image.astype(int) - expected).max() <= 2 * 255 * paste_back.MASK_FLOOR
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
    above = np.all([mask >= paste_back.MASK_FLOOR for mask in result.input_masks.values()], axis=0)
    close(result.image[above], expected[above])
    assert np.abs(result.image.astype(int) - expected).max() <= 2 * 255 * paste_back.MASK_FLOOR


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


def translated_by_files(mask_net, generator, pair, edit, choices) -> np.ndarray:
    """Both files as an application uses them: masks, the person's edit among them, then the translation."""
    image, exemplar = (np.asarray(preprocess.to_model_range(x[None])) for x in pair)
    complete = []
    for x, given in ((image, {0: edit}), (exemplar, {})):
        found = mask_net.run({"image": x})["masks"][0]
        with_background = np.concatenate([found, 1 - found.sum(-1, keepdims=True)], axis=-1)
        complete.append(mask_edits.replace(with_background, given)[None, ..., :-1])
    feed = {"image": image, "exemplar": exemplar, "image_masks": complete[0], "exemplar_masks": complete[1], **choices}
    return preprocess.from_model_range(generator.run(feed)["translation"])[0].numpy()


@pytest.mark.parametrize("format", ["onnx", "tflite", "int8"])
def test_files(model, pair, edit, expected, format, tmp_path):
    for name in ("ai_edge_litert", "onnxruntime", "tf2onnx", "ai_edge_quantizer"):
        pytest.importorskip(name, reason=f"{name} is not installed (extra export)")
    from export import artefacts, graphs, onnx_models, runtimes, tflite
    from export.exporting import calibration_feeds

    runs = {}
    module = graphs.MobileModule(model)
    images = np.stack([np.asarray(preprocess.to_model_range(x)) for x in pair])
    feeds = calibration_feeds(model, images)
    for part in artefacts.PARTS:
        path: Path = tmp_path / f"{part}.{'onnx' if format == 'onnx' else 'tflite'}"
        if format == "onnx":
            onnx_models.write_onnx(model, part, path)
        else:
            variant = "float32" if format == "tflite" else "int8"
            path.write_bytes(tflite.quantise(tflite.convert(module, part), variant, feeds[part]))
        runs[part] = runtimes.load(path, part)
    choices = graphs.choices(model, 1)
    found = translated_by_files(runs["mask_net"], runs["generator"], pair, edit, choices)
    if "colours" in choices:
        set_colour(choices)
        close_to_quantised(
            translated_by_files(runs["mask_net"], runs["generator"], pair, edit, choices),
            in_colour(model, pair[0], edit), format,
        )  # fmt: skip
    close_to_quantised(found, expected, format)


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


def close_to_quantised(found, expected, format) -> None:
    """Within 1 of 255, and for int8 within what an untrained network leaves."""
    from export import compare

    if format == "int8":  # an untrained network is the quantiser's hardest case: half of the acceptance in decibels
        errors = compare.errors(found / 127.5, expected / 127.5)
        assert errors["psnr"] >= compare.LEAST_PSNR["int8"] - 6
    else:
        close(found, expected)
