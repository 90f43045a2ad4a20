"""One step of SGD is the same on one device, on two logical CPUs, and in two processes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TESTS = Path(__file__).parents[1]


def launch(strategy: str, output: Path, tf_config: str = "") -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(TESTS.parent), "TF_CPP_MIN_LOG_LEVEL": "2"}
    environment.pop("TF_CONFIG", None)
    if tf_config:
        environment["TF_CONFIG"] = tf_config
    command = [sys.executable, str(TESTS / "helpers" / "one_sgd_step.py"), strategy, str(output)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def finish(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output[-4000:]


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    output = tmp_path_factory.mktemp("single") / "weights.npz"
    finish(launch("one_device", output))
    return dict(np.load(output))


def agree(one: dict[str, np.ndarray], other: dict[str, np.ndarray], replicas: int) -> None:
    assert int(one.pop("replicas")) == 1 and int(other.pop("replicas")) == replicas
    assert list(one.pop("names")) == list(other["names"])
    names = other.pop("names")
    # Norms of the gradients are means over replicas' own norms, not of the global gradient.
    same = [not n.endswith("gradient_norm") for n in names]
    np.testing.assert_allclose(other.pop("logs")[same], one.pop("logs")[same], rtol=1e-4, atol=1e-5)
    assert one.keys() == other.keys()
    moved = 0
    for path, update in one.items():
        size = np.linalg.norm(update)
        assert np.linalg.norm(other[path] - update) <= 1e-4 * size + 1e-8, path
        moved += bool(size > 0)
    assert moved > 100


def test_two_logical_devices(single: dict[str, np.ndarray], tmp_path: Path) -> None:
    finish(launch("mirrored", tmp_path / "w.npz"))
    agree(dict(single), dict(np.load(tmp_path / "w.npz")), 2)


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def test_two_processes(single: dict[str, np.ndarray], tmp_path: Path) -> None:
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports(2)]}
    configs = [json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}}) for i in range(2)]
    finish(*[launch("multi_worker", tmp_path / "w.npz", tf_config=c) for c in configs])
    agree(dict(single), dict(np.load(tmp_path / "w.npz")), 2)
