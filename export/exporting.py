"""Write every format of a model into a folder, compare each with the model, and only then give the folder its name."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from export import bundle, graphs, metadata, parity, pictures, tflite
from export.artefacts import PARTS, VARIANTS, file_name
from export.models import load_model
from export.options import Options
from lomit_tf.model import Lomit
from lomit_tf.settings.methods import DEFAULT

PACKAGES = ("lomit_tf", "tensorflow", "keras", "ai-edge-litert", "ai-edge-quantizer", "onnx", "onnxruntime", "tf2onnx")


class ParityError(RuntimeError):
    """An artefact that misses its tolerance; the message names it, the number and where the files lie."""


def export(options: Options, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Export as the options say; the report of `parity.examine`.

    Everything is written beside `out` and takes that name when all of it is whole and within its tolerance.

    Raises:
        ConfigError, DataError, CorruptImageError: options, model or data that cannot be used.
        ParityError: an artefact misses its tolerance. Its folder is kept as `out`.failed, and `out` is not made.
    """
    options.check()
    model = load_model(options.model, options.image_size)
    options.check_method(model.config.model.method)
    if model.config.model.method != DEFAULT:
        return _export_method(options, model, say)
    if options.classifier:
        parity.independent(options.classifier, model)  # before anything slow
    images = _calibration(options, model) if _needs_calibration(options) else None
    options.out.parent.mkdir(parents=True, exist_ok=True)
    partial = options.out.with_name(f".{options.out.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        _write(options, model, images, partial, say)
        say("comparing with the Keras model")
        report = parity.examine(
            partial, model, options.samples, options.data_dir, options.classifier, latency=options.latency
        )
        parity.write_report(partial, report)
        missed = [
            threshold["text"] for threshold in report["acceptance"] if threshold["fatal"] and not threshold["holds"]
        ]
        if missed:
            aside = _free(options.out.with_name(options.out.name + ".failed"))
            os.replace(partial, aside)
            raise ParityError(f"{'; '.join(missed)}. The files are kept in {aside}, {options.out} was not made")
        if options.out.exists():
            options.out.rmdir()  # empty, by Options.check
        os.replace(partial, options.out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return report


def _export_method(options: Options, model: Any, say: Callable[[str], None]) -> dict[str, Any]:
    """A model of another method: its SavedModel, compared with the Keras model. Errors as of `export`."""
    from export.method_model import compared, write_method

    partial = options.out.with_name(f".{options.out.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        say("SavedModel")
        found = compared(model, write_method(model, partial / "saved_model"))
        if not found["holds"]:
            aside = _free(options.out.with_name(options.out.name + ".failed"))
            os.replace(partial, aside)
            raise ParityError(f"{found['text']}. The files are kept in {aside}, {options.out} was not made")
        names = "".join(f"{name}\n" for name in model.group_names)
        (partial / metadata.LABELS_FILE).write_text(names, encoding="utf-8")
        (partial / "report.md").write_text(f"# {model.facts.title}\n\n{found['text']}\n", encoding="utf-8")
        if options.out.exists():
            options.out.rmdir()  # empty, by Options.check
        os.replace(partial, options.out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return {"acceptance": [found]}


def _needs_calibration(options: Options) -> bool:
    return "tflite" in options.formats and "int8" in options.quantize


def _calibration(options: Options, model: Lomit) -> np.ndarray:
    """Representative images (N, S, S, 3): the folder's, the data set's, or drawn faces."""
    data = model.config.data
    if options.calibration:
        return pictures.from_folder(options.calibration, data, options.calibration_images)
    return pictures.of_data(data, "train", options.calibration_images, options.data_dir).image


def _write(options: Options, model: Lomit, images: np.ndarray | None, folder: Path, say: Callable[[str], None]) -> None:
    if "savedmodel" in options.formats:
        from export.saved_model import write_saved_model

        say("SavedModel")
        write_saved_model(model, folder / "saved_model")
    if "onnx" in options.formats:
        from export.onnx_models import write_onnx

        (folder / "onnx").mkdir()
        for part in PARTS:
            say(f"ONNX: {part}")
            write_onnx(model, part, folder / "onnx" / f"{part}.onnx")
    if "tflite" in options.formats:
        (folder / "tflite").mkdir()
        write_tflite(model, folder / "tflite", options.quantize, images, say)
    (folder / metadata.LABELS_FILE).write_text("".join(f"{name}\n" for name in model.group_names), encoding="utf-8")
    versions = {}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    place = str(Path(options.model).absolute()) if Path(options.model).exists() else options.model
    bundle.write_manifest(folder, place, model.config, versions)


def write_tflite(
    model: Lomit, folder: Path, quantize: tuple[str, ...], images: np.ndarray | None, say: Callable[[str], None]
) -> None:
    """Both parts in the wanted variants, and in float32 to compare with; `images` (N, S, S, 3) calibrate int8."""
    module = graphs.MobileModule(model)
    version = importlib.metadata.version("lomit_tf")
    variants = [variant for name, variant in VARIANTS.items() if name in quantize or name == "none"]
    feeds = calibration_feeds(model, images) if images is not None else {}
    for part in PARTS:
        float32 = tflite.convert(module, part)
        for variant in variants:
            say(f"TFLite: {part} {variant}")
            made = tflite.quantise(float32, variant, feeds.get(part, ()))
            size, groups = model.config.data.image_size, len(model.group_names)
            parts = tuple(model.inference_generator.parts(size))
            described = metadata.infos(part, variant, size, groups, version, parts)
            path = folder / file_name(part, variant)
            path.write_bytes(metadata.add_metadata(made, described, model.group_names))


def calibration_feeds(model: Lomit, images: np.ndarray) -> Mapping[str, list[dict[str, np.ndarray]]]:
    """Calibration inputs of both parts: every image, and every image with the one before it as its exemplar."""
    masks = np.concatenate([np.asarray(graphs.mask_net(model, image[None])) for image in images])
    parts: dict[str, list[dict[str, np.ndarray]]] = {"mask_net": [], "generator": []}
    for i, image in enumerate(images):
        parts["mask_net"].append({"image": image[None]})
        parts["generator"].append(
            {
                "image": image[None], "exemplar": images[i - 1][None], "image_masks": masks[i][None],
                "exemplar_masks": masks[i - 1][None], **graphs.choices(model, 1),
            }
        )  # fmt: skip
    return parts


def _free(path: Path) -> Path:
    """The path, with a number where it is taken."""
    found, number = path, 1
    while found.exists():
        number += 1
        found = path.with_name(f"{path.name}-{number}")
    return found


def quieten() -> None:
    """Converters log every step of theirs."""
    for name in ("tensorflow", "tf2onnx", "absl"):
        logging.getLogger(name).setLevel(logging.ERROR)


__all__ = ["Options", "ParityError", "export", "load_model", "quieten", "write_tflite"]
