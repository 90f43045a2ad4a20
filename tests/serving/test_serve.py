"""The server as a process, on real requests: answers, batches, metrics, shutdown."""

from __future__ import annotations

import concurrent.futures
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from tests.helpers.serving import (
    ROOT,
    SIZE,
    b64,
    decoded,
    image_bytes,
    need_packages,
    one,
    pictures,
    png,
    read_answer,
    serving,
)

need_packages()


@pytest.fixture(scope="module")
def model(served_workdir):
    import lomit_tf

    return lomit_tf.load(served_workdir)


def floats(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / 127.5 - 1


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
        reference = np.clip(np.round((picture + 1) * 127.5), 0, 255)
        assert np.abs(decoded(prediction).astype(int) - reference).max() <= 1


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
    expected = decoded(server.predict({"instances": [instance]}).json["predictions"][0])
    assert np.abs(np.asarray(Image.open(output), int) - expected).max() <= 1


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


def test_sigterm_finishes_what_has_begun(served_workdir, tmp_path):
    exemplar = tmp_path / "ein Vorbild.png"
    exemplar.write_bytes(png(pictures(8, 1)[0]))
    with serving(served_workdir, tmp_path / "log", f"--exemplar={exemplar}", "--name=t") as running:
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
