"""The command lomit-app: flags, messages, exit codes, and a served page that a signal stops. Needs Gradio for most."""

from __future__ import annotations

import http.server
import importlib.util
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from lomit_tf import app

ROOT = Path(__file__).resolve().parents[2]


def test_help_is_plain_and_local_by_default(capsys):
    assert app.run(["--help"]) == 0
    shown = capsys.readouterr().out
    for flag in ("--model", "--host", "--port", "--[no]share", "--crop"):
        assert flag in shown
    defaults = app.FLAGS.parse([])
    assert (defaults.host, defaults.share) == ("127.0.0.1", False)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["--port=99999"], "--port"), (["--port=x"], "--port"), (["--moddel=x"], "--moddel"), (["--crop=nose"], "--crop")],
)
def test_flags_that_cannot_be_used(arguments, expected, capsys):
    assert app.run(arguments) == 2
    assert expected in capsys.readouterr().err


def test_without_gradio_it_says_what_to_install(monkeypatch, capsys):
    present = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "gradio" else present(name))
    assert app.run([]) == 2
    assert "lomit_tf[app]" in capsys.readouterr().err


def test_a_model_that_is_not_there(tmp_path, capsys):
    pytest.importorskip("gradio", reason="gradio is not installed (extra app)")
    assert app.run([f"--model={tmp_path / 'nothing'}"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert [line for line in lines if "nothing" in line and line.startswith("lomit-app: --model")]


def test_a_port_that_is_taken():
    pytest.importorskip("gradio", reason="gradio is not installed (extra app)")
    from lomit_tf.webapp import server as serving

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError):
            serving.free_port("127.0.0.1", port)
        assert serving.free_port("127.0.0.1", 0) not in (0, port)


@pytest.mark.slow
def test_it_serves_on_this_machine_alone_until_a_signal(groups_workdir):
    pytest.importorskip("gradio", reason="gradio is not installed (extra app)")
    command = [sys.executable, "-m", "lomit_tf.app", f"--model={groups_workdir}", "--port=0"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as served:
        try:
            line = served.stdout.readline()
            address = re.search(r"open (http://127\.0\.0\.1:(\d+)/)", line)
            assert address, line + served.stderr.read()
            with urllib.request.urlopen(address[1], timeout=30) as answer:
                assert b"LOMIT" in answer.read()
            with socket.socket() as outside:  # another address of this machine: nobody listens there
                outside.settimeout(5)
                assert outside.connect_ex(("127.0.0.2", int(address[2])))
        finally:
            served.send_signal(signal.SIGTERM)
            errors = served.communicate(timeout=60)[1]
        assert served.returncode == 128 + signal.SIGTERM
        assert "Traceback" not in errors


class Stripping(http.server.BaseHTTPRequestHandler):
    """A reverse proxy that serves what lies behind it below /faces, and nothing else."""

    behind = ""

    def do_GET(self) -> None:
        if not self.path.startswith("/faces/"):
            self.send_error(404)
            return
        request = urllib.request.Request(self.behind + self.path.removeprefix("/faces"))
        with urllib.request.urlopen(request, timeout=60) as answer:
            body = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.mark.slow
def test_it_serves_behind_a_proxy_below_a_path(translator, monkeypatch):
    """With GRADIO_ROOT_PATH, all that the page asks for lies below that path, and comes through the proxy."""
    pytest.importorskip("gradio", reason="gradio is not installed (extra app)")
    from lomit_tf.webapp import server as serving

    monkeypatch.setenv("GRADIO_ROOT_PATH", "/faces")
    with serving.serve(translator, port=0) as served:
        handler = type("Proxy", (Stripping,), {"behind": re.fullmatch(r"(http://127\.0\.0\.1:\d+)/", served.url)[1]})
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            outside = f"http://127.0.0.1:{proxy.server_address[1]}"
            with urllib.request.urlopen(f"{outside}/faces/", timeout=60) as answer:
                page = answer.read().decode()
            with urllib.request.urlopen(f"{outside}/faces/config", timeout=60) as answer:
                root = json.load(answer)["root"]
            assert root.endswith("/faces")
            assets = set(re.findall(r'(?:src|href)="([^"]+\.(?:js|css))"', page))
            assert assets
            for asset in assets:
                with urllib.request.urlopen(urllib.parse.urljoin(f"{outside}/faces/", asset), timeout=60) as answer:
                    assert answer.status == 200, asset
            proxy.shutdown()
