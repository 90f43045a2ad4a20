"""TFLite files without what nothing reads: names of inner tensors, empty and repeated buffers, repeated constants.

The converter and the quantiser keep one buffer for each tensor and one constant for each use: 60 KB of a small network,
a fifth of its int8 file.
"""

from __future__ import annotations

from typing import Any

from ai_edge_litert.tools import flatbuffer_utils


def name_tensors(model: bytes) -> bytes:
    """The same model with inputs and outputs called as in the signature, and t0, t1, ... for all other tensors."""
    tree = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    for graph in tree.subgraphs:
        for i, tensor in enumerate(graph.tensors):
            tensor.name = f"t{i}".encode()
    for signature in tree.signatureDefs:
        for place in (*signature.inputs, *signature.outputs):
            tree.subgraphs[signature.subgraphIndex].tensors[place.tensorIndex].name = place.name
    return bytes(flatbuffer_utils.convert_object_to_bytearray(tree))


def compact(model: bytes) -> bytes:
    """The same computation in fewer bytes. Inputs and outputs keep their names and places.

    Raises ValueError for a model of several subgraphs (the exporter makes none).
    """
    tree = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    if len(tree.subgraphs) != 1:
        raise ValueError(f"expected a model of one subgraph, received {len(tree.subgraphs)}")
    graph = tree.subgraphs[0]
    public = {*graph.inputs, *graph.outputs}
    _merge_constants(tree, graph, public)
    _drop_buffers(tree, graph)
    for i, tensor in enumerate(graph.tensors):
        if i not in {*graph.inputs, *graph.outputs}:  # their places may have changed
            tensor.name = None
        if not _quantisation(tensor):
            tensor.quantization = None
    return bytes(flatbuffer_utils.convert_object_to_bytearray(tree))


def _data(tree: Any, tensor: Any) -> bytes:
    data = tree.buffers[tensor.buffer].data
    return b"" if data is None else bytes(data)


def _quantisation(tensor: Any) -> tuple[Any, ...]:
    q = tensor.quantization
    if q is None or q.scale is None or not len(q.scale):
        return ()
    return tuple(float(v) for v in q.scale), tuple(int(v) for v in q.zeroPoint), q.quantizedDimension


def _merge_constants(tree: Any, graph: Any, public: set[int]) -> None:
    """Let all uses of equal constants share one tensor, and drop tensors that nothing uses."""
    first: dict[Any, int] = {}
    target = list(range(len(graph.tensors)))
    for i, tensor in enumerate(graph.tensors):
        data = _data(tree, tensor)
        if not data or i in public:
            continue
        shape = () if tensor.shape is None else tuple(int(n) for n in tensor.shape)
        target[i] = first.setdefault((tensor.type, shape, data, _quantisation(tensor)), i)
    used = set(public)
    for operator in graph.operators:
        for tensors in (operator.inputs, operator.outputs):
            used |= {target[i] for i in tensors if i >= 0}
    kept = sorted(used)
    place = {old: new for new, old in enumerate(kept)} | {-1: -1}
    for operator in graph.operators:
        operator.inputs = [place[target[i] if i >= 0 else -1] for i in operator.inputs]
        operator.outputs = [place[i] for i in operator.outputs]
    graph.inputs, graph.outputs = [place[i] for i in graph.inputs], [place[i] for i in graph.outputs]
    for signature in tree.signatureDefs or ():
        for entry in (*signature.inputs, *signature.outputs):
            entry.tensorIndex = place[entry.tensorIndex]
    graph.tensors = [graph.tensors[i] for i in kept]


def _drop_buffers(tree: Any, graph: Any) -> None:
    """One buffer for each content; buffer 0 is the empty one, by the format's definition."""
    buffers, place = [tree.buffers[0]], {b"": 0}
    for tensor in graph.tensors:
        data = _data(tree, tensor)
        if data not in place:
            place[data] = len(buffers)
            buffers.append(tree.buffers[tensor.buffer])
        tensor.buffer = place[data]
    for entry in tree.metadata or ():
        buffers.append(tree.buffers[entry.buffer])
        entry.buffer = len(buffers) - 1
    tree.buffers = buffers
