"""One way to call every format: masks of images, and translations of images, exemplars and masks. NumPy in and out."""

from __future__ import annotations

import collections
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

Feed = Mapping[str, np.ndarray]


class Runtime(Protocol):
    """A loaded artefact."""

    def run(self, feed: Feed) -> dict[str, np.ndarray]:
        """Named inputs (B, ...) -> named outputs."""


class TFLite:
    """A TFLite file on the LiteRT interpreter with XNNPACK; one image at a time, bound by name."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(str(path), num_threads=threads)
        self._interpreter.allocate_tensors()
        self._runner = self._interpreter.get_signature_runner()

    def run(self, feed: Feed) -> dict[str, np.ndarray]:
        """As Runtime."""
        count = len(next(iter(feed.values())))
        results = [self._runner(**{name: value[i : i + 1] for name, value in feed.items()}) for i in range(count)]
        return {name: np.concatenate([np.array(one[name]) for one in results]) for name in results[0]}

    def operations(self) -> tuple[dict[str, int], int]:
        """Count of every op of the graph, and of the parts of it that the XNNPACK delegate took."""
        counts = collections.Counter(op["op_name"] for op in self._interpreter._get_ops_details())
        return dict(counts), counts.pop("DELEGATE", 0)


class Onnx:
    """An ONNX file on onnxruntime's CPU provider."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(self, feed: Feed) -> dict[str, np.ndarray]:
        """As Runtime."""
        names = [output.name for output in self._session.get_outputs()]
        return dict(zip(names, self._session.run(names, dict(feed)), strict=True))


class SavedModelRuntime:
    """A signature of a SavedModel; `part` is mask_net (masks) or generator (translate)."""

    def __init__(self, path: Path, part: str, threads: int = 0) -> None:
        import tensorflow as tf

        if threads:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        self._tf, self._model = tf, tf.saved_model.load(str(path))
        self._function = self._model.signatures["masks" if part == "mask_net" else "translate"]

    def run(self, feed: Feed) -> dict[str, np.ndarray]:
        """As Runtime."""
        # It takes a colour that is set as a style (signature apply), so that `translate` has no input for one.
        tensors = {name: self._tf.constant(value) for name, value in feed.items() if name != "colours"}
        return {name: value.numpy() for name, value in self._function(**tensors).items()}


def load(path: Path, part: str, threads: int = 0) -> Any:
    """The artefact at `path` on its runtime: .tflite, .onnx, or a SavedModel's folder.

    `threads`: 0 for one, or for what TensorFlow was set to; any other number only before TensorFlow's first operation.

    Raises ValueError for any other path.
    """
    if path.suffix == ".tflite":
        return TFLite(path, max(1, threads))
    if path.suffix == ".onnx":
        return Onnx(path, max(1, threads))
    if (path / "saved_model.pb").is_file():
        return SavedModelRuntime(path, part, threads)
    raise ValueError(f"{path} is no .tflite file, .onnx file or SavedModel folder")


def onnx_operations(path: Path) -> dict[str, int]:
    """Count of every op of an ONNX file."""
    import onnx

    return dict(collections.Counter(node.op_type for node in onnx.load(str(path)).graph.node))
