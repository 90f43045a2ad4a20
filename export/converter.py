"""TFLite's converter, as every file of this project is made: by way of a SavedModel, of builtin ops alone."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from lomit_tf.networks.blocks import kernels_as_they_are


def converted(module: tf.Module, signatures: Mapping[str, Any], *, halved: bool = False) -> bytes:
    """Functions of a module as the signatures of one float32 TFLite file, whose weights they share.

    By way of a SavedModel: the converter's from_concrete_functions loses the weights of tf.Module trees silently.
    Convolutions keep their kernels: sums of their taps would be constants, of more bytes than the kernels.

    Args:
        module: which tracks the weights.
        signatures: name in the file -> a tf.function with an input signature.
        halved: store weights in 16 bits. What is computed stays float32.

    Raises RuntimeError when the result needs an op that is not a TFLite builtin.
    """
    with tempfile.TemporaryDirectory() as folder:
        with kernels_as_they_are():
            tf.saved_model.save(module, folder, signatures=dict(signatures))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(signatures))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if halved:
            converter.optimizations, converter.target_spec.supported_types = [tf.lite.Optimize.DEFAULT], [tf.float16]
        made: bytes = converter.convert()
        return made
