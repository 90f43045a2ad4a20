"""The server as a process: every kind of bad request, limits, full queues, wrong flags."""

from __future__ import annotations

import json
import socket

import numpy as np
import pytest

from tests.helpers.files import bomb
from tests.helpers.serving import SIZE, b64, decoded, need_packages, one, pictures, png, read_answer

need_packages()


def float_instance(**changed) -> dict:
    image = [[[0.0] * 3] * SIZE] * SIZE
    return {"image": image, "exemplar": image} | changed


def translate(**changed) -> dict:
    return {"signature_name": "translate", "instances": [float_instance(**changed)]}


def nested(value, *shape):
    for length in reversed(shape):
        value = [value] * length
    return value


BAD = {
    "not JSON": (b"PK\x03\x04", "JSON Parse error"),
    "a pickle": (b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94", "JSON Parse error"),
    "NaN": (json.dumps(translate(image=nested(float("nan"), SIZE, SIZE, 3))).encode(), "JSON Parse error"),
    "Infinity": (json.dumps(translate(image=nested(float("inf"), SIZE, SIZE, 3))).encode(), "JSON Parse error"),
    "too large for a float": (translate(image=nested(1e39, SIZE, SIZE, 3)), "NaN or infinite"),
    "deep": (b'{"instances": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "JSON Parse error"),
    "a list": ([1, 2], "expected a JSON object"),
    "neither rows nor columns": ({"signature_name": "masks"}, "either instances"),
    "both": ({"instances": [one()], "inputs": {}}, "either instances"),
    "unknown key": ({"instances": [one()], "model_path": "/etc/passwd"}, "unknown key 'model_path'"),
    "no instances": ({"instances": []}, "not empty"),
    "wrong signature": ({"signature_name": "mask", "instances": [one()]}, "did you mean masks"),
    "signature of another type": ({"signature_name": {"a": 1}, "instances": [one()]}, "not found"),
    "too many instances": ({"instances": [one()] * 7}, "at most 6"),
    "a path": ({"instances": [one() | {"image_bytes": "/etc/passwd"}]}, 'expected an encoded image as {"b64"'),
    "a URL": ({"instances": [one() | {"image_bytes": {"url": "http://localhost/"}}]}, "expected an encoded image"),
    "unknown input": ({"instances": [one() | {"imagebytes": 1}]}, "did you mean image_bytes"),
    "no exemplar": ({"instances": [{"image_bytes": one()["image_bytes"]}]}, "the input exemplar_bytes"),
    "null": ({"instances": [one() | {"image_bytes": None}]}, "missing"),
    "not base64": ({"instances": [one() | {"image_bytes": {"b64": "&&&&"}}]}, "not base64"),
    "empty image": ({"instances": [one() | {"image_bytes": {"b64": ""}}]}, "not an image"),
    "text": ({"instances": [one() | {"image_bytes": b64(b"hello")}]}, "instance 0, image_bytes: not an image"),
    "cut off": ({"instances": [one() | {"image_bytes": b64(png(pictures(0, 1)[0])[:-300])}]}, "truncated"),
    "bomb": ({"instances": [one() | {"image_bytes": b64(bomb(20_000, 20_000))}]}, "pixels"),
    "over the server's limit": ({"instances": [one() | {"image_bytes": b64(bomb(1000, 501))}]}, "1000x501 pixels"),
    "postscript": ({"instances": [one() | {"image_bytes": b64(b"%!PS-Adobe-3.0 EPSF-3.0\n")}]}, "not an image"),
    "image of another size": (translate(image=nested(0.0, 32, 32, 3)), "shape [64, 64, 3]; received shape [32, 32, 3]"),
    "image in 0..255": (translate(image=nested(200, SIZE, SIZE, 3)), "-1..1; received 200"),
    "ragged": (translate(image=[[[0, 0, 0]] * SIZE] * (SIZE - 1) + [[[0]]]), "different lengths"),
    "numbers as words": (translate(image=nested("0.5", SIZE, SIZE, 3)), "no numbers"),
    "mask of another size": (translate(image_masks=nested(0.5, 32, 32, 2)), "received shape [32, 32, 2]"),
    "mask without an axis": (translate(image_masks=nested(0.5, SIZE, SIZE)), "received shape [64, 64]"),
    "mask above 1": (translate(exemplar_masks=nested(255, SIZE, SIZE, 2)), "exemplar_masks: values must lie"),
    "transfer of another length": (translate(transfer=[1, 1, 1]), "transfer: expected numbers of shape [2]"),
    "columns of different lengths": (
        {"signature_name": "translate", "inputs": {"image": nested(0, 2, 64, 64, 3), "exemplar": nested(0, 1, 9)}},
        "as many values",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_requests_get_400_and_a_line(server, name):
    content, expected = BAD[name]
    answer = server.predict(content)
    assert answer.status == 400, answer
    assert set(answer.json) == {"error"}
    assert expected in answer.error
    assert "\n" not in answer.error and len(answer.error) < 300


def test_unknown_places_get_404_and_405(server):
    for path in ("/", "/v1/models/other", "/v1/models/other/metadata", "/v1/models/tiny/versions/2", "/etc/passwd"):
        assert server.get(path).status == 404, path
    assert server.request("POST", "/v1/models/other:predict", b"{}").status == 404
    assert server.predict({"instances": [one()]}, "/versions/7:predict").status == 404
    assert server.predict({"instances": [one()]}, "/versions/1:predict").status == 200
    assert server.request("POST", "/v1/models/tiny", b"{}").status == 405


def test_bodies_over_the_limit_get_413(server):
    announced = server.request("POST", "/v1/models/tiny:predict", b"x" * (2 << 20) + b"x")
    assert announced.status == 413
    assert "2,097,152 bytes" in announced.error

    def chunks():  # of a length that is not announced
        for _ in range(40):
            yield b"x" * 100_000

    assert server.request("POST", "/v1/models/tiny:predict", chunks()).status == 413
    assert server.predict({"instances": [one()]}).status == 200
    assert server.metric("lomit_open_bytes") == 0


def test_full_queue_gets_503_and_when_to_come_back(server):
    server.wait_for("lomit_open_requests", 0)
    waiting = [server.begin({"instances": [one(i)]}, 0.5) for i in range(6)]
    server.wait_for("lomit_open_requests", 6)
    refused = server.predict({"instances": [one()]})
    assert refused.status == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert server.get("/healthz").status == 200
    for connection, rest in waiting:  # those that were there first are answered all the same
        connection.send(rest)
    for i, (connection, _) in enumerate(waiting):
        answer = read_answer(connection)
        alone = server.predict({"instances": [one(i)]})
        assert answer.status == alone.status == 200
        both = [decoded(a.json["predictions"][0]).astype(int) for a in (answer, alone)]
        assert np.abs(both[0] - both[1]).max() <= 1
        connection.close()


def test_client_that_goes_away_leaves_nothing_behind(server):
    server.wait_for("lomit_open_requests", 0)
    connection, _ = server.begin({"instances": [one()]}, 0.5)
    server.wait_for("lomit_open_requests", 1)
    connection.close()
    server.wait_for("lomit_open_requests", 0)
    assert server.metric("lomit_queue_instances") == 0


def test_bad_flags_are_told_in_one_line(tmp_path, capsys):
    from lomit_tf.serve import run

    with socket.create_server(("127.0.0.1", 0)) as taken:
        cases = {
            ("--model=x", "--prot=1"): (2, "did you mean --port"),
            ("--model=x", "--max_queue=0"): (2, "--max_queue must be at least 1"),
            ("--model=x", "--max_megapixels=nan"): (2, "--max_megapixels"),
            ("--model=x", "--name=a/b"): (2, "--name=a/b"),
            ("--model=x", f"--port={taken.getsockname()[1]}"): (1, "cannot listen"),
            (f"--model={tmp_path}", "--port=0"): (2, f"no trained model at {tmp_path}"),
            ("--model=x", "--host=no.such.host.invalid"): (1, "cannot listen"),
        }
        for flags, (code, words) in cases.items():
            assert run(flags) == code, flags
            said = capsys.readouterr().err
            assert words in said and said.count("\n") == 1, said
