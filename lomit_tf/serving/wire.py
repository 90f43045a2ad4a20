"""TensorFlow Serving's REST format: bodies of :predict to arrays and bytes, and results back. Pure functions.

https://www.tensorflow.org/tfx/serving/api_rest. Only numbers and base64 come in: never a path, a URL or a pickle.
"""

from __future__ import annotations

import base64
import codecs
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from lomit_tf.config import near
from lomit_tf.serving import encodings
from lomit_tf.serving.errors import RequestError
from lomit_tf.serving.signatures import Signature, Tensor

__all__ = ["Call", "RequestError", "floats", "parse", "render"]

DEFAULT = "serving_default"
KEYS = ("signature_name", "instances", "inputs")
SLACK = 1e-5  # floats may leave their range by so much, by rounding, and are clipped


@dataclasses.dataclass(frozen=True)
class Call:
    """A parsed body: instances, each {input: bytes or array}; and whether they came as rows."""

    signature: Signature
    instances: list[dict[str, Any]]
    rows: bool


def parse(body: bytes, signatures: Mapping[str, Signature], most: int) -> Call:
    """The call that a body makes.

    Args:
      body: JSON, `{"instances": [...]}` or `{"inputs": ...}`, with an optional "signature_name".
      signatures: by name.
      most: instances that one request may have.

    Raises RequestError (400) for anything else, saying what was expected.
    """
    try:
        request = orjson.loads(body.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as error:  # also NaN, Infinity and too deep nesting
        raise RequestError(400, f"JSON Parse error: {error} (NaN and Infinity are no JSON)") from None
    if not isinstance(request, dict):
        raise RequestError(400, f"expected a JSON object with instances or inputs; received {_kind(request)}")
    for key in request:
        if key not in KEYS:
            raise RequestError(400, f"unknown key {_short(key)}; {near(key, KEYS)}")
    if ("instances" in request) == ("inputs" in request):
        raise RequestError(400, "give either instances (a list of rows) or inputs (columns)")
    name = request.get("signature_name", DEFAULT) or DEFAULT
    if not isinstance(name, str) or name not in signatures:
        raise RequestError(
            400, f"Serving signature name: {_short(name)} not found; {near(str(name)[:100], signatures)}"
        )
    signature, rows = signatures[name], "instances" in request
    found = _rows(request["instances"], signature) if rows else _columns(request["inputs"], signature)
    if len(found) > most:
        raise RequestError(400, f"{len(found)} instances in one request; at most {most} are taken")
    return Call(signature, [_instance(i, row, signature) for i, row in enumerate(found)], rows)


def _rows(instances: Any, signature: Signature) -> list[Mapping[str, Any]]:
    if not isinstance(instances, list) or not instances:
        raise RequestError(400, f"instances must be a list that is not empty; received {_kind(instances)}")
    return [_named(instance, signature, f"instances[{i}]") for i, instance in enumerate(instances)]


def _columns(inputs: Any, signature: Signature) -> list[Mapping[str, Any]]:
    columns = _named(inputs, signature, "inputs")
    lengths = {}
    for name, column in columns.items():
        if not isinstance(column, list) or not column:
            raise RequestError(400, f"inputs: {_short(name)} must be a list with one value for each instance")
        lengths[name] = len(column)
    if len(set(lengths.values())) != 1:
        raise RequestError(400, f"inputs: all must have as many values as each other; received {lengths}")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _named(value: Any, signature: Signature, where: str) -> Mapping[str, Any]:
    """Named values; a bare one stands for the only input that is needed, as in TensorFlow Serving."""
    if isinstance(value, dict) and set(value) != {"b64"}:
        return value
    if len(signature.required) == 1:
        return {signature.required[0].name: value}
    names = ", ".join(t.name for t in signature.required)
    raise RequestError(400, f"{where}: expected an object with {names}; received {_kind(value)}")


def _instance(number: int, row: Mapping[str, Any], signature: Signature) -> dict[str, Any]:
    known = {t.name: t for t in signature.inputs}
    where = f"instance {number}"
    for name in row:
        if name not in known:
            raise RequestError(400, f"{where}: {_short(name)} is no input of {signature.name}; {near(name, known)}")
    for tensor in signature.required:
        if row.get(tensor.name) is None:
            raise RequestError(400, f"{where}: the input {tensor.name} of {signature.name} is missing")
    return {n: _value(v, known[n], f"{where}, {n}") for n, v in row.items() if v is not None}


def _value(value: Any, tensor: Tensor, where: str) -> Any:
    if tensor.dtype == "DT_STRING":
        if not isinstance(value, dict) or set(value) != {"b64"} or not isinstance(value["b64"], str):
            raise RequestError(400, f'{where}: expected an encoded image as {{"b64": "..."}}; received {_kind(value)}')
        return encodings.decode_base64(value["b64"], where)
    return floats(value, tensor, where)


def floats(value: Any, tensor: Tensor, where: str) -> np.ndarray:
    """Nested lists as a float32 array of the tensor's full shape, in its range. Raises RequestError (400)."""
    expected = f"expected numbers of shape {list(tensor.limits)}"
    if not isinstance(value, list):
        raise RequestError(400, f"{where}: {expected}; received {_kind(value)}")
    try:
        array = np.asarray(value)
    except ValueError:  # ragged
        raise RequestError(400, f"{where}: {expected}; received rows of different lengths") from None
    if array.dtype.kind not in "iuf":
        raise RequestError(400, f"{where}: {expected}; received values that are no numbers")
    if not tensor.fits(array.shape):
        raise RequestError(400, f"{where}: {expected}; received shape {list(array.shape)}")
    with np.errstate(over="ignore"):
        array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise RequestError(400, f"{where}: {int((~np.isfinite(array)).sum())} values are NaN or infinite")
    if array.min() < tensor.low - SLACK or array.max() > tensor.high + SLACK:
        least = "negative or " if tensor.low == float("-inf") else ""
        raise RequestError(
            400,
            f"{where}: values must lie in {least}{max(tensor.low, 0.0) if least else tensor.low:g}..{tensor.high:g}; "
            f"received {array.min():.4g} to {array.max():.4g}",
        )
    return np.broadcast_to(array.clip(tensor.low, tensor.high), tensor.limits)


def render(call: Call, results: Sequence[Mapping[str, Any]]) -> bytes:
    """The answer: {"predictions": [...]} to rows, {"outputs": ...} to columns; a single output without its name."""
    names = [t.name for t in call.signature.outputs]
    rows = [{name: _plain(result[name]) for name in names} for result in results]
    answer: Any
    if call.rows:
        answer = {"predictions": [row[names[0]] for row in rows] if len(names) == 1 else rows}
    else:
        columns = {name: [row[name] for row in rows] for name in names}
        answer = {"outputs": columns[names[0]] if len(names) == 1 else columns}
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"b64": base64.b64encode(value).decode("ascii")}
    return np.ascontiguousarray(value, np.float32)


def _kind(value: Any) -> str:
    words = {"dict": "an object", "list": "a list", "str": "a string", "NoneType": "null", "bool": "true or false"}
    if value == []:
        return "an empty list"
    return words.get(type(value).__name__, "a number")


def _short(value: Any) -> str:
    """A client's word for an answer: quoted, and not longer than it helps."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
