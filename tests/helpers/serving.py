"""A server process for tests, and a client of the standard library."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("starlette", "uvicorn", "orjson", "prometheus_client")
READY_SECONDS = 180
SIZE = 64  # of the served model's images


def need_packages() -> None:
    """Skip where the server's packages are missing."""
    for name in PACKAGES:
        pytest.importorskip(name, reason=f"{name} is missing: pip install -e '.[serve]'")


def save_workdir(config: Any, path: Path) -> Path:
    """A workdir with an untrained model in it, as training leaves one; its weights are the same in every run."""
    import keras

    from lomit_tf.model import Lomit
    from lomit_tf.training.checkpoints import Checkpoints, RunState, Workdir

    keras.utils.set_random_seed(1)
    model = Lomit(config)
    model.compile()
    workdir = Workdir(path)
    workdir.prepare(config)
    Checkpoints(model, RunState(config), workdir.checkpoints, 1).save(1)
    return path


def png(pixels: np.ndarray) -> bytes:
    """(H, W, 3) uint8 as a PNG."""
    return image_bytes(Image.fromarray(pixels))


def image_bytes(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def b64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode()}


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return self.json["error"]


@dataclasses.dataclass
class Running:
    """A server process that answers."""

    process: subprocess.Popen[str]
    port: int
    name: str
    log: Path

    def request(self, method: str, path: str, body: bytes | None = None, timeout: float = 60) -> Answer:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)) as connection:
            connection.request(method, path, body)
            return read_answer(connection)

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def model(self, path: str = "") -> Answer:
        return self.get(f"/v1/models/{self.name}{path}")

    def predict(self, content: Any, path: str = ":predict") -> Answer:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.request("POST", f"/v1/models/{self.name}{path}", body)

    def begin(self, content: Any, part: float) -> tuple[http.client.HTTPConnection, bytes]:
        """Send a predict request's head and a part of its body; the connection, and what is still to be sent."""
        body = json.dumps(content).encode()
        cut = int(len(body) * part)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest("POST", f"/v1/models/{self.name}:predict")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        connection.send(body[:cut])
        return connection, body[cut:]

    def metric(self, name: str) -> float:
        """A metric's value, summed over its labels."""
        lines = self.get("/metrics").body.decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if re.match(rf"{name}(\{{| )", line))

    def wait_for(self, name: str, value: float, seconds: float = 30) -> None:
        """Wait until a metric has a value."""
        end = time.monotonic() + seconds
        while self.metric(name) != value:
            assert time.monotonic() < end, f"{name} is {self.metric(name)}, not {value}"
            time.sleep(0.02)


def read_answer(connection: http.client.HTTPConnection) -> Answer:
    response = connection.getresponse()
    return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


@contextlib.contextmanager
def serving(model: Path, log: Path, *flags: str) -> Iterator[Running]:
    """A server process on a free port; ended by the test, or here."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "lomit_tf.serve", f"--model={model}", "--port=0", *flags]
    with open(log, "w") as file:
        process = subprocess.Popen(command, stderr=file, text=True, env=environment, cwd=ROOT)
    try:
        end = time.monotonic() + READY_SECONDS
        while not (found := re.search(r"at http://127\.0\.0\.1:(\d+)/v1/models/(\S+)", log.read_text())):
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        running = Running(process, int(found[1]), found[2], log)
        while True:
            with contextlib.suppress(ConnectionError):
                if running.get("/readyz").status == 200:
                    break
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()


async def ask(
    server: Any,
    parts: list[bytes],
    *,
    complete: bool = True,
    method: str = "POST",
    path: str = "",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, Any]:
    """A request to a Server's application without a socket: status and JSON. Its body comes in parts.

    Without a path it is a predict request.
    """
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages[-1]["more_body"] = not complete
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0) if messages else await asyncio.sleep(3600)

    async def send(message: Any) -> None:
        sent.append(message)

    path = path or f"/v1/models/{server.name}:predict"
    sent_headers = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": sent_headers,
        "http_version": "1.1", "scheme": "http", "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1),
        "root_path": "",
    }  # fmt: skip
    server.batcher.start()
    try:
        await server.application()(scope, receive, send)
    finally:
        await server.batcher.stop()
    return sent[0]["status"], json.loads(b"".join(m.get("body", b"") for m in sent[1:]))


def pictures(seed: int, count: int, size: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
    """Smooth random pictures (count, H, W, 3) uint8."""
    small = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), np.uint8)
    return np.stack([np.array(Image.fromarray(s).resize(size[::-1], Image.Resampling.BICUBIC)) for s in small])


def decoded(prediction: dict[str, str]) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(base64.b64decode(prediction["b64"]))))


def one(seed: int = 0) -> dict:
    """A small instance of serving_default that is fine."""
    image, exemplar = pictures(seed, 2)
    return {"image_bytes": b64(png(image)), "exemplar_bytes": b64(png(exemplar))}
