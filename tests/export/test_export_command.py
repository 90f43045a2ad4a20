"""`python -m export`: what it refuses, what it does with a miss, and every shipped model through it."""

# ruff: noqa: E402

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

for package in ("ai_edge_litert", "ai_edge_quantizer", "onnx", "onnxruntime", "tf2onnx"):
    pytest.importorskip(package, reason=f'{package} is not installed; pip install -c constraints.txt -e ".[export]"')

from export import __main__ as command
from export import compare, exporting, graphs
from lomit_tf import zoo


def test_a_miss_fails_and_keeps_the_files_aside(served_workdir, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(compare, "EXACT", 1e-12)  # what no other runtime can meet
    out = tmp_path / "out"
    flags = ["--formats=tflite", "--quantize=none", "--samples=1", "--no_latency"]
    assert command.run([f"--model={served_workdir}", f"--out={out}", *flags]) == 1
    assert "MISSED" in capsys.readouterr().err
    assert not out.exists() and (tmp_path / "out.failed" / "tflite" / "generator.tflite").is_file()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--model=no/such/model"], "--model: there is nothing at no/such/model"),
        (["--out=/proc/out"], "--out=/proc/out cannot be written: "),
        (["--classifier={empty}"], "no classifier at "),
        (["--formats=coreml"], "--formats: received 'coreml'; choose from savedmodel, tflite, onnx"),
        (["--quantize=int4"], "--quantize: received 'int4'; choose from none, float16, dynamic, int8"),
        (["--calibration={empty}"], "no images there"),
        (["--calibration={empty}/none"], "no such folder"),
        (["--image_size=100"], "--image_size must be divisible by 64"),
        (["--out={full}"], "is not an empty folder"),
        (["--samples=0"], "--samples must be at least 1; received 0"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(served_workdir, tmp_path, capsys, flags, said):
    empty, full, out = tmp_path / "empty", tmp_path / "full", tmp_path / "out"
    empty.mkdir()
    full.mkdir()
    (full / "file").write_text("mine")
    given = [flag.format(empty=empty, full=full) for flag in flags]
    for default in (f"--model={served_workdir}", f"--out={out}"):
        if not any(flag.startswith(default.partition("=")[0]) for flag in given):
            given.append(default)
    assert command.run(given) == 2
    error = capsys.readouterr().err.strip()
    assert said in error and error.startswith("export: ") and "\n" not in error
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "full"]


def test_another_image_size_keeps_the_weights(served_workdir):
    own, resized = (exporting.load_model(str(served_workdir), size) for size in (0, 128))
    image = np.zeros((1, 128, 128, 3), "float32")
    assert own.config.data.image_size == 64 and graphs.mask_net(resized, image).shape == (1, 128, 128, 2)
    for a, b in zip(resized.inference_generator.variables, own.inference_generator.variables, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", [zoo.DEFAULT, "drawn_faces_mobile"])
def test_the_models_in_use_export_within_their_tolerances(name, tmp_path):
    """As a phone's files; test_export.py has all formats."""
    dataset = zoo.load(name).config.data.dataset
    shared = Path(os.environ.get("LOMIT_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    data_dir = "" if dataset == "drawn_faces" else str(shared / "data" / "celeba")
    if data_dir and not Path(data_dir).is_dir():
        pytest.skip(f"{name} is calibrated and compared on CelebA, and there is none in {data_dir}")
    options = exporting.Options(
        name, tmp_path / name, samples=8, latency=False, data_dir=data_dir,
        formats=("tflite",), quantize=("none", "int8"), calibration_images=16,
    )  # fmt: skip
    report = exporting.export(options, lambda line: None)
    assert all(threshold["holds"] for threshold in report["acceptance"] if threshold["fatal"])
