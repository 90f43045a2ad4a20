"""Serve a model over HTTP as TensorFlow Serving does: `python -m lomit_tf.serve --model=...`, or `lomit-serve`.

Exit codes: 0 stopped by Ctrl-C or SIGTERM, after every request was answered; 1 requests had to be cut off, or the
address cannot be had; 2 flags that cannot be used.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import signal
import socket
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lomit_tf.commands import Command, Failure, FlagSet, require_extra
from lomit_tf.commands.models import check_model
from lomit_tf.config import NEEDED, ConfigError, option

if TYPE_CHECKING:
    from lomit_tf.serving.routes import Limits, Server

NAME = "lomit-serve"
LOOPBACK, PORT = "127.0.0.1", 8501  # TensorFlow Serving's REST port
INTRO = """\
Serve a model over HTTP, in the format of TensorFlow Serving's REST API.

  lomit-serve --model=celeba_hair
      then, from another terminal:
  curl -d '{"instances": [{"image_bytes": {"b64": "..."}, "exemplar_bytes": {"b64": "..."}}]}' \\
      http://127.0.0.1:8501/v1/models/celeba_hair:predict

docs/serve.md has the signatures, a client, and what to put in front of it before others can reach it."""


@dataclasses.dataclass(frozen=True)
class ServeFlags:
    """What a command line asks for. Raises ConfigError for a name that fits into no address."""

    model: str = option(
        NEEDED, "name of shipped weights, a --workdir of lomit_tf.train, or a checkpoint of one", form="M"
    )
    name: str = option("", "what clients call it, /v1/models/NAME (default: the last part of --model)", form="NAME")
    exemplar: str = option("", "picture for requests that bring none (default: every request must)", form="FILE")
    host: str = option(LOOPBACK, "address to listen at; 0.0.0.0 lets every machine in, without a password", form="HOST")
    port: int = option(PORT, "port; 0 takes a free one", least=0, most=65535)
    max_body_mb: int = option(32, "refuse larger requests (413), in MiB", least=1)
    max_megapixels: float = option(25.0, "refuse larger pictures (400); above 0", most=80)  # preprocess.MAX_PIXELS
    max_queue: int = option(64, "instances that may wait; more are refused for now (503)", least=1)
    max_batch: int = option(16, "instances computed together", least=1)
    batch_wait_ms: float = option(
        2.0, "how long an instance waits for others, where nothing is being computed", least=0
    )
    grace_seconds: int = option(30, "when stopped: time for the requests that have begun", least=0)

    def __post_init__(self) -> None:
        if self.max_megapixels <= 0:
            raise ConfigError(f"--max_megapixels must be above 0; received {self.max_megapixels}")
        if not self.client_name or set("/:?#") & set(self.client_name):
            raise ConfigError(
                f"--name={self.client_name} would not fit into an address; it may not have any of / : ? #"
            )

    @property
    def client_name(self) -> str:
        """What clients call the model."""
        return self.name or Path(self.model).resolve().name

    def limits(self) -> Limits:
        """As the server takes them."""
        from lomit_tf.serving.routes import Limits

        return Limits(
            max_body=self.max_body_mb << 20, max_bodies=max(8 * self.max_body_mb, 64) << 20,
            max_pixels=int(self.max_megapixels * 1e6), max_queue=self.max_queue,
            max_batch=self.max_batch, batch_wait=self.batch_wait_ms / 1000,
        )  # fmt: skip


FLAGS = FlagSet(ServeFlags, INTRO)


def run(argv: Sequence[str] | None = None) -> int:
    """The command: serves until it is told to stop, and returns the exit code (see the module).

    Args:
      argv: the arguments without the program's name; None takes the process's.
    """
    return Command(NAME, FLAGS.help_text, FLAGS.parse, _run, check=_check).run(argv)


def _check(flags: ServeFlags) -> None:
    _listen(flags.host, flags.port).close()
    check_model("model", flags.model)
    require_extra("serve", "uvicorn", "starlette", "orjson", "prometheus_client")


def _run(flags: ServeFlags) -> None:
    """The part that takes TensorFlow, which is imported before it: seconds after any usage error."""
    with _listen(flags.host, flags.port) as listening:
        _serve(build(flags.model, flags.client_name, flags.exemplar, flags.limits()), listening, flags.grace_seconds)


def build(model: str, name: str, exemplar: str, limits: Limits) -> Server:
    """The server of a trained model, warmed up.

    Args:
      model: what `lomit_tf.load` takes.
      name: of the model, for clients.
      exemplar: path of the default exemplar; empty for none.

    Raises ConfigError: no such model, or an exemplar that cannot be used.
    """
    import lomit_tf
    from lomit_tf.serving.engine import Engine, check_exemplar
    from lomit_tf.serving.routes import Server
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


def _listen(host: str, port: int) -> socket.socket:
    """Raises Failure for an address that cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((host, port))
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise Failure(f"cannot listen at {host}:{port}: {error.strerror or error}") from error
    return listening


def _serve(server: Server, listening: socket.socket, grace: int) -> None:
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
        raise Failure(f"{server.cut_off} requests were cut off after {grace} s")
    _say("stopped; every request was answered")


def _say(message: str) -> None:
    print(f"{NAME}: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(run())
