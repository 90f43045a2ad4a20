"""Networks that turn images into feature vectors, for `realism.py`.

Every embedder gets the same: images rounded to 8 bits, as they would be saved, then resized to its input with
antialiasing, then brought to its own range of values.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lomit_tf.config import ConfigError
from lomit_tf.data.preprocess import from_model_range
from lomit_tf.evaluation.metrics.attribute_classifier import AttributeClassifier

RESIZE_FILTER = "bilinear, antialiased (tf.image.resize), after rounding to 8 bits"
INCEPTION = "inception_v3"
INCEPTION_SIZE = (299, 299)
RANGE_HINT = "give --embedder_range=LOW,HIGH, the values that black and white have for it, e.g. -1,1 or 0,1 or 0,255"


@dataclasses.dataclass(frozen=True)
class Embedder:
    """A network from images to features.

    Attributes:
      name: for results: the file's name, or inception_v3.
      input_size: height and width in pixels of its input.
      value_range: the values that it takes for black and for white.
      range_from: where that range comes from.
      run: images (n, *input_size, 3) float32 in value_range -> features (n, D).
      imagenet_inception: whether it is InceptionV3 with ImageNet weights, the one that FID is defined by.
    """

    name: str
    input_size: tuple[int, int]
    value_range: tuple[float, float]
    range_from: str
    run: Callable[[np.ndarray], np.ndarray]
    imagenet_inception: bool = False

    def features(self, images: np.ndarray, batch_size: int = 32) -> np.ndarray:
        """Features (N, D) float64 of images (N, H, W, 3), float in -1..1 (what lies outside is clipped).

        Raises ValueError for other shapes, integer images, none at all, or values that are not finite.
        """
        images = np.asarray(images)
        if images.ndim != 4 or images.shape[-1] != 3 or not len(images):
            raise ValueError(f"images must be (N, H, W, 3) with N > 0; received {images.shape}")
        if not np.issubdtype(images.dtype, np.floating) or not np.isfinite(images).all():
            raise ValueError(f"images must be finite floats in -1..1; received {images.dtype}")
        return np.concatenate([
            np.asarray(self.run(self._prepared(images[start : start + batch_size])), np.float64)
            for start in range(0, len(images), batch_size)
        ])  # fmt: skip

    def _prepared(self, images: np.ndarray) -> np.ndarray:
        """(n, H, W, 3) in -1..1 -> (n, *input_size, 3) in value_range, float32."""
        pixels = tf.cast(from_model_range(images), tf.float32)
        if tuple(pixels.shape[1:3]) != self.input_size:
            pixels = tf.image.resize(pixels, self.input_size, method="bilinear", antialias=True)
        low, high = self.value_range
        return (pixels * ((high - low) / 255) + low).numpy()


def open_embedder(name: str, value_range: tuple[float, float] | None = None) -> Embedder:
    """The embedder that --embedder names.

    Args:
      name: "inception_v3", or a file: a TFLite model (.tflite) or a Keras model (.keras, .h5) from images
        (N, H, W, 3) of a fixed size to features (N, D).
      value_range: what black and white are for it. None: -1..1 for inception_v3; for a TFLite model what its metadata
        say (NormalizationOptions), else what its quantised input can hold. A Keras file does not say, so it is needed.

    Raises ConfigError when there is no such file, no weights to be had, no package to run it, an input or output of
    another form, or no known range.
    """
    if value_range is not None and not (np.isfinite(value_range).all() and value_range[0] < value_range[1]):
        raise ConfigError(f"--embedder_range must be LOW,HIGH with LOW < HIGH; received {value_range}")
    if name == INCEPTION:
        return _inception()
    path = Path(name).expanduser()
    readers = {".tflite": _tflite, ".keras": _keras, ".h5": _keras}
    if path.suffix not in readers:
        raise ConfigError(f"--embedder={name} is neither {INCEPTION} nor a file that ends in {', '.join(readers)}")
    if not path.is_file():
        raise ConfigError(f"--embedder={name}: no such file (looked for {path.absolute()})")
    return readers[path.suffix](path, value_range)


def classifier_embedder(classifier: AttributeClassifier) -> Embedder:
    """The features that an attribute classifier's answers are made of: its last layer before the logits.

    A few logits say which labels a picture has, and next to nothing of what it looks like; the features, hundreds
    of them, see what the classifier learned to see on real images of this kind.
    """
    network = keras.Model(classifier.network.inputs[0], classifier.network.layers[-1].input)
    size = (classifier.image_size, classifier.image_size)
    name = f"attribute classifier of {classifier.record.get('dataset', 'unnamed data')}, the layer before its answers"
    return Embedder(name, size, (-1.0, 1.0), "the classifier", _run_keras(network))


def _inception() -> Embedder:
    try:
        network = keras.applications.InceptionV3(
            include_top=False, weights="imagenet", input_shape=(*INCEPTION_SIZE, 3), pooling="avg"
        )
    except Exception as error:  # keras.utils.get_file raises plain Exception when a download fails
        raise ConfigError(
            f"--embedder={INCEPTION}: its ImageNet weights cannot be had ({error}). Keras looks for them in "
            "~/.keras/models and downloads them from storage.googleapis.com; without them use --embedder=FILE.tflite "
            "or FILE.keras"
        ) from error
    name = "InceptionV3, ImageNet weights of keras.applications"
    return Embedder(name, INCEPTION_SIZE, (-1.0, 1.0), "keras.applications", _run_keras(network), True)


def _keras(path: Path, value_range: tuple[float, float] | None) -> Embedder:
    try:
        network = keras.saving.load_model(path, compile=False)
    except (ValueError, OSError, TypeError, KeyError) as error:
        raise ConfigError(f"--embedder={path} is no Keras model that can be read: {error}") from error
    inputs, outputs = network.input_shape, network.output_shape
    _check_form(path, inputs, outputs)
    if value_range is None:
        raise ConfigError(f"--embedder={path}: a Keras file does not say its range of values; {RANGE_HINT}")
    return Embedder(path.name, (inputs[1], inputs[2]), value_range, "--embedder_range", _run_keras(network))


def _run_keras(network: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    return lambda images: network(images, training=False).numpy()


def _tflite(path: Path, value_range: tuple[float, float] | None) -> Embedder:
    try:
        litert = importlib.import_module("ai_edge_litert.interpreter")
    except ImportError as error:
        raise ConfigError(
            f"--embedder={path} needs ai-edge-litert, which is not installed ({error}): pip install ai-edge-litert"
        ) from error
    content = path.read_bytes()
    try:
        interpreter = litert.Interpreter(model_content=content)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ConfigError(f"--embedder={path} is no TFLite model that can be run: {error}") from error
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if len(inputs) != 1:
        raise ConfigError(f"--embedder={path} has {len(inputs)} inputs; expected one, images (N, H, W, 3)")
    shape = tuple(int(side) for side in inputs[0]["shape"])
    _check_form(path, shape, tuple(outputs[0]["shape"]))
    source = "--embedder_range"
    if value_range is None:
        value_range, source = _metadata_range(content), "the model's metadata"
    if value_range is None:
        value_range, source = _quantised_range(inputs[0]), "the input's quantisation"
    if value_range is None:
        raise ConfigError(f"--embedder={path} has neither metadata nor a quantised input; {RANGE_HINT}")
    run = _run_tflite(interpreter, inputs[0], outputs[0])
    return Embedder(path.name, (shape[1], shape[2]), value_range, source, run)


def _run_tflite(interpreter: Any, given: dict[str, Any], made: dict[str, Any]) -> Callable[[np.ndarray], np.ndarray]:
    """A function that quantises where the model wants it, and runs as many images at once as the model takes."""
    any_batch = given["shape_signature"][0] == -1

    def run(images: np.ndarray) -> np.ndarray:
        scale, zero = given["quantization"]
        if given["dtype"] != np.float32:
            limits = np.iinfo(given["dtype"])
            images = np.clip(np.round(images / (scale or 1) + zero), limits.min, limits.max)
        images = images.astype(given["dtype"])
        at_once = len(images) if any_batch else int(given["shape"][0])
        short = -len(images) % at_once
        padded = np.concatenate([images, np.repeat(images[-1:], short, axis=0)])
        if any_batch and interpreter.get_input_details()[0]["shape"][0] != at_once:
            interpreter.resize_tensor_input(given["index"], (at_once, *images.shape[1:]))
            interpreter.allocate_tensors()
        results = []
        for start in range(0, len(padded), at_once):
            interpreter.set_tensor(given["index"], padded[start : start + at_once])
            interpreter.invoke()
            results.append(interpreter.get_tensor(made["index"]))
        features = np.concatenate(results)[: len(images)].astype(np.float64)
        scale, zero = made["quantization"]
        return (features - zero) * scale if scale else features

    return run


def _quantised_range(given: dict[str, Any]) -> tuple[float, float] | None:
    """What an integer input can hold, as real numbers; None for a float input."""
    if given["dtype"] == np.float32:
        return None
    limits, (scale, zero) = np.iinfo(given["dtype"]), given["quantization"]
    return (limits.min - zero) * (scale or 1), (limits.max - zero) * (scale or 1)


def _metadata_range(content: bytes) -> tuple[float, float] | None:
    """What pixels 0 and 255 become by the NormalizationOptions of a TFLite model's metadata: (pixel - mean) / std.

    None without them. The positions of fields are those of TFLite's metadata_schema.fbs, of which no package that
    goes with our TensorFlow has a reader (docs/dependencies.md).
    """
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import encode, number_types
    from flatbuffers.table import Table

    def children(table: Any, field: int) -> list[Any]:
        offset = table.Offset(4 + 2 * field)
        start = table.Vector(offset) if offset else 0
        count = table.VectorLen(offset) if offset else 0
        return [Table(table.Bytes, table.Indirect(start + 4 * i)) for i in range(count)]

    def floats(table: Any, field: int) -> set[float]:
        offset = table.Offset(4 + 2 * field)
        start = table.Vector(offset) if offset else 0
        count = table.VectorLen(offset) if offset else 0
        return {table.Get(number_types.Float32Flags, start + 4 * i) for i in range(count)}

    model = schema.Model.GetRootAsModel(content, 0)
    for entry in (model.Metadata(i) for i in range(model.MetadataLength())):
        if entry.Name() != b"TFLITE_METADATA":
            continue
        data = model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
        root = Table(data, encode.Get(number_types.UOffsetTFlags.packer_type, data, 0))
        # ModelMetadata.subgraph_metadata[].input_tensor_metadata[].process_units[]
        for unit in (u for s in children(root, 3) for t in children(s, 2) for u in children(t, 4)):
            kind, value = unit.Offset(4), unit.Offset(6)
            if not kind or not value or unit.Get(number_types.Uint8Flags, unit.Pos + kind) != 1:
                continue  # another kind of ProcessUnitOptions
            options = Table(unit.Bytes, unit.Indirect(unit.Pos + value))
            means, stds = floats(options, 0), floats(options, 1)
            if len(means) == len(stds) == 1 and 0 not in stds:  # one range cannot say what differs among channels
                mean, std = means.pop(), stds.pop()
                return -mean / std, (255 - mean) / std
    return None


def _check_form(path: Path, inputs: Any, outputs: Any) -> None:
    """Raises ConfigError unless inputs are (N, H, W, 3) of a fixed size and outputs (N, D)."""
    if not isinstance(inputs, tuple) or len(inputs) != 4 or inputs[3] != 3 or None in inputs[1:]:
        raise ConfigError(f"--embedder={path} takes {inputs}; expected images (N, H, W, 3) of a fixed size")
    if not isinstance(outputs, tuple) or len(outputs) != 2:
        raise ConfigError(f"--embedder={path} gives {outputs}; expected features (N, D), e.g. after global pooling")
