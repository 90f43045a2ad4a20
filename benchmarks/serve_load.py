"""Load on a server process on loopback: throughput, p50 and p99, and whether every client got its own answers.

`python -m benchmarks.serve_load --model=drawn_faces [--clients=1,8,32] [--seconds=15]`

Every client has a picture and an exemplar of its own (drawn faces), and first asks alone for the expected answer; under
load each of its answers must equal that one (to 1 of 255: a picture's rounding moves with the batch it is in), and be
far from every other client's.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import io
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from PIL import Image

MOST_SECONDS, MOST_CLIENTS = 120, 64  # the test is bounded, whatever is asked for


class Client(threading.Thread):
    """One client: a kept connection, one request after another until the end."""

    def __init__(self, port: int, path: str, body: bytes, end: float = 0.0) -> None:
        super().__init__()
        self.port, self.path, self.body, self.end = port, path, body, end
        self.seconds: list[float] = []
        self.answers: list[bytes] = []  # as they came; looked at after the load
        self.refused, self.failed = 0, 0

    def run(self) -> None:
        """Ask until the end; refusals (503) wait as long as they are told to, at most a second."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while time.perf_counter() < self.end:
            start = time.perf_counter()
            try:
                connection.request("POST", self.path, self.body)
                response = connection.getresponse()
                data = response.read()
            except (OSError, http.client.HTTPException):
                self.failed += 1
                connection.close()
                continue
            if response.status == 200:
                self.seconds.append(time.perf_counter() - start)
                self.answers.append(data)
            elif response.status == 503:
                self.refused += 1
                time.sleep(min(1.0, float(response.headers["Retry-After"])))
            else:
                self.failed += 1
        connection.close()


def picture(answer: bytes) -> np.ndarray:
    """The only prediction of an answer, (S, S, 3)."""
    (prediction,) = json.loads(answer)["predictions"]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(prediction["b64"]))), np.int16)


def bodies(count: int, size: int) -> list[bytes]:
    """A request for each client, of drawn faces."""
    from lomit_tf.data.drawn_faces import draw

    encoded = []
    for face in draw(range(2 * count), size=size).images:
        buffer = io.BytesIO()
        Image.fromarray(face).save(buffer, "PNG")
        encoded.append({"b64": base64.b64encode(buffer.getvalue()).decode()})
    pairs = zip(encoded[:count], encoded[count:], strict=True)
    return [json.dumps({"instances": [{"image_bytes": i, "exemplar_bytes": e}]}).encode() for i, e in pairs]


def pillow(body: bytes) -> float:
    """Seconds in which Pillow reads and writes the pictures of a request; the median of 21 times."""
    (instance,) = json.loads(body)["instances"]
    files = [base64.b64decode(part["b64"]) for part in instance.values()]
    seconds = []
    for _ in range(21):
        start = time.perf_counter()
        for file in files:
            with Image.open(io.BytesIO(file)) as image:
                image.convert("RGB").save(io.BytesIO(), "PNG")
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


@contextlib.contextmanager
def server(model: str, flags: Sequence[str]) -> Iterator[tuple[int, str]]:
    """A server process: its port, and the path of :predict. It must stop in order."""
    with tempfile.TemporaryFile("w+") as log:
        command = [sys.executable, "-m", "lomit_tf.serve", f"--model={model}", "--port=0", *flags]
        process = subprocess.Popen(command, stderr=log)
        try:
            while True:
                log.seek(0)
                said = log.read()
                if found := re.search(r"http://127\.0\.0\.1:(\d+)(/\S+)", said):
                    break
                if process.poll() is not None:
                    raise SystemExit(f"the server did not start:\n{said}")
                time.sleep(0.1)
            yield int(found[1]), found[2] + ":predict"
            process.send_signal(signal.SIGTERM)
            if process.wait(60):
                raise SystemExit(f"the server ended with {process.returncode}")
        finally:
            if process.poll() is None:
                process.kill()


def load(port: int, path: str, requests: Sequence[bytes], seconds: float) -> dict[str, Any]:
    """One round: a client for each request; the numbers of a row of the table."""
    alone = []
    for body in requests:
        client = Client(port, path, body, time.perf_counter() + 1e-9)
        while not client.answers:
            client.end = time.perf_counter() + 1e-3
            client.run()
        alone.append(picture(client.answers[0]))
    start = time.perf_counter()
    clients = [Client(port, path, body, start + seconds) for body in requests]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    took = time.perf_counter() - start
    mixed = different = 0
    for own, client in enumerate(clients):
        for answer in client.answers:
            errors = [float(np.abs(picture(answer) - other).mean()) for other in alone]
            mixed += int(np.argmin(errors) != own)
            different += int(np.abs(picture(answer) - alone[own]).max() > 1)
    times = np.array([s for client in clients for s in client.seconds])
    return {
        "clients": len(clients), "answers": len(times), "per_second": len(times) / took,
        "p50": float(np.percentile(times, 50)), "p99": float(np.percentile(times, 99)),
        "refused": sum(c.refused for c in clients), "failed": sum(c.failed for c in clients),
        "mixed": mixed, "different": different,
    }  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table, one row for each number of clients; 1 where an answer was lost, wrong or another client's."""
    flags = argparse.ArgumentParser("serve_load", description=__doc__)
    flags.add_argument("--model", required=True)
    flags.add_argument("--clients", default="1,8,32")
    flags.add_argument("--seconds", type=float, default=15)
    flags.add_argument("--size", type=int, default=64, help="side of the pictures that clients send")
    args, server_flags = flags.parse_known_args(argv)
    counts = [min(int(n), MOST_CLIENTS) for n in args.clients.split(",")]
    requests = bodies(max(counts), args.size)
    wrong = 0
    print(f"Pillow reads and writes a client's two pictures as PNG in {1000 * pillow(requests[0]):.1f} ms\n")
    print("| clients | answers | answers/s | p50, ms | p99, ms | refused (503) | failed | mixed up | not as alone |")
    print("|---|---|---|---|---|---|---|---|---|")
    with server(args.model, server_flags) as (port, path):
        for count in counts:
            r = load(port, path, requests[:count], min(args.seconds, MOST_SECONDS))
            print(
                f"| {count} | {r['answers']} | {r['per_second']:.1f} | {1000 * r['p50']:.0f} | {1000 * r['p99']:.0f} "
                f"| {r['refused']} | {r['failed']} | {r['mixed']} | {r['different']} |",
                flush=True,
            )
            wrong += r["failed"] + r["mixed"] + r["different"]
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
