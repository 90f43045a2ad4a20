"""ONNX files of mask net and generator, by tf2onnx."""

from __future__ import annotations

from pathlib import Path

import onnx
import tensorflow as tf
import tf2onnx

from export.graphs import generator, generator_inputs, input_specs, mask_net
from lomit_tf.model import Lomit
from lomit_tf.networks.blocks import kernels_as_they_are

OPSET = 18  # the highest that tf2onnx 1.17 writes


def write_onnx(model: Lomit, part: str, path: Path) -> Path:
    """Write `mask_net` or `generator` with named inputs and outputs and dynamic batch; checked by onnx.checker."""
    specs = input_specs(model, batch=None)
    if part == "mask_net":
        names: tuple[str, ...] = ("image",)
        function = tf.function(lambda image: {"masks": mask_net(model, image)}, autograph=False)
    else:
        names = generator_inputs(model)
        function = tf.function(
            lambda *tensors: generator(model, **dict(zip(names, tensors, strict=True))), autograph=False
        )
    with kernels_as_they_are():  # sums of their taps would be constants, of more bytes than the kernels
        proto, _ = tf2onnx.convert.from_function(
            function, input_signature=[specs[name] for name in names], opset=OPSET, output_path=None
        )
    proto.producer_name, proto.doc_string = "lomit_tf", f"{part} of LOMIT, images (N, H, W, 3) in [-1, 1]"
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, str(path))
    return path
