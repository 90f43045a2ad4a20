"""TensorFlow Serving's REST API as it is documented, on the exported signatures, for comparison with our server.

A TensorFlow Serving cannot be installed here. This is what https://www.tensorflow.org/tfx/serving/api_rest and the
comments and tests of its source say about routes, JSON and errors, written down in Python; the computing is done by
the very functions that the SavedModel is exported from.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

PREDICT = re.compile(
    r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?:(classify|regress|predict)", re.IGNORECASE
)
STATUS = re.compile(r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?(/metadata)?", re.IGNORECASE)
MOST_EXACT = 2**24 - 1  # larger whole numbers are refused for floats


class ServingError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Serving:
    """One model, version 1, without labels, behind TensorFlow Serving's REST API.

    Args:
      name: of the model.
      signatures: name -> concrete function.
    """

    def __init__(self, name: str, signatures: Mapping[str, Any]) -> None:
        self.name, self.signatures = name, signatures

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Status and JSON."""
        try:
            if not path.lower().startswith("/v1/"):
                return 404, None
            return 200, self._route(method, path, headers, body)
        except ServingError as error:
            return error.status, {"error": str(error)}

    def _route(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        if method == "POST" and (match := PREDICT.fullmatch(path)):
            name, version, label, verb = match.groups()
            self._check(name, version, label)
            if "gzip" in headers.get("Content-Encoding", ""):
                body = gunzip(body)
            if verb.lower() != "predict":
                raise ServingError(400, f"Expected {verb} signature method_name")
            return self._predict(body)
        if method == "GET" and (match := STATUS.fullmatch(path)):
            name, version, label, metadata = match.groups()
            self._check(name, version, label)
            if metadata:
                return {"model_spec": {"name": self.name, "signature_name": "", "version": "1"}}
            state = {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
            return {"model_version_status": [state]}
        raise ServingError(400, f"Malformed request: {method} {path}")

    def _check(self, name: str, version: str | None, label: str | None) -> None:
        if name != self.name or version not in (None, "1"):
            raise ServingError(404, f"Servable not found for request: {name}")
        if label is not None:
            raise ServingError(400, f"Unrecognized servable version label: {label}")

    def _predict(self, body: bytes) -> Any:
        request = parse(body)
        name = request.get("signature_name", "")
        if not isinstance(name, str):
            raise ServingError(400, "'signature_name' key must be a string value")
        function = self.signatures.get(name or "serving_default")
        if function is None:
            raise ServingError(400, f'Serving signature name: "{name}" not found in signature def')
        expected = inputs_of(function)
        if ("instances" in request) == ("inputs" in request):
            raise ServingError(400, "expecting only one of 'inputs' or 'instances'")
        rows = "instances" in request
        values = from_rows(request["instances"], expected) if rows else from_columns(request["inputs"], expected)
        try:
            found = function(**{n: tf.constant(v, expected[n].dtype) for n, v in values.items()})
        except (tf.errors.InvalidArgumentError, ValueError, TypeError) as error:  # as Serving's session reports them
            raise ServingError(400, str(error)) from None
        outputs = {n: [b64(v) for v in t.numpy()] if t.dtype == tf.string else t.numpy() for n, t in found.items()}
        if not rows:
            return {"outputs": next(iter(outputs.values())) if len(outputs) == 1 else outputs}
        if len(outputs) == 1:
            return {"predictions": list(next(iter(outputs.values())))}
        return {"predictions": [dict(zip(outputs, row, strict=True)) for row in zip(*outputs.values(), strict=True)]}


def gunzip(body: bytes) -> bytes:
    try:
        return gzip.decompress(body)
    except (OSError, EOFError):
        return b""  # what could not be unpacked is an empty body


def parse(body: bytes) -> dict[str, Any]:
    """A body's object. NaN and Infinity are taken."""
    try:
        request = json.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except ValueError as error:
        raise ServingError(400, f"JSON Parse error: {error}") from None
    except RecursionError:
        raise ServingError(400, "JSON Parse error: too deep") from None
    if not isinstance(request, dict):
        raise ServingError(400, "Is not object")
    return request


def inputs_of(function: Any) -> dict[str, tf.TensorSpec]:
    positional, named = function.structured_input_signature
    return {signature.name: signature for signature in (*positional, *named.values()) if signature is not None}


def is_object(value: Any) -> bool:
    return isinstance(value, dict) and not (set(value) == {"b64"} and isinstance(value["b64"], str))


def from_rows(instances: Any, expected: Mapping[str, tf.TensorSpec]) -> dict[str, Any]:
    """Rows: objects with a value for each input and for nothing else, all rows of the same shapes."""
    if not isinstance(instances, list) or not instances:
        raise ServingError(400, "Expecting 'instances' to be a list that is not empty")
    if not isinstance(instances[0], dict) and len(expected) > 1:
        raise ServingError(400, "instances is a plain list, but expecting list of objects")
    columns: dict[str, list[Any]] = {name: [] for name in expected}
    named = is_object(instances[0])
    for row in instances:
        if is_object(row) != named:
            raise ServingError(400, "objects and plain values in one list")
        if not named and len(expected) > 1:
            raise ServingError(400, "plain value for several inputs")
        cells = row if named else {next(iter(expected)): row}
        if set(cells) != set(expected):
            raise ServingError(400, f"keys must be equal to: {','.join(sorted(expected))}")
        for name, value in cells.items():
            columns[name].append(tensor(value, expected[name]))
    for name, column in columns.items():
        if len({np.shape(value) for value in column}) > 1:
            raise ServingError(400, f"Expecting one shape of {name}")
    return {name: stacked(column, expected[name]) for name, column in columns.items()}


def stacked(parts: list[Any], signature: tf.TensorSpec) -> np.ndarray:
    return np.array(parts, object if signature.dtype == tf.string else np.float32)


def from_columns(inputs: Any, expected: Mapping[str, tf.TensorSpec]) -> dict[str, Any]:
    """Columns: a value for each input; others are passed over, and each may have a first dimension of its own."""
    if not is_object(inputs):
        if len(expected) > 1:
            raise ServingError(400, "inputs is a plain value/list, but expecting an object")
        inputs = {next(iter(expected)): inputs}
    for name in expected:
        if name not in inputs:
            raise ServingError(400, f"Missing named input: {name} in 'inputs' object.")
    return {name: tensor(inputs[name], signature) for name, signature in expected.items()}


def tensor(value: Any, signature: tf.TensorSpec) -> Any:
    """Nested lists with the same number of values everywhere: numbers for floats, strings or {"b64"} for strings."""
    if isinstance(value, list):
        parts = [tensor(part, signature) for part in value]
        if len({np.shape(part) for part in parts}) > 1:
            raise ServingError(400, "Encountered list at unexpected size")
        return stacked(parts, signature)
    if signature.dtype == tf.string:
        if isinstance(value, str):
            return value.encode()
        if isinstance(value, dict) and not is_object(value):
            return unescape(value["b64"])
        raise ServingError(400, "is not of expected type: string")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ServingError(400, "is not of expected type: float")
    most = MOST_EXACT if isinstance(value, int) else float(np.finfo(np.float32).max)
    if math.isfinite(value) and abs(value) > most:
        raise ServingError(400, "Cannot convert JSON value to float without loss of precision.")
    return np.float32(value)


def unescape(text: str) -> bytes:
    """absl::Base64Unescape: white space is passed over, padding may be missing."""
    text = "".join(text.split())
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ServingError(400, "Unable to base64 decode") from None


def b64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode()}
