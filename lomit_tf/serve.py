"""Serve a model over HTTP as TensorFlow Serving does: `python -m lomit_tf.serve --model=...`, or `lomit-serve`.

Exit codes: 0 stopped by Ctrl-C or SIGTERM, after every request was answered; 1 requests had to be cut off, or the
address cannot be had; 2 flags that cannot be used.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import socket
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lomit_tf.config import ConfigError, near
from lomit_tf.quiet import import_tensorflow

if TYPE_CHECKING:
    from lomit_tf.serving.app import Limits, Server

FAILED, UNUSABLE = 1, 2  # exit codes
LOOPBACK, PORT = "127.0.0.1", 8501  # TensorFlow Serving's REST port
HELP = """\
Serve a model over HTTP, in the format of TensorFlow Serving's REST API.

  lomit-serve --model=celeba_small
      then, from another terminal:
  curl -d '{"instances": [{"image_bytes": {"b64": "..."}, "exemplar_bytes": {"b64": "..."}}]}' \\
      http://127.0.0.1:8501/v1/models/celeba_small:predict

docs/serve.md has the signatures, a client, and what to put in front of it before others can reach it."""


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    flags = _Parser(
        "lomit-serve", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="lomit-serve --model=M [flags]", allow_abbrev=False,
    )  # fmt: skip

    def add(name: str, help: str, **options: Any) -> None:
        flags.add_argument(f"--{name}", help=help, **options)

    def number(name: str, help: str, default: float, kind: Any = int) -> None:
        add(name, f"{help} (default: {default:g})", type=kind, default=default, metavar="N")

    add(
        "model", "name of shipped weights, a --workdir of lomit_tf.train, or a checkpoint of one",
        required=True, metavar="M",
    )  # fmt: skip
    add("name", "what clients call it, /v1/models/NAME (default: the last part of --model)", default="")
    add("exemplar", "picture for requests that bring none (default: every request must)", default="", metavar="E")
    add(
        "host", f"address to listen at; 0.0.0.0 lets every machine in, without a password (default: {LOOPBACK})",
        default=LOOPBACK,
    )  # fmt: skip
    number("port", "port; 0 takes a free one", PORT)
    number("max_body_mb", "refuse larger requests (413), in MiB", 32)
    number("max_megapixels", "refuse larger pictures (400)", 25.0, float)
    number("max_queue", "instances that may wait; more are refused for now (503)", 64)
    number("max_batch", "instances computed together", 16)
    number("batch_wait_ms", "how long an instance waits for others, where nothing is being computed", 2.0, float)
    number("grace_seconds", "when stopped: time for the requests that have begun", 30)
    return flags


class _Parser(argparse.ArgumentParser):
    """argparse with one line for each mistake, which names the near flags."""

    def error(self, message: str) -> NoReturn:
        if message.startswith("unrecognized arguments: "):
            word = message.removeprefix("unrecognized arguments: ").split()[0]
            message = (
                f"unknown flag {word}; {near(word.split('=')[0], [o for a in self._actions for o in a.option_strings])}"
            )
        self.exit(UNUSABLE, f"{self.prog}: {message}\n")


def run(argv: Sequence[str] | None = None) -> int:
    """The command: serves until it is told to stop, and returns the exit code (see the module).

    Args:
      argv: the arguments without the program's name; None takes the process's.
    """
    try:
        args = parser().parse_args(argv)
        _check(args)
    except SystemExit as stop:  # argparse has said why
        return int(stop.code or 0)
    except ConfigError as error:
        return _failed(str(error), UNUSABLE)
    try:
        import uvicorn  # noqa: F401 - what the extra brings

        import_tensorflow()
        from lomit_tf.serving.app import Limits
    except ConfigError as error:
        return _failed(str(error), UNUSABLE)
    except ModuleNotFoundError as error:
        return _failed(f"needs {error.name}: pip install 'lomit_tf[serve]'", UNUSABLE)
    limits = Limits(
        max_body=args.max_body_mb << 20, max_bodies=max(8 * args.max_body_mb, 64) << 20,
        max_pixels=int(args.max_megapixels * 1e6), max_queue=args.max_queue,
        max_batch=args.max_batch, batch_wait=args.batch_wait_ms / 1000,
    )  # fmt: skip
    try:
        listening = _listen(args.host, args.port)
    except OSError as error:
        return _failed(f"cannot listen at {args.host}:{args.port}: {error.strerror or error}", FAILED)
    with listening:
        try:
            server = build(args.model, args.name or Path(args.model).resolve().name, args.exemplar, limits)
        except ConfigError as error:
            return _failed(str(error), UNUSABLE)
        return _serve(server, listening, args.grace_seconds)


def build(model: str, name: str, exemplar: str, limits: Limits) -> Server:
    """The server of a trained model, warmed up.

    Args:
      model: what `lomit_tf.load` takes.
      name: of the model, for clients.
      exemplar: path of the default exemplar; empty for none.

    Raises ConfigError: no such model, or an exemplar that cannot be used.
    """
    import lomit_tf
    from lomit_tf.serving.app import Server
    from lomit_tf.serving.engine import Engine, check_exemplar
    from lomit_tf.serving.wire import RequestError

    warnings.filterwarnings("ignore", module="PIL")  # its warning of large pictures; ours is a limit
    try:
        data = Path(exemplar).read_bytes() if exemplar else None
        engine = Engine(lomit_tf.load(model), max_pixels=limits.max_pixels, default_exemplar=data)
        check_exemplar(engine)
    except OSError as error:
        raise ConfigError(f"--exemplar={exemplar}: {error.strerror or error}") from error
    except RequestError as error:
        raise ConfigError(f"--exemplar={exemplar}: {error}") from error
    engine.warm_up()
    return Server(engine, name, limits)


def _check(args: argparse.Namespace) -> None:
    least = {"max_body_mb": 1, "max_queue": 1, "max_batch": 1, "port": 0, "grace_seconds": 0, "batch_wait_ms": 0}
    for name, value in least.items():
        if not getattr(args, name) >= value:
            raise ConfigError(f"--{name} must be at least {value}; received {getattr(args, name)}")
    if not 0 < args.max_megapixels <= 80:  # preprocess.MAX_PIXELS
        raise ConfigError(f"--max_megapixels must be above 0 and at most 80; received {args.max_megapixels}")
    if args.port > 65535:
        raise ConfigError(f"--port must be at most 65535; received {args.port}")
    name = args.name or Path(args.model).resolve().name
    if not name or set("/:?#") & set(name):
        raise ConfigError(f"--name={name} would not fit into an address; it may not have any of / : ? #")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    return listening


def _serve(server: Server, listening: socket.socket, grace: int) -> int:
    import uvicorn

    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    config = uvicorn.Config(
        server.application(), http="h11", ws="none", loop="asyncio", lifespan="on", log_config=None, access_log=False,
        server_header=False, timeout_graceful_shutdown=grace, timeout_keep_alive=30,
    )  # fmt: skip
    # uvicorn stops in order at these, and then raises them once more for whoever was there before.
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        host, port = listening.getsockname()[:2]
        _say(f"{server.name} at http://{f'[{host}]' if ':' in host else host}:{port}/v1/models/{server.name}")
        asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if server.cut_off:
        return _failed(f"{server.cut_off} requests were cut off after {grace} s", FAILED)
    _say("stopped; every request was answered")
    return 0


def _say(message: str) -> None:
    print(f"lomit-serve: {message}", file=sys.stderr, flush=True)


def _failed(message: str, code: int) -> int:
    _say(message)
    return code


if __name__ == "__main__":
    sys.exit(run())
