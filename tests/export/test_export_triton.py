"""The SavedModel of shipped weights in a server that we did not write: nvidia-pytriton's tritonserver, on the CPU.

Its Python backend runs tests/export/triton/lomit, which loads the SavedModel; we ask it by its own HTTP client.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import lomit_tf

REPOSITORY = Path(__file__).parent / "triton" / "lomit"
PYTHON = os.environ.get("LOMIT_TRITON", "")
CLIENT = """
import sys
import numpy as np
from tritonclient.http import InferenceServerClient, InferInput
given = np.load(sys.argv[2])
inputs = []
for name, value in given.items():
    inputs.append(InferInput(name, list(value.shape), "FP32"))
    inputs[-1].set_data_from_numpy(value)
client = InferenceServerClient(sys.argv[1])
answer = client.infer("lomit", inputs)
np.savez(sys.argv[3], **{name: answer.as_numpy(name) for name in ("translation", "image_masks")})
print(client.get_server_metadata()["name"], client.get_server_metadata()["version"])
"""

WHERE = """
import json, os, sys, sysconfig, pytriton
version = "{}.{}".format(*sys.version_info)
print(json.dumps({"pytriton": pytriton.__path__[0], "version": version, "packages": sysconfig.get_path("purelib")}))
"""


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def wrong(log: Path) -> str:
    """The server's errors: its log ends with tables."""
    return "\n".join(line for line in log.read_text().splitlines() if line.startswith(("E", "error")))[:3000]


def wait_until_ready(server: subprocess.Popen, port: int, log: Path) -> None:
    end = time.monotonic() + 180
    while time.monotonic() < end:
        assert server.poll() is None, wrong(log)
        try:
            if urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/models/lomit/ready", timeout=5).status == 200:
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail(wrong(log))


@pytest.mark.slow
def test_triton_answers_with_the_models_numbers(tmp_path):
    if not PYTHON:
        pytest.skip("LOMIT_TRITON does not name the Python of an environment with nvidia-pytriton and tensorflow")
    from export.saved_model import write_saved_model

    model = lomit_tf.load("drawn_faces")
    saved = write_saved_model(model, tmp_path / "saved_model")
    folder = tmp_path / "models" / "lomit"
    (folder / "1").mkdir(parents=True)
    config = (REPOSITORY / "config.pbtxt").read_text().replace("SAVED_MODEL", str(saved))
    (folder / "config.pbtxt").write_text(config.replace(" S,", " 64,").replace(" G ", " 2 "))
    (folder / "1" / "model.py").write_text((REPOSITORY / "1" / "model.py").read_text())

    random = np.random.default_rng(5)
    given = {name: random.uniform(-1, 1, (3, 64, 64, 3)).astype("float32") for name in ("image", "exemplar")}
    for name in ("image_masks", "exemplar_masks"):
        given[name] = random.uniform(-1, 1, (3, 64, 64, 2)).astype("float32")
    given["transfer"] = np.array([[1, 1], [1, 0], [0, 1]], "float32")
    np.savez(tmp_path / "given.npz", **given)

    where = json.loads(subprocess.run([PYTHON, "-c", WHERE], capture_output=True, text=True, check=True).stdout)
    triton, port, log = Path(where["pytriton"]) / "tritonserver", free_port(), tmp_path / "log"
    backends = tmp_path / "backends" / "python"
    backends.mkdir(parents=True)
    stub = triton / "python_backend_stubs" / where["version"] / "triton_python_backend_stub"
    for file in (*(triton / "backends" / "python").glob("*.*"), stub):
        (backends / file.name).symlink_to(file)
    # The backend embeds a Python, which finds its environment by what is first on the path.
    path = f"{Path(PYTHON).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": where["packages"]}
    command = [
        str(triton / "bin" / "tritonserver"), f"--model-repository={tmp_path / 'models'}",
        f"--backend-directory={backends.parent}", "--http-address=127.0.0.1", f"--http-port={port}",
        "--allow-grpc=false", "--allow-metrics=false",
        "--backend-config=python,stub-timeout-seconds=170",  # importing TensorFlow on a busy machine
    ]  # fmt: skip
    with log.open("w") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment)
    try:
        wait_until_ready(server, port, log)
        arguments = [f"127.0.0.1:{port}", str(tmp_path / "given.npz"), str(tmp_path / "answer.npz")]
        done = subprocess.run([PYTHON, "-c", CLIENT, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:] + log.read_text()[-2000:]
        assert done.stdout.startswith("triton ")
    finally:
        server.terminate()
        server.wait(60)
    import tensorflow as tf

    expected = tf.saved_model.load(str(saved)).signatures["translate"](**{k: tf.constant(v) for k, v in given.items()})
    with np.load(tmp_path / "answer.npz") as answer:
        for name in ("translation", "image_masks"):
            np.testing.assert_allclose(answer[name], expected[name], atol=1e-4)
    own = model.translate(given["image"], given["exemplar"], given["transfer"])
    assert np.abs(np.asarray(own["image"]) - expected["translation"]).max() > 1e-3, "the edited masks were ignored"
