"""`python -m export` on the smallest networks with random weights: what is written, and what formats compute."""

# ruff: noqa: E402

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

for package in ("ai_edge_litert", "ai_edge_quantizer", "onnx", "onnxruntime", "tf2onnx"):
    pytest.importorskip(package, reason=f'{package} is not installed; pip install -c constraints.txt -e ".[export]"')

import keras
import tensorflow as tf

from export import __main__ as command
from export import bundle, graphs, parity, pictures, runtimes
from lomit_tf import core
from lomit_tf.config import DataConfig
from lomit_tf.data import preprocess
from lomit_tf.data.drawn_faces import draw
from lomit_tf.evaluation.metrics.attribute_classifier import ClassifierConfig, train_classifier
from lomit_tf.model import Lomit
from lomit_tf.training.checkpoints import Checkpoints, RunState, Workdir

SIZE, GROUPS = 64, "hair: Black_Hair; smile: Smiling"


def encoded(image: np.ndarray, form: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, form, **options)
    return stream.getvalue()


@pytest.fixture(scope="module")
def model(tiny) -> Lomit:
    """Two groups, skips and a composite: every input and every branch of the graphs."""
    keras.utils.set_random_seed(1)
    made = Lomit(tiny(groups=GROUPS, system="recipe"))
    made.compile()
    random = np.random.default_rng(1)
    for value in made.generator.variables:  # norms' scales and offsets too
        value.assign(value + random.normal(0, 0.05, value.shape))
    for average, value in zip(made.ema_generator.variables, made.generator.variables, strict=True):
        average.assign(value)
    return made


@pytest.fixture(scope="module")
def workdir(model, tmp_path_factory) -> Path:
    """A workdir as training leaves it."""
    place = Workdir(tmp_path_factory.mktemp("runs") / "tiny")
    place.prepare(model.config)
    Checkpoints(model, RunState(model.config), place.checkpoints, keep=1).save(1)
    return place.path


@pytest.fixture(scope="module")
def exported(workdir, tmp_path_factory) -> Path:
    """What the command writes for that workdir."""
    out = tmp_path_factory.mktemp("exported") / "out"
    flags = [f"--model={workdir}", f"--out={out}", "--quantize=none,float16", "--samples=3", "--no_latency"]
    assert command.run(flags) == 0
    return out


@pytest.fixture(scope="module")
def faces() -> np.ndarray:
    return draw(range(20_000_000, 20_000_004), size=SIZE).images


@pytest.fixture(scope="module")
def images(faces) -> np.ndarray:
    return np.asarray(preprocess.to_model_range(faces))


def test_everything_is_there_and_nothing_else(exported):
    names = {p.relative_to(exported).as_posix() for p in exported.rglob("*") if p.is_file()}
    expected = {"export.json", "labels.txt", "report.md", "report.json", "parity.png", "onnx/mask_net.onnx"}
    expected |= {f"tflite/{part}{end}.tflite" for part in ("mask_net", "generator") for end in ("", "_float16")}
    expected |= {"onnx/generator.onnx", "saved_model/1/assets.extra/tf_serving_warmup_requests"}
    assert expected <= names
    assert {n for n in names - expected if not n.startswith("saved_model/1/")} == set()
    assert not list(exported.parent.glob(".*partial*"))
    assert (exported / "labels.txt").read_text() == "hair\nsmile\n"


def test_report_holds_all_bars_and_shows_a_picture(exported):
    report = json.loads((exported / "report.json").read_text())
    assert [row["name"] for row in report["rows"]] == [
        "Keras", "SavedModel", "ONNX", "TFLite float32", "TFLite float16",
    ]  # fmt: skip
    assert report["acceptance"] and all(threshold["holds"] for threshold in report["acceptance"])
    float32 = report["rows"][3]
    assert float32["operations"]["mask_net"]["partitions"] == 1, "a delegate refused an op of the mask net"
    assert not {k for k in float32["operations"]["generator"]["kinds"] if k.startswith(("Flex", "CUSTOM", "MIRROR"))}
    with Image.open(exported / "parity.png") as picture:
        assert picture.width > 3 * SIZE


@pytest.mark.parametrize("name", ["onnx/{}.onnx", "tflite/{}.tflite"])
def test_transfer_and_edited_masks_reach_the_generator(exported, model, images, name, rng):
    runtime = runtimes.load(exported / name.format("generator"), "generator")
    masks = rng.uniform(0, 1, (2, 2, SIZE, SIZE, 2)).astype("float32")  # of both images; sums reach 2
    feed = {
        "image": images[:2], "exemplar": images[2:], "image_masks": masks[0], "exemplar_masks": masks[1],
        "transfer": np.array([[1, 0], [0, 1]], "float32"),
    }  # fmt: skip
    expected = graphs.generator(model, *feed.values())["translation"]
    np.testing.assert_allclose(runtime.run(feed)["translation"], expected, atol=1e-4)


@pytest.mark.parametrize("name", ["onnx/{}.onnx", "tflite/{}.tflite", "saved_model/1"])
def test_an_empty_exemplar_mask_transfers_nothing_of_its_group(exported, images, name):
    """As if the group had not been asked for; and with both masks empty the input comes back."""
    runtime = runtimes.load(exported / name.format("generator"), "generator")
    masks = np.full((1, SIZE, SIZE, 2), 0.4, "float32")
    half, none = masks.copy(), np.zeros_like(masks)
    half[..., 0] = 0.01  # nowhere above objectives.EMPTY_MASK

    def translation(exemplar_masks: np.ndarray, *transfer: float) -> np.ndarray:
        feed = {"image": images[:1], "exemplar": images[1:2], "image_masks": masks, "exemplar_masks": exemplar_masks}
        return runtime.run(feed | {"transfer": np.array([transfer], "float32")})["translation"]

    np.testing.assert_array_equal(translation(half, 1, 1), translation(half, 0, 1))
    assert np.abs(translation(masks, 1, 1) - translation(masks, 0, 1)).max() > 0.01, "the group changes nothing anyway"
    half[0, 9, 9, 0] = 0.5  # one pixel is something
    assert np.abs(translation(half, 1, 1) - translation(half, 0, 1)).max() > 0.01
    np.testing.assert_allclose(translation(none, 1, 1), images[:1], atol=1e-6)


def test_an_encoded_exemplar_remembers_that_a_mask_was_empty(signatures, images):
    own, both = tf.fill((1, 1, 1, 1), -1.0), tf.ones((1, 2))
    masks = np.full((1, SIZE, SIZE, 2), 0.4, "float32") * np.array([0, 1], "float32")
    code = signatures["encode_exemplar"](exemplar=tf.constant(images[1:2]), exemplar_masks=tf.constant(masks))["styles"]
    assert not code[0, 0].numpy().any() and code[0, 1].numpy().any()
    image = tf.constant(images[:1])
    applied = [
        signatures["apply"](image=image, styles=code, image_masks=own, transfer=transfer)["translation"]
        for transfer in (both, tf.constant([[0.0, 1.0]]))
    ]
    np.testing.assert_array_equal(*applied)


def test_overlapping_masks_share_the_place():
    masks = tf.constant([[[[0.9, 0.6], [0.25, 0.5]]]])
    np.testing.assert_allclose(core.complete(masks), [[[[0.6, 0.4, 0.0], [0.25, 0.5, 0.25]]]], atol=1e-7)


@pytest.fixture(scope="module")
def signatures(exported):
    return tf.saved_model.load(str(exported / "saved_model" / "1")).signatures


def test_bytes_in_png_out_is_the_whole_way_of_an_image(signatures, model, faces):
    big = [np.asarray(Image.fromarray(face).resize((150, 130), Image.Resampling.BICUBIC)) for face in faces[:2]]
    out = signatures["serving_default"](
        image_bytes=tf.constant([encoded(big[0]), encoded(faces[2])]),
        exemplar_bytes=tf.constant([encoded(big[1]), encoded(faces[3])]), transfer=tf.ones((2, 2)),
    )["translation_bytes"].numpy()  # fmt: skip

    def prepared(picture: np.ndarray) -> tf.Tensor:
        return preprocess.preprocess(picture, model.config.data.crop, SIZE)[None]

    for png, image, exemplar in zip(out, (big[0], faces[2]), (big[1], faces[3]), strict=True):
        expected = preprocess.from_model_range(model.translate(prepared(image), prepared(exemplar))["image"])[0]
        got = np.asarray(Image.open(io.BytesIO(png)))
        assert np.abs(got.astype(int) - np.asarray(expected)).max() <= 1  # a rounding at .5


def test_masks_may_be_left_out_whole_or_in_part(signatures, model, images):
    own, all_groups = tf.fill((1, 1, 1, 1), -1.0), tf.ones((3, 2))
    given = {"image": tf.constant(images[:3]), "exemplar": tf.constant(images[1:]), "transfer": all_groups}
    free = signatures["translate"](image_masks=own, exemplar_masks=own, **given)
    expected = model.translate(images[:3], images[1:], all_groups)
    np.testing.assert_allclose(free["translation"], expected["image"], atol=1e-5)
    np.testing.assert_allclose(free["image_masks"], expected["image_masks"][..., :2], atol=1e-5)
    np.testing.assert_allclose(signatures["masks"](image=given["image"])["masks"], free["image_masks"], atol=1e-6)
    edit = np.full((3, SIZE, SIZE, 2), -1, "float32")
    edit[:, :20] = 0.0  # nothing there, the network's own mask elsewhere
    erased = signatures["translate"](image_masks=tf.constant(edit), exemplar_masks=own, **given)
    assert not erased["image_masks"][:, :20].numpy().any()
    np.testing.assert_allclose(erased["image_masks"][:, 20:], free["image_masks"][:, 20:], atol=1e-6)
    np.testing.assert_allclose(erased["translation"][:, :20], images[:3, :20], atol=1e-6)  # a composite


def test_an_encoded_exemplar_gives_the_same_translation(signatures, images):
    own, transfer = tf.fill((1, 1, 1, 1), -1.0), tf.constant([[1.0, 0.0]])
    whole = signatures["translate"](
        image=tf.constant(images[:1]), exemplar=tf.constant(images[1:2]), image_masks=own, exemplar_masks=own,
        transfer=transfer,
    )  # fmt: skip
    code = signatures["encode_exemplar"](exemplar=tf.constant(images[1:2]), exemplar_masks=own)
    assert code["styles"].shape == (1, 2, 8)
    applied = signatures["apply"](
        image=tf.constant(images[:1]), styles=code["styles"], image_masks=own, transfer=transfer
    )
    np.testing.assert_allclose(applied["translation"], whole["translation"], atol=1e-5)


def test_a_fresh_process_without_lomit_tf_serves_it(exported, tmp_path, faces):
    for name, face in zip("ab", faces, strict=False):
        (tmp_path / f"{name}.png").write_bytes(encoded(face))
    code = f"""
import sys
sys.modules["lomit_tf"] = sys.modules["keras"] = None  # importing either fails
import tensorflow as tf
model = tf.saved_model.load({str(exported / "saved_model" / "1")!r})
read = lambda name: tf.constant([open({str(tmp_path)!r} + "/" + name, "rb").read()])
serve = model.signatures["serving_default"]
out = serve(image_bytes=read("a.png"), exemplar_bytes=read("b.png"), transfer=tf.ones((1, 2)))
print(tf.io.decode_png(out["translation_bytes"][0]).shape, sorted(model.signatures))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "(64, 64, 3) ['apply', 'encode_exemplar', 'masks', 'serving_default', 'translate']" in done.stdout


def test_warmup_requests_are_valid_requests(exported, signatures):
    from export.warmup import PLACE, prediction_log

    records = list(tf.data.TFRecordDataset(str(exported / "saved_model" / "1" / PLACE)).as_numpy_iterator())
    called = []
    for record in records:
        request = prediction_log().FromString(record).predict_log.request
        called.append(request.model_spec.signature_name)
        inputs = {key: tf.constant(tf.make_ndarray(value)) for key, value in request.inputs.items()}
        assert signatures[called[-1]](**inputs)
    assert called == ["serving_default", "translate", "masks", "encode_exemplar"]


def test_labels_travel_in_the_tflite_file(exported):
    for path in (exported / "tflite").glob("*.tflite"):
        with zipfile.ZipFile(path) as archive:
            assert archive.read("labels.txt") == b"hair\nsmile\n"
        assert b"TFLITE_METADATA" in path.read_bytes() and b"M001" in path.read_bytes()


def test_parity_command_notices_changed_and_missing_files(exported, tmp_path, capsys):
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "export.json").write_text((exported / "export.json").read_text())
    assert parity.run([str(copy)]) == 2
    assert "is missing" in capsys.readouterr().err
    assert parity.run([str(tmp_path)]) == 2
    assert "export.json" in capsys.readouterr().err
    with pytest.raises(bundle.ConfigError, match="SHA-256 differs"):
        for name in json.loads((copy / "export.json").read_text())["files"]:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((exported / name).read_bytes() + (b"x" if name == "labels.txt" else b""))
        bundle.read_manifest(copy)


def test_an_independent_classifier_gives_the_success(exported, model, tmp_path, capsys):
    data = DataConfig(dataset="drawn_faces", image_size=64, attributes=("Smiling", "Black_Hair"), train_images=64)
    classifier = train_classifier(
        ClassifierConfig(data, width=8, steps=2), tmp_path / "classifier", command="the test", progress=False
    )
    copy = shutil.copytree(exported, tmp_path / "copy")
    assert parity.run([str(copy), f"--classifier={tmp_path}/classifier", "--samples=4", "--no_latency"]) == 0
    report = json.loads((copy / "report.json").read_text())
    pairs = pictures.of_data(model.config.data, "test", 4, "")
    feed = {n: tf.constant(x) for n, x in (("image", pairs.image), ("exemplar", pairs.exemplar))}
    out = model.translate(feed["image"], feed["exemplar"])["image"]
    seen = classifier.predict(np.asarray(out))[:, [1, 0]] > 0.5
    asked = pairs.labels != pairs.exemplar_labels
    assert report["rows"][0]["success"] == pytest.approx((seen == pairs.exemplar_labels)[asked].mean())
    assert all(row["success"] is not None for row in report["rows"])
    assert str(tmp_path / "classifier") in (copy / "report.md").read_text()
    capsys.readouterr()
    assert parity.run([str(copy), f"--classifier={tmp_path}/none", "--no_latency"]) == 2
    assert "no classifier at" in capsys.readouterr().err
    short = [f"--model={exported}", f"--out={tmp_path}/out", f"--classifier={tmp_path}/none"]
    assert command.run([short[0].replace(str(exported), "drawn_faces"), *short[1:]]) == 2
    assert "no classifier at" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_classifier_that_cannot_be_asked_is_not_named(exported, tiny):
    """Without its data the pairs of a CelebA model are drawn faces, of which it knows no labels."""
    other = Lomit(tiny(dataset="celeb_a", groups=GROUPS, system="recipe"))
    other.build()
    report = parity.examine(exported, other, 2, classifier="some/classifier", latency=False)
    assert report["classifier"] == "not classified with some/classifier: these pairs have no labels"
    assert len(report["rows"]) == 5 and all(row["success"] is None for row in report["rows"])
    own = json.loads((exported / "report.json").read_text())
    judged = own["rows"][0]["success"] is not None
    assert own["classifier"].startswith("the model's own D_cls" if judged else "nobody: the model's own")
