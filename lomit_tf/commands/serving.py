"""The work of `lomit-serve`: a server of a model, listening until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from lomit_tf.commands import Failure
from lomit_tf.config import ConfigError

if TYPE_CHECKING:
    from lomit_tf.serving.routes import Limits, Server

NAME = "lomit-serve"


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


def listen(host: str, port: int) -> socket.socket:
    """A socket at this address. Raises Failure for an address that cannot be had."""
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


def serve(server: Server, listening: socket.socket, grace: int) -> None:
    """Answer until SIGINT or SIGTERM, then what has begun for `grace` seconds. Raises Failure for what was cut off."""
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
