"""TFLite files of mask net and generator: conversion, and the quantised variants."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert.tools import flatbuffer_utils
from ai_edge_quantizer import qtyping, quantizer

from export.artefacts import VARIANTS
from export.compact import compact, name_tensors
from export.converter import converted
from export.graphs import MobileModule

SIGNATURE = "serving_default"
Feeds = Sequence[Mapping[str, np.ndarray]]


def convert(module: MobileModule, part: str) -> bytes:
    """One function of the module as a float32 TFLite model of builtin ops, with named inputs and outputs.

    Raises RuntimeError when the result needs an op that is not a TFLite builtin.
    """
    return name_tensors(converted(module, {SIGNATURE: getattr(module, part)}))


def quantise(model: bytes, variant: str, feeds: Feeds = ()) -> bytes:
    """A variant of a float32 model; inputs and outputs stay float32.

    Args:
        model: what `convert` gives.
        variant: float32, float16 (weights), dynamic (int8 weights, activations quantised at run time) or int8
            (dynamic, and static ranges where they do no harm, see `inner_convolutions`).
        feeds: representative inputs, for int8 only.

    Raises:
        ValueError: an unknown variant, or int8 without feeds.
    """
    if variant == "float32":
        return compact(model)
    if variant not in VARIANTS.values():
        raise ValueError(f"variant must be one of {', '.join(VARIANTS.values())}; received {variant!r}")
    if variant == "int8" and not feeds:
        raise ValueError("int8 needs representative inputs, received none")
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder) / "model.tflite"
        path.write_bytes(model)
        work = quantizer.Quantizer(path)
        operations = qtyping.TFLOperationName
        if variant == "float16":
            work.load_quantization_recipe(_float16_recipe())
        elif variant == "dynamic":
            work.add_dynamic_config(".*", operations.ALL_SUPPORTED, 8)
        else:  # the later rule wins
            work.add_dynamic_config(".*", operations.ALL_SUPPORTED, 8)
            for name in inner_convolutions(model):
                work.add_static_config(f"^{name};?$", operations.CONV_2D, 8, 8)
        calibration = work.calibrate({SIGNATURE: list(feeds)}, num_threads=1) if variant == "int8" else None
        return compact(bytes(work.quantize(calibration).quantized_model))


def _float16_recipe() -> list[dict[str, object]]:
    weights = {"num_bits": 16, "dtype": "FLOAT"}
    config = {"weight_tensor_config": weights, "compute_precision": "FLOAT", "explicit_dequantize": True}
    names = ("CONV_2D", "FULLY_CONNECTED")
    return [{"regex": ".*", "operation": name, "algorithm_key": "float_casting", "op_config": config} for name in names]


def inner_convolutions(model: bytes) -> list[str]:
    """Names of the outputs of the convolutions that int8 computes with static ranges.

    Those are the normalised ones between feature maps. The convolutions that read or make pixels (at most 3 channels
    on one side) and all of the style path (no normalisation, outputs far from uniform) keep ranges found at run time:
    as static ones they cost 12 dB of the picture and save no time (docs/export.md).
    """
    tree = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    graph = tree.subgraphs[0]
    kind = [flatbuffer_utils.opcode_to_name(tree, operator.opcodeIndex) for operator in graph.operators]
    averaged = {operator.inputs[0] for operator, name in zip(graph.operators, kind, strict=True) if name == "MEAN"}
    found = []
    for operator, name in zip(graph.operators, kind, strict=True):
        if name == "CONV_2D" and operator.outputs[0] in averaged:
            outputs, _, _, inputs = graph.tensors[operator.inputs[1]].shape
            if min(outputs, inputs) > 3:
                found.append(graph.tensors[operator.outputs[0]].name.decode())
    return found


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The quantiser shows progress bars and a summary of each file, whatever its verbosity."""
    with (
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield
