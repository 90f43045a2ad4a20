"""The server as a process, on real requests: answers, every kind of bad request, full queues, shutdown."""

from __future__ import annotations

import base64
import concurrent.futures
import io
import json
import re
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from files import bomb
from PIL import Image
from serving import ROOT, b64, image_bytes, need_packages, png, read_answer, save_workdir, serving

need_packages()
GROUPS = "hair: Black_Hair; smile: Smiling"
SIZE = 64


@pytest.fixture(scope="module")
def workdir(tiny, tmp_path_factory):
    return save_workdir(tiny(groups=GROUPS, output="composite"), tmp_path_factory.mktemp("serve") / "two groups")


@pytest.fixture(scope="module")
def server(workdir, tmp_path_factory):
    log = tmp_path_factory.mktemp("log") / "server.log"
    with serving(
        workdir, log, "--name=tiny", "--max_body_mb=2", "--max_megapixels=0.5", "--max_queue=6", "--max_batch=4"
    ) as running:
        yield running
        assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def model(workdir):
    import lomit_tf

    return lomit_tf.load(workdir)


def pictures(seed: int, count: int, size: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
    """Smooth random pictures (count, H, W, 3) uint8."""
    small = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), np.uint8)
    return np.stack([np.array(Image.fromarray(s).resize(size[::-1], Image.Resampling.BICUBIC)) for s in small])


def floats(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / 127.5 - 1


def decoded(prediction: dict[str, str]) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(base64.b64decode(prediction["b64"]))))


def one(seed: int = 0) -> dict:
    """A small instance of serving_default that is fine."""
    image, exemplar = pictures(seed, 2)
    return {"image_bytes": b64(png(image)), "exemplar_bytes": b64(png(exemplar))}


def test_status_metadata_and_health(server):
    assert server.model().json == {
        "model_version_status": [
            {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        ]
    }
    assert server.model("/versions/1").json == server.model().json
    found = server.model("/metadata").json
    assert found["model_spec"] == {"name": "tiny", "signature_name": "", "version": "1"}
    signatures = found["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {"serving_default", "translate", "masks", "encode_exemplar", "apply"}
    inputs = signatures["translate"]["inputs"]
    assert set(inputs) == {"image", "exemplar", "image_masks", "exemplar_masks", "transfer"}
    assert [d["size"] for d in inputs["image"]["tensor_shape"]["dim"]] == ["-1", "64", "64", "3"]
    assert inputs["image"]["dtype"] == "DT_FLOAT"
    assert signatures["serving_default"]["inputs"]["image_bytes"]["dtype"] == "DT_STRING"
    assert set(signatures["serving_default"]["outputs"]) == {"translation_bytes"}
    assert server.get("/healthz").json == {"status": "ok"}


def test_encoded_images_give_what_the_model_gives(server, model):
    from lomit_tf.data import preprocess

    wide = pictures(1, 2, (90, 130))
    exemplar = pictures(2, 1, (70, 64))[0]
    answer = server.predict(
        {"instances": [{"image_bytes": b64(png(w)), "exemplar_bytes": b64(png(exemplar))} for w in wide]}
    )
    assert answer.status == 200
    expected = model.translate(
        np.stack([preprocess.preprocess(w, 0, SIZE) for w in wide]),
        np.stack([preprocess.preprocess(exemplar, 0, SIZE)] * 2),
    )["image"]
    for prediction, picture in zip(answer.json["predictions"], np.asarray(expected), strict=True):
        wanted = np.clip(np.round((picture + 1) * 127.5), 0, 255)
        assert np.abs(decoded(prediction).astype(int) - wanted).max() <= 1


def test_rows_columns_masks_and_transfer_give_what_the_model_gives(server, model, rng):
    images, exemplars = floats(pictures(3, 2)), floats(pictures(4, 2))
    masks = rng.uniform(0, 0.5, (2, SIZE, SIZE, 2)).astype(np.float32)
    transfer = np.array([[1, 0], [0, 1]], np.float32)
    background = 1 - masks.sum(axis=-1, keepdims=True)
    regions = np.concatenate([masks, background], axis=-1)
    expected = model.translate(images, exemplars, transfer, regions, None)
    columns = {"image": images, "exemplar": exemplars, "image_masks": masks, "transfer": transfer}
    inputs = {name: value.tolist() for name, value in columns.items()}
    by_column = server.predict({"signature_name": "translate", "inputs": inputs}).json["outputs"]
    np.testing.assert_allclose(by_column["translation"], expected["image"], atol=1e-5)
    np.testing.assert_allclose(by_column["image_masks"], masks, atol=1e-6)
    np.testing.assert_allclose(by_column["exemplar_masks"], expected["exemplar_masks"][..., :2], atol=1e-5)
    rows = [dict(zip(inputs, row, strict=True)) for row in zip(*inputs.values(), strict=True)]
    by_row = server.predict({"signature_name": "translate", "instances": rows}).json["predictions"]
    for i, row in enumerate(by_row):
        for name, value in row.items():
            np.testing.assert_allclose(value, by_column[name][i], atol=1e-5)


def test_negative_mask_values_stand_for_the_network(server, model):
    image, exemplar = floats(pictures(5, 2))
    instance = {"image": image.tolist(), "exemplar": exemplar.tolist()}
    left = np.full((SIZE, SIZE, 2), -1.0)
    left[:, SIZE // 2 :] = 0
    plain, own, edited = server.predict(
        {
            "signature_name": "translate",
            "instances": [instance, instance | {"image_masks": [[[-1.0]]]}, instance | {"image_masks": left.tolist()}],
        }
    ).json["predictions"]
    np.testing.assert_allclose(plain["translation"], own["translation"], atol=1e-5)
    used = np.array(edited["image_masks"])
    np.testing.assert_allclose(used[:, : SIZE // 2], np.array(plain["image_masks"])[:, : SIZE // 2], atol=1e-5)
    assert not used[:, SIZE // 2 :].any()
    changed = np.array(edited["translation"]) - image
    assert np.abs(changed[:, : SIZE // 2]).max() > 0.05
    assert np.abs(changed[:, SIZE // 2 :]).max() < 1e-6  # where the mask was erased, nothing changes


def test_styles_may_be_kept_by_the_client(server):
    image, exemplar = floats(pictures(6, 2)).tolist()
    whole = server.predict({"signature_name": "translate", "instances": [{"image": image, "exemplar": exemplar}]}).json[
        "predictions"
    ][0]
    encoded = server.predict({"signature_name": "encode_exemplar", "instances": [exemplar]}).json["predictions"][0]
    applied = server.predict(
        {"signature_name": "apply", "inputs": {"image": [image], "styles": [encoded["styles"]]}}
    ).json["outputs"]
    np.testing.assert_allclose(applied["translation"][0], whole["translation"], atol=1e-5)
    np.testing.assert_allclose(encoded["exemplar_masks"], whole["exemplar_masks"], atol=1e-5)
    masks = server.predict({"signature_name": "masks", "instances": [image]}).json["predictions"][0]
    np.testing.assert_allclose(masks, whole["image_masks"], atol=1e-5)


def test_the_documented_client_works(server, tmp_path):
    text = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
    (client,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    photo, exemplar, output = (tmp_path / name for name in ("photo.png", "star.png", "out.png"))
    photo.write_bytes(png(pictures(20, 1, (80, 90))[0]))
    exemplar.write_bytes(png(pictures(21, 1)[0]))
    url = f"http://127.0.0.1:{server.port}/v1/models/tiny"
    subprocess.run([sys.executable, "-I", "-c", client, url, photo, exemplar, output], check=True)
    instance = {"image_bytes": b64(photo.read_bytes()), "exemplar_bytes": b64(exemplar.read_bytes())}
    wanted = decoded(server.predict({"instances": [instance]}).json["predictions"][0])
    assert np.abs(np.asarray(Image.open(output), int) - wanted).max() <= 1


def test_exif_is_turned_and_formats_are_read(server):
    image, exemplar = pictures(7, 2)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees clockwise
    turned = image_bytes(Image.fromarray(np.rot90(image)), exif=exif)
    grey = image_bytes(Image.fromarray(image).convert("L"))
    answers = []
    for data in (png(image), turned, image_bytes(Image.fromarray(image), "WEBP", lossless=True), grey):
        instance = {"image_bytes": b64(data), "exemplar_bytes": b64(png(exemplar))}
        answers.append(decoded(server.predict({"instances": [instance]}).json["predictions"][0]).astype(int))
    assert np.abs(answers[0] - answers[1]).max() <= 1
    assert np.abs(answers[0] - answers[2]).max() <= 1
    assert np.abs(answers[0] - answers[3]).max() > 10


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


def test_clients_at_once_get_their_own_answers_in_batches(server):
    content = {i: {"instances": [one(100 + i)]} for i in range(6)}
    alone = {i: decoded(server.predict(c).json["predictions"][0]).astype(int) for i, c in content.items()}
    batches = server.metric("lomit_batch_size_count")
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        rounds = [pool.submit(lambda i: (i, server.predict(content[i])), i) for _ in range(5) for i in content]
        for future in rounds:
            i, answer = future.result()
            assert answer.status == 200
            picture = decoded(answer.json["predictions"][0]).astype(int)
            errors = {j: np.abs(picture - other).mean() for j, other in alone.items()}
            assert errors[i] < 0.1 < 1 < min(e for j, e in errors.items() if j != i)
    assert server.metric("lomit_batch_size_count") - batches < 30  # 30 instances: some were computed together


def test_metrics_are_prometheus_text(server):
    from prometheus_client.parser import text_string_to_metric_families

    server.predict({"instances": [one()]})
    server.predict({"signature_name": "x" * 50, "instances": [one()]})
    answer = server.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    families = {f.name: f for f in text_string_to_metric_families(answer.body.decode())}
    signatures = {s.labels["signature"] for s in families["lomit_requests"].samples}
    assert "serving_default" in signatures
    assert signatures <= {"", "serving_default", "translate", "masks", "encode_exemplar", "apply"}
    assert families["lomit_instances"].samples


def test_sigterm_finishes_what_has_begun(workdir, tmp_path, rng):
    exemplar = tmp_path / "ein Vorbild.png"
    exemplar.write_bytes(png(pictures(8, 1)[0]))
    with serving(workdir, tmp_path / "log", f"--exemplar={exemplar}", "--name=t") as running:
        content = {"instances": [{"image_bytes": one(9)["image_bytes"]}]}  # the server's own exemplar
        before = running.predict(content)
        assert before.status == 200
        connection, rest = running.begin(content, 0.5)
        running.wait_for("lomit_open_requests", 1)
        running.process.send_signal(signal.SIGTERM)
        refused_by = time.monotonic() + 20
        while time.monotonic() < refused_by:
            try:
                running.get("/healthz")
            except ConnectionError:
                break
        else:
            pytest.fail("still takes new connections")
        assert running.process.poll() is None
        connection.send(rest)
        after = read_answer(connection)
        assert (after.status, after.json) == (200, before.json)
        assert running.process.wait(30) == 0
        assert "every request was answered" in running.log.read_text()


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
