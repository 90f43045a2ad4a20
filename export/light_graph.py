"""A model's graph for LiteRT, without its weights, which `export.light` writes.

lomit_tf/engines/light.py says what it holds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from export.compact import name_tensors
from export.converter import converted
from lomit_tf import core
from lomit_tf.engines.light import SIGNATURES, Graph, architecture
from lomit_tf.model import Lomit


class LightModule(tf.Module):
    """What `outline.Networks` asks of a model, as three functions of batch 1 that share its weights."""

    def __init__(self, model: Lomit) -> None:
        super().__init__()
        g, size = model.inference_generator, model.config.data.image_size
        self.weights = [v.value for v in g.variables]  # tracked, so that they are saved
        image = tf.TensorSpec((1, size, size, 3), tf.float32, "image")
        masks = tf.TensorSpec((1, size, size, g.num_groups + 1), tf.float32, "masks")
        styles = tf.TensorSpec((1, g.num_groups, g.style_size), tf.float32, "styles")
        transfer = tf.TensorSpec((1, g.num_groups), tf.float32, "transfer")

        def paint(image: Any, masks: Any, styles: Any, transfer: Any) -> dict[str, Any]:
            painting = core.apply_styles(g, image, styles, transfer, masks)
            return {name: getattr(painting, name) for name in g.parts(size)}

        def function(made: Any, *signature: tf.TensorSpec) -> Any:
            return tf.function(made, input_signature=signature, autograph=False)

        self.masks = function(lambda image: {"masks": core.masks(g, image)}, image)
        self.styles = function(lambda i, m: {"styles": core.encode_exemplar(g, i, m)[0]}, image, masks)
        self.paint = function(paint, image, masks, styles, transfer)


def graph_of(model: Lomit) -> Graph:
    """The graph of a model's architecture. The model's own weights are kept.

    Every weight is found in the converted file by its values, so while it is converted the model has random ones, of
    which no two are alike.

    Raises RuntimeError where the converter has changed a weight, or keeps two copies of it.
    """
    variables = model.inference_generator.variables
    own = [v.numpy().copy() for v in variables]
    random = np.random.default_rng(0)
    marks = [random.normal(0, 0.2, v.shape).astype(np.float32) for v in own]
    try:
        for variable, mark in zip(variables, marks, strict=True):
            variable.assign(mark)
        module = LightModule(model)
        file = name_tensors(converted(module, {name: getattr(module, name) for name in SIGNATURES}))
    finally:
        for variable, value in zip(variables, own, strict=True):
            variable.assign(value)
    places = [_place(file, mark, v.path) for mark, v in zip(marks, variables, strict=True)]
    content = np.frombuffer(file, np.uint8).copy()
    for (start, _), mark in zip(places, marks, strict=True):
        content[start : start + mark.nbytes] = 0
    offsets, turned = (np.array(column) for column in zip(*places, strict=True))
    return Graph(content, offsets, np.array([m.size for m in marks]), turned, architecture(model.config))


def _place(file: bytes, mark: np.ndarray, name: str) -> tuple[int, bool]:
    """Where a variable's values lie in the file, and whether their last axis comes first there."""
    plain, turned = mark.tobytes(), np.ascontiguousarray(np.moveaxis(mark, -1, 0)).tobytes()
    ways = {plain: False} if turned == plain else {plain: False, turned: True}
    count = sum(file.count(content) for content in ways)
    if count != 1:
        raise RuntimeError(f"{name} {mark.shape} lies {count} times in the converted file, not once")
    return next((file.find(content), moved) for content, moved in ways.items() if content in file)
