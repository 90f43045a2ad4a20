"""TFLite files without what nothing reads: names of inner tensors, empty and repeated buffers, repeated constants.

The converter and the quantiser keep one buffer for each tensor and one constant for each use: 60 KB of a small network,
a fifth of its int8 file. And the writer keeps one list of numbers for each shape, for each operator's tensors and for
each channel's zero point (8 bytes a channel, all 0), of which most are alike.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
from ai_edge_litert.tools import flatbuffer_utils

IDENTIFIER = b"TFL3"


class SharingBuilder(flatbuffers.Builder):
    """Writes equal vectors of numbers once; whatever refers to them refers to the same place, as the format allows."""

    def __init__(self) -> None:
        super().__init__(1024)
        self._written: dict[tuple[int, int, bytes], int] = {}
        self._vector: tuple[int, int, int] | None = None  # offset before it, bytes of an element, alignment
        self._refers = False

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:
        """As Builder's."""
        self._vector, self._refers = (self.Offset(), elemSize, alignment), False
        return super().StartVector(elemSize, numElems, alignment)

    def PrependUOffsetTRelative(self, off: int) -> None:
        """As Builder's. A vector of references is never shared: equal bytes at another place mean something else."""
        self._refers = True
        super().PrependUOffsetTRelative(off)

    def EndVector(self, numElems: int | None = None) -> int:
        """As Builder's; takes an equal vector's place and forgets what was just written, where there is one."""
        vector, self._vector = self._vector, None
        count = self.vectorNumElems
        place = super().EndVector()
        if vector is None or self._refers:  # a string or references
            return place
        before, size, alignment = vector
        head = self.Head()
        key = (size, alignment, bytes(self.Bytes[head : head + 4 + size * count]))
        first = self._written.setdefault(key, place)
        if first != place:
            self.head = len(self.Bytes) - before
        return first


def pack(tree: Any) -> bytes:
    """The bytes of a model as the object API has it."""
    builder = SharingBuilder()
    builder.Finish(tree.Pack(builder), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def name_tensors(model: bytes) -> bytes:
    """The same model with inputs and outputs called as in the signature, and t0, t1, ... for all other tensors."""
    tree = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    for graph in tree.subgraphs:
        for i, tensor in enumerate(graph.tensors):
            tensor.name = f"t{i}".encode()
    for signature in tree.signatureDefs:
        for place in (*signature.inputs, *signature.outputs):
            tree.subgraphs[signature.subgraphIndex].tensors[place.tensorIndex].name = place.name
    return pack(tree)


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
    return pack(tree)


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
