"""assets.extra/tf_serving_warmup_requests: what TensorFlow Serving runs before it answers the first request.

The file holds PredictionLog messages of tensorflow_serving.apis. Their few fields are declared here, with the field
numbers of prediction_log.proto, predict.proto and model.proto: the package tensorflow-serving-api would bring gRPC and
a TensorFlow of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow.core.framework import tensor_pb2

from lomit_tf.data.drawn_faces import draw

PLACE = Path("assets.extra") / "tf_serving_warmup_requests"
_PACKAGE = "lomit_warmup"
_FIELD = descriptor_pb2.FieldDescriptorProto


def prediction_log() -> Any:
    """The message class PredictionLog, as far as a prediction's warm-up needs it."""
    file = descriptor_pb2.FileDescriptorProto(name="lomit_warmup.proto", package=_PACKAGE, syntax="proto3")
    file.dependency.append(tensor_pb2.DESCRIPTOR.name)

    def message(name: str, *fields: tuple[int, str, str]) -> Any:
        made = file.message_type.add(name=name)
        for number, field, kind in fields:
            entry = made.field.add(name=field, number=number, label=_FIELD.LABEL_OPTIONAL)
            if kind == "string":
                entry.type = _FIELD.TYPE_STRING
            else:
                entry.type, entry.type_name = _FIELD.TYPE_MESSAGE, f".{kind}"
        return made

    message("ModelSpec", (1, "name", "string"), (3, "signature_name", "string"))
    request = message("PredictRequest", (1, "model_spec", f"{_PACKAGE}.ModelSpec"))
    pair = request.nested_type.add(name="InputsEntry")
    pair.options.map_entry = True
    pair.field.add(name="key", number=1, label=_FIELD.LABEL_OPTIONAL, type=_FIELD.TYPE_STRING)
    pair.field.add(
        name="value", number=2, label=_FIELD.LABEL_OPTIONAL, type=_FIELD.TYPE_MESSAGE,
        type_name=f".{tensor_pb2.TensorProto.DESCRIPTOR.full_name}",
    )  # fmt: skip
    request.field.add(
        name="inputs", number=2, label=_FIELD.LABEL_REPEATED, type=_FIELD.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.PredictRequest.InputsEntry",
    )  # fmt: skip
    message("PredictLog", (1, "request", f"{_PACKAGE}.PredictRequest"))
    message("PredictionLog", (6, "predict_log", f"{_PACKAGE}.PredictLog"))
    pool = descriptor_pool.Default()
    try:
        pool.FindFileByName(file.name)
    except KeyError:
        pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.PredictionLog"))


def warmup_requests(size: int, groups: int) -> list[bytes]:
    """Serialised PredictionLogs: every signature that does not need another one's result, with drawn faces."""
    faces = draw(range(2), size=size).images
    encoded = [np.array([tf.io.encode_png(face).numpy()], object) for face in faces]
    images = [(face[None].astype(np.float32) - 127.5) / 127.5 for face in faces]
    own = np.full((1, 1, 1, 1), -1, np.float32)
    requests: dict[str, dict[str, np.ndarray]] = {
        "serving_default": {"image_bytes": encoded[0], "exemplar_bytes": encoded[1]},
        "translate": {"image": images[0], "exemplar": images[1], "image_masks": own, "exemplar_masks": own},
        "masks": {"image": images[0]},
        "encode_exemplar": {"exemplar": images[1], "exemplar_masks": own},
    }
    made, kind = [], prediction_log()
    for name, inputs in requests.items():
        if groups > 1 and name in ("serving_default", "translate"):
            inputs = inputs | {"transfer": np.ones((1, groups), np.float32)}
        log = kind()
        request = log.predict_log.request
        request.model_spec.name, request.model_spec.signature_name = "lomit", name
        for key, value in inputs.items():
            request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
        made.append(log.SerializeToString())
    return made


def write_warmup_requests(folder: Path, size: int, groups: int) -> Path:
    """Write the requests into a SavedModel's version folder, one TFRecord each; the file."""
    path = folder / PLACE
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for request in warmup_requests(size, groups):
            writer.write(request)
    return path
