"""Floating-point operations of a TensorFlow graph, counted from the shapes of its convolutions and products."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import tensorflow as tf

# Arithmetic of the same kind that is not counted below: an error is better than a number that is too small.
UNKNOWN = ("Einsum", "XlaDot", "XlaConvV2", "Conv3D", "Conv3DBackpropInputV2", "Conv3DBackpropFilterV2", "While")


def _convolution(op: tf.Operation) -> int:
    """Conv2D: each output number is a sum of height * width * channels products, of the filter (h, w, in, out)."""
    height, width, channels, _ = op.inputs[1].shape
    return int(2 * math.prod(op.outputs[0].shape) * height * width * channels)


def _input_gradient(op: tf.Operation) -> int:
    """Conv2DBackpropInput(sizes, filter, gradient): the products of the convolution, added up elsewhere."""
    height, width, channels, _ = op.inputs[1].shape
    return int(2 * math.prod(op.inputs[2].shape) * height * width * channels)


def _filter_gradient(op: tf.Operation) -> int:
    """Conv2DBackpropFilter(input, sizes, gradient): the same products once more."""
    height, width, channels, _ = op.outputs[0].shape
    return int(2 * math.prod(op.inputs[2].shape) * height * width * channels)


def _depthwise(op: tf.Operation) -> int:
    """DepthwiseConv2dNative with a filter (h, w, channels, multiplier)."""
    height, width = op.inputs[1].shape[:2]
    return int(2 * math.prod(op.outputs[0].shape) * height * width)


def _depthwise_gradient(op: tf.Operation) -> int:
    """Both of its gradients."""
    filters = op.outputs[0] if op.type.endswith("BackpropFilter") else op.inputs[1]
    return int(2 * math.prod(op.inputs[2].shape) * filters.shape[0] * filters.shape[1])


def _product(op: tf.Operation) -> int:
    """MatMul and BatchMatMulV2: (..., n, k) x (..., k, m)."""
    turned = op.get_attr("transpose_a" if op.type == "MatMul" else "adj_x")
    inner = op.inputs[0].shape[-2 if turned else -1]
    return int(2 * math.prod(op.outputs[0].shape) * inner)


RULES: dict[str, Callable[[tf.Operation], int]] = {
    "Conv2D": _convolution,
    "Conv2DBackpropInput": _input_gradient,
    "Conv2DBackpropFilter": _filter_gradient,
    "DepthwiseConv2dNative": _depthwise,
    "DepthwiseConv2dNativeBackpropInput": _depthwise_gradient,
    "DepthwiseConv2dNativeBackpropFilter": _depthwise_gradient,
    "MatMul": _product,
    "BatchMatMulV2": _product,
}  # fmt: skip


def count(function: Any, *arguments: Any) -> Counter[str]:
    """Operations of one call of a tf.function: kind of node -> FLOPs, a multiplication and an addition being two.

    Counted are convolutions, their gradients, and matrix products of the traced graph that a result or a variable
    depends on: the gradient of a convolution makes nodes for both of its inputs, and TensorFlow runs those that are
    used. Not counted are normalisation, activations and other work on single numbers.

    Raises ValueError for a node without a static shape, and for kinds of arithmetic that are not known here.
    """
    found: Counter[str] = Counter()
    _count(function.get_concrete_function(*arguments).graph, found)
    return found


def _used(graph: Any) -> set[tf.Operation]:
    """The operations that outputs and side effects of a function depend on."""
    waiting = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    used: set[tf.Operation] = set()
    while waiting:
        op = waiting.pop()
        if op not in used:
            used.add(op)
            waiting += [tensor.op for tensor in op.inputs] + list(op.control_inputs)
    return used


def _count(graph: Any, found: Counter[str]) -> None:
    for op in _used(graph):
        if op.type in UNKNOWN or op.type == "StatelessWhile":
            raise ValueError(f"{op.name}: operations of the kind {op.type} are not counted")
        if op.type in RULES:
            try:
                found[op.type] += RULES[op.type](op)
            except (TypeError, ValueError) as error:
                raise ValueError(f"{op.name}: shapes of {op.type} are not known before it runs") from error
        elif op.type in ("PartitionedCall", "StatefulPartitionedCall"):
            name = op.get_attr("f").name
            _count(graph._functions[name].graph, found)
