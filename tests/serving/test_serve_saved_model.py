"""The server's signatures against those of the exported SavedModel: the same names, types, shapes and answers."""

from __future__ import annotations

import asyncio
import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.helpers.serving import ask, b64, need_packages, png

need_packages()
saved_model = pytest.importorskip("export.saved_model", reason="export/saved_model.py is not there")
SIZE = 64
RNG = np.random.default_rng(4)


@pytest.fixture(scope="module", params=["one group", "two groups"])
def both(request, tiny):
    """The exported signatures, and the server, of one model."""
    from lomit_tf.model import Lomit
    from lomit_tf.serving.engine import Engine
    from lomit_tf.serving.routes import Limits, Server

    groups = "hair: Black_Hair; smile: Smiling" if request.param == "two groups" else ""
    model = Lomit(tiny(groups=groups, system="recipe"))
    engine = Engine(model, max_pixels=1_000_000)
    return saved_model.ServingModule(model).concrete(), Server(engine, "tiny", Limits())


def test_metadata_name_what_the_export_has(both):
    exported, server = both
    described = {name: signature.described() for name, signature in server.engine.signatures.items()}
    assert described.keys() == exported.keys()
    dtypes = {"string": "DT_STRING", "float32": "DT_FLOAT"}

    def of(tensor):
        sizes = [str(-1 if n is None else n) for n in tensor.shape]
        return dtypes[tensor.dtype.name], sizes

    for name, function in exported.items():
        inputs = {key: of(tensor) for key, tensor in function.structured_input_signature[1].items()}
        positional = {tensor.name: of(tensor) for tensor in function.structured_input_signature[0] if tensor}
        outputs = {key: of(tensor) for key, tensor in function.structured_outputs.items()}
        for side, expected in (("inputs", positional | inputs), ("outputs", outputs)):
            found = {
                key: (t["dtype"], [d["size"] for d in t["tensor_shape"]["dim"]])
                for key, t in described[name][side].items()
            }
            assert found.keys() == expected.keys(), (name, side)
            assert {k: v[0] for k, v in found.items()} == {k: v[0] for k, v in expected.items()}
            for key in found:
                assert len(found[key][1]) == len(expected[key][1]), (name, key)
                if side == "inputs":
                    assert found[key] == expected[key], (name, key)


@pytest.mark.parametrize("signature", ["serving_default", "translate", "masks", "encode_exemplar", "apply"])
def test_one_request_gets_the_same_answer_from_both(both, signature):
    """A body in TensorFlow Serving's column format, fed to the exported function as TensorFlow Serving would."""
    exported, server = both
    groups, function = len(server.engine.groups), exported[signature]
    faces = RNG.integers(0, 256, (2, 3, 3, 3), np.uint8)
    images = [np.array(Image.fromarray(f).resize((SIZE, SIZE), Image.Resampling.BICUBIC)) for f in faces]
    floats = np.stack(images).astype(np.float32) / 127.5 - 1
    edited = RNG.uniform(-1, 1, (2, SIZE, SIZE, groups)).astype(np.float32)
    style = server.engine.signatures["apply"].inputs[1].shape
    values = {
        "image_bytes": [png(i) for i in images], "exemplar_bytes": [png(i) for i in images[::-1]], "image": floats,
        "exemplar": floats[::-1], "image_masks": edited, "exemplar_masks": np.full((2, 1, 1, 1), -1, np.float32),
        "styles": RNG.normal(size=(2, *style)).astype(np.float32), "transfer": np.eye(2, groups, dtype=np.float32),
    }  # fmt: skip
    names = [t.name for t in server.engine.signatures[signature].inputs if not t.extra]
    body = {n: [b64(v) for v in values[n]] if n.endswith("bytes") else np.asarray(values[n]).tolist() for n in names}
    content = json.dumps({"signature_name": signature, "inputs": body}).encode()
    status, reply = asyncio.run(ask(server, [content]))
    assert status == 200, reply
    answer = reply["outputs"]
    import tensorflow as tf

    expected = function(**{n: tf.constant(values[n]) for n in names})
    if signature == "serving_default":
        (pngs,) = expected.values()
        for found, reference in zip(answer, pngs.numpy(), strict=True):
            pictures = [Image.open(io.BytesIO(data)) for data in (base64.b64decode(found["b64"]), reference)]
            pixels = [np.asarray(p, int) for p in pictures]
            assert np.abs(pixels[0] - pixels[1]).max() <= 1
        return
    answer = {next(iter(expected)): answer} if len(expected) == 1 else answer
    assert answer.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(answer[name], value.numpy(), atol=2e-5, err_msg=name)
