"""TFLite files: compaction, quantised variants, metadata as tflite-support reads it."""

# ruff: noqa: E402
from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

for package in ("ai_edge_litert", "ai_edge_quantizer"):
    pytest.importorskip(package, reason=f'{package} is not installed; pip install -c constraints.txt -e ".[export]"')

import keras
from ai_edge_litert.tools import flatbuffer_utils

from export import artefacts, compact, compare, exporting, graphs, metadata, pictures, runtimes, tflite
from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data.preprocess import CorruptImageError
from lomit_tf.model import Lomit

SIZE = 64


@pytest.fixture(scope="module")
def model(tiny) -> Lomit:
    keras.utils.set_random_seed(2)
    made = Lomit(tiny(base_channels=8, system="recipe"))
    made.build()
    return made


@pytest.fixture(scope="module")
def images(model) -> np.ndarray:
    return pictures.of_data(model.config.data, "test", 6).image


@pytest.fixture(scope="module")
def float32(model) -> bytes:
    """The mask net, as converted."""
    return tflite.convert(graphs.MobileModule(model), "mask_net")


def masks_of(model: bytes, images: np.ndarray, folder: Path) -> np.ndarray:
    path = folder / "model.tflite"
    path.write_bytes(model)
    return runtimes.load(path, "mask_net").run({"image": images})["masks"]


def test_conversion_computes_what_keras_computes(float32, model, images, tmp_path):
    expected = np.asarray(graphs.mask_net(model, images))
    assert expected.std() > 1e-3, "a constant would prove nothing"
    np.testing.assert_allclose(masks_of(float32, images, tmp_path), expected, atol=1e-5)


def test_compaction_changes_the_size_and_nothing_else(float32, images, tmp_path):
    smaller = compact.compact(float32)
    assert len(smaller) < len(float32)
    np.testing.assert_array_equal(masks_of(smaller, images, tmp_path), masks_of(float32, images, tmp_path))
    graph = flatbuffer_utils.read_model_from_bytearray(bytearray(smaller)).subgraphs[0]
    names = {tensor.name for tensor in graph.tensors} - {None}
    assert names == {b"image", b"masks"}
    assert compact.compact(smaller) == smaller


def test_sharing_vectors_loses_nothing(float32, images, tmp_path):
    """Read back they are the model that a plain writer writes, in fewer bytes; the runtime computes the same."""
    made = tflite.quantise(float32, "int8", [{"image": image[None]} for image in images])
    tree = flatbuffer_utils.read_model_from_bytearray(bytearray(made))
    plain = bytes(flatbuffer_utils.convert_object_to_bytearray(tree))
    shared = compact.pack(tree)
    assert len(shared) < len(plain) - 1000 and shared[4:8] == plain[4:8]
    again = flatbuffer_utils.read_model_from_bytearray(bytearray(shared))
    assert bytes(flatbuffer_utils.convert_object_to_bytearray(again)) == plain
    np.testing.assert_array_equal(masks_of(shared, images, tmp_path), masks_of(plain, images, tmp_path))


@pytest.mark.parametrize(("variant", "psnr", "smaller"), [("float16", 60, 1.5), ("dynamic", 30, 2), ("int8", 25, 2)])
def test_variants_are_smaller_and_near(float32, images, tmp_path, variant, psnr, smaller):
    feeds = [{"image": image[None]} for image in images]
    made = tflite.quantise(float32, variant, feeds if variant == "int8" else ())
    plain = tflite.quantise(float32, "float32")
    assert len(plain) / len(made) > smaller
    error = compare.errors(masks_of(made, images, tmp_path), masks_of(plain, images, tmp_path))
    assert psnr < error["psnr"] < 120, "too far, or not quantised at all"


def test_int8_has_static_ranges_on_inner_convolutions_only(float32, images):
    inner = tflite.inner_convolutions(float32)
    tree = flatbuffer_utils.read_model_from_bytearray(
        bytearray(tflite.quantise(float32, "int8", [{"image": image[None]} for image in images]))
    )
    graph, static = tree.subgraphs[0], 0
    for operator in graph.operators:
        if flatbuffer_utils.opcode_to_name(tree, operator.opcodeIndex) == "CONV_2D":
            read, weights = graph.tensors[operator.inputs[0]], graph.tensors[operator.inputs[1]]
            assert weights.type == 9, "weights are int8"
            static += read.type == 9
    assert static == len(inner) > 0


def test_quantise_says_what_it_needs(float32):
    with pytest.raises(ValueError, match="int8 needs representative inputs"):
        tflite.quantise(float32, "int8")
    with pytest.raises(ValueError, match="received 'int4'"):
        tflite.quantise(float32, "int4")


def test_infos_follow_the_files_own_order(float32):
    info = metadata.infos("generator", "float32", SIZE, 2, "1")
    assert [one.name for one in info.inputs] == ["image", "exemplar", "image_masks", "exemplar_masks", "transfer"]
    with pytest.raises(KeyError):
        metadata.add_metadata(float32, info, ("all",))


def displayed(python: str, path: Path) -> tuple[dict[str, Any], str]:
    """What MetadataDisplayer says of a file: its metadata, and the files within with the labels' content."""
    code = f"""
from tflite_support import metadata
shown = metadata.MetadataDisplayer.with_model_file({str(path)!r})
print(shown.get_metadata_json())
print("FILES", shown.get_packed_associated_file_list(), shown.get_associated_file_buffer("labels.txt"))
"""
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    text, _, files = done.stdout.partition("FILES")
    return json.loads(text), files.strip()


def test_tflite_support_reads_the_metadata(float32, images, tmp_path):
    """With the reader of tflite-support 0.4.4 in an environment of its own (docs/dependencies.md says how)."""
    python = os.environ.get("LOMIT_TFLITE_SUPPORT", "")
    if not python:
        pytest.skip("LOMIT_TFLITE_SUPPORT does not name the Python of an environment with tflite-support 0.4.4")
    path = tmp_path / "mask_net.tflite"
    info = metadata.infos("mask_net", "float32", SIZE, 1, "0.1.0")
    path.write_bytes(metadata.add_metadata(tflite.quantise(float32, "float32"), info, ("hair",)))
    shown, files = displayed(python, path)
    assert files == "['labels.txt'] b'hair\\n'"
    assert (shown["name"], shown["author"], shown["version"]) == ("LOMIT mask_net", metadata.AUTHOR, "0.1.0")
    assert shown["license"] == metadata.LICENSE and shown["min_parser_version"]
    (graph,) = shown["subgraph_metadata"]
    (image,), (masks,) = graph["input_tensor_metadata"], graph["output_tensor_metadata"]
    assert image["name"] == "image" and image["stats"] == {"max": [1.0], "min": [-1.0]}
    assert image["content"]["content_properties"] == {
        "color_space": "RGB", "default_size": {"width": SIZE, "height": SIZE},
    }  # fmt: skip
    assert image["process_units"][0]["options"] == {"mean": [127.5], "std": [127.5]}
    assert masks["associated_files"][0]["name"] == "labels.txt"
    assert masks["associated_files"][0]["type"] == "TENSOR_AXIS_LABELS"
    shipped = Path(__file__).resolve().parents[2] / "android_demo" / "assets"
    edited = {"image_masks", "exemplar_masks"}
    for part, expected in {"mask_net": {"image"}, "generator": {"image", "exemplar", "colours"} | edited}.items():
        shown, files = displayed(python, shipped / f"{part}_int8.tflite")
        assert files == "['labels.txt'] b'hair\\n'" and shown["name"] == f"LOMIT {part}"
        assert {one["name"] for one in shown["subgraph_metadata"][0]["input_tensor_metadata"]} == expected
    np.testing.assert_array_equal(
        runtimes.load(path, "mask_net").run({"image": images})["masks"].shape[1:], (64, 64, 1)
    )


def test_errors_and_overlap_by_hand():
    got, expected = np.array([0.5, -0.5, 0.0]), np.array([0.5, -0.5, 0.2])
    error = compare.errors(got, expected)
    assert error["max"] == pytest.approx(0.2) and error["mean"] == pytest.approx(0.2 / 3)
    assert error["psnr"] == pytest.approx(10 * np.log10(4 / (0.04 / 3)))
    assert compare.errors(got, got)["psnr"] == float("inf")
    assert compare.iou(np.array([0.9, 0.6, 0.1]), np.array([0.9, 0.4, 0.6])) == pytest.approx(1 / 3)
    image = np.zeros((1, 2, 2, 3))
    changed = image.copy()
    changed[0, 0, 0] = 1.0
    assert compare.background_error(changed, image, np.array([[[True, True], [False, False]]])) == pytest.approx(0.25)
    labels, asked = np.array([[1.0, 0.0]]), np.array([[True, True]])
    assert compare.agreement(np.array([[2.0, 3.0]]), labels, asked) == 0.5


@pytest.mark.parametrize(
    ("variant", "error", "holds"), [("int8", 0.2, True), ("int8", 0.3, False), ("float32", 0.01, False)]
)
def test_pixels_that_move_have_to_come_from_the_same_place(variant, error, holds):
    expected = np.zeros((1, 4, 4, 2), np.float32)
    expected[0, 0] = 3, -4
    got = expected + np.float32([0, error])
    got[0, 1:] = 0.7  # in all by less than a pixel: not judged
    row = {
        "name": variant, "variant": variant, "image": {"psnr": 99.0, "max": 0.0, "mean": 0.0}, "iou": 1.0,
        "mask": {"max": 0.0, "mean": 0.0}, "displaced": compare.displacement_error(got, expected),
    }  # fmt: skip
    (judged,) = [threshold for threshold in compare.acceptance(row, None) if "moves" in threshold.name]
    assert (judged.holds, judged.fatal) == (holds, True) and judged.value == pytest.approx(error)


def test_bars_hold_and_miss():
    plain = {
        "name": "TFLite float32",
        "variant": "float32",
        "bytes": 700,
        "image": {"max": 2e-3, "mean": 1e-6},
        "mask": {"max": 1e-4, "mean": 2e-5},
    }
    assert [threshold.holds for threshold in compare.acceptance(plain, plain)] == [True, False, False, True]
    row = {"name": "TFLite int8", "variant": "int8", "bytes": 200, "image": {"psnr": 31.9}, "iou": 0.98}
    assert [(threshold.holds, threshold.fatal) for threshold in compare.acceptance(row, plain)] == [
        (False, True),
        (True, True),
        (True, False),
    ]


def test_calibration_images_come_from_a_folder(tmp_path, rng):
    from PIL import Image

    data = DataConfig(image_size=64, crop=0)
    (tmp_path / "deeper").mkdir()
    for name in ("a.png", "deeper/b.jpg", "c.txt"):
        Image.fromarray(rng.integers(0, 256, (80, 70, 3), "uint8")).save(tmp_path / name, "PNG")
    got = pictures.from_folder(str(tmp_path), data, 10)
    assert got.shape == (2, 64, 64, 3) and got.min() >= -1 and got.max() <= 1
    assert pictures.from_folder(str(tmp_path), data, 1).shape[0] == 1
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(CorruptImageError, match=r"empty\.png"):
        pictures.from_folder(str(tmp_path), data, 10)
    with pytest.raises(ConfigError, match="no such folder"):
        pictures.from_folder(str(tmp_path / "none"), data, 10)


def test_pairs_have_other_labels(model):
    pairs = pictures.of_data(model.config.data, "test", 8)
    assert (pairs.labels != pairs.exemplar_labels).any(axis=1).all()
    assert pairs.background.shape == (8, 64, 64) and 0.2 < pairs.background.mean() < 0.95


def test_calibration_feeds_have_every_input_of_batch_one(model, images):
    feeds = exporting.calibration_feeds(model, images)
    assert [len(feeds[part]) for part in artefacts.PARTS] == [6, 6]
    assert {name: value.shape for name, value in feeds["generator"][0].items()} == {
        "image": (1, 64, 64, 3), "exemplar": (1, 64, 64, 3), "image_masks": (1, 64, 64, 1),
        "exemplar_masks": (1, 64, 64, 1),
    }  # fmt: skip


def test_latency_and_memory_are_measured_apart(float32, images, tmp_path):
    from export import measure

    path, feed = tmp_path / "mask_net.tflite", tmp_path / "feed.npz"
    path.write_bytes(float32)
    np.savez(feed, image=images[:1])
    found = measure.measure_apart(path, "mask_net", feed, 1)
    assert found["runs"] >= measure.LEAST and found["wall_ms"] > 0 and found["cpu_ms"] > 0
    assert found["peak_mb"] > 0
    with pytest.raises(RuntimeError, match=r"measuring .* failed"):
        measure.measure_apart(tmp_path / "none.tflite", "mask_net", feed, 1)
