"""The HTTP side: TensorFlow Serving's REST routes, health and metrics, and every limit before any work.

Nothing here knows of files: clients send base64 and numbers, and get the same.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import orjson
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from lomit_tf.serving import encodings, wire
from lomit_tf.serving.batcher import Batcher
from lomit_tf.serving.engine import Engine, Item
from lomit_tf.serving.metrics import Metrics
from lomit_tf.serving.wire import RequestError

VERSION = "1"
DRAIN_SECONDS, DRAIN_FACTOR = 2.0, 4  # what is still read of a body that is refused, so that the answer arrives
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a server takes.

    Attributes:
      max_body: bytes of a request's body, as it is sent and as it is after unpacking gzip.
      max_bodies: bytes of all bodies that are being received or worked on.
      max_pixels: of an encoded image.
      max_queue: instances that may be waiting or in work; also requests that may be open.
      max_batch: instances computed together.
      batch_wait: seconds to wait for more of them.
      body_seconds: within which a body must have arrived.
      decoders: threads that decode and encode.
    """

    max_body: int = 32 << 20
    max_bodies: int = 256 << 20
    max_pixels: int = 25_000_000
    max_queue: int = 64
    max_batch: int = 16
    batch_wait: float = 0.002
    body_seconds: float = 30.0
    decoders: int = 2


class Server:
    """One model behind HTTP; `application()` is what an ASGI server runs.

    Args:
      name: of the model, as in /v1/models/<name>.
    """

    def __init__(self, engine: Engine, name: str, limits: Limits) -> None:
        self.engine, self.name, self.limits = engine, name, limits
        self.metrics = Metrics()
        self.batcher = Batcher(
            engine.run, max_batch=limits.max_batch, wait=limits.batch_wait, max_queue=limits.max_queue,
            observe=self.metrics.batch,
        )  # fmt: skip
        self.open_requests, self.open_bytes, self.cut_off, self.ready = 0, 0, 0, False
        self.metrics.watch("lomit_queue_instances", "Instances waiting or in work.", lambda: self.batcher.pending)
        self.metrics.watch("lomit_open_requests", "Predict requests being answered.", lambda: self.open_requests)
        self.metrics.watch("lomit_open_bytes", "Bytes of their bodies.", lambda: self.open_bytes)
        self.metrics.watch("lomit_exemplar_cache_hits", "Exemplars not encoded anew.", lambda: engine.cache_hits)
        self._pool = ThreadPoolExecutor(limits.decoders, thread_name_prefix="decode")

    def application(self) -> Starlette:
        """The ASGI application."""
        models = [f"/v1/models/{{name}}{version}" for version in ("", "/versions/{version}", "/labels/{label}")]
        routes = [
            *(Route(f"{path}:predict", self.predict, methods=["POST"]) for path in models),
            *(Route(f"{path}/metadata", self.metadata) for path in models),
            *(Route(path, self.status) for path in models),
            Route("/healthz", self.health),
            Route("/readyz", self.health),
            Route("/metrics", self.scrape),
            Route("/monitoring/prometheus/metrics", self.scrape),
        ]
        errors: dict[Any, Any] = {
            RequestError: _answer_error, HTTPException: _answer_http_error, Exception: _answer_fault,
        }  # fmt: skip
        return Starlette(routes=routes, exception_handlers=errors, lifespan=self._lifespan)

    @contextlib.asynccontextmanager
    async def _lifespan(self, application: Starlette) -> AsyncIterator[None]:
        self.batcher.start()
        self.ready = True
        try:
            yield
        finally:
            self.ready = False
            await self.batcher.stop()
            self._pool.shutdown()

    async def status(self, request: Request) -> Response:
        """GET /v1/models/<name>."""
        self._check_model(request)
        state = {"version": VERSION, "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        return _json({"model_version_status": [state]})

    async def metadata(self, request: Request) -> Response:
        """GET /v1/models/<name>/metadata: the signatures."""
        self._check_model(request)
        definitions = {name: signature.described() for name, signature in self.engine.signatures.items()}
        return _json(
            {
                "model_spec": {"name": self.name, "signature_name": "", "version": VERSION},
                "metadata": {"signature_def": {"signature_def": definitions}},
            }
        )

    async def health(self, request: Request) -> Response:
        """GET /healthz, /readyz."""
        return _json({"status": "ok" if self.ready else "stopping"}, 200 if self.ready else 503)

    async def scrape(self, request: Request) -> Response:
        """GET /metrics."""
        return Response(self.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    async def predict(self, request: Request) -> Response:
        """POST /v1/models/<name>:predict."""
        start, signature, code = time.perf_counter(), "", 500
        try:
            call, answer = await self._predict(request)
            signature, code = call.signature.name, 200
            self.metrics.instances.labels(signature).inc(len(call.instances))
            self.metrics.seconds.labels(signature).observe(time.perf_counter() - start)
            return answer
        except RequestError as error:
            code = error.status
            self.metrics.refused.labels(error.reason).inc()
            raise
        except ClientDisconnect:
            code = 499
            return Response(status_code=499)
        except asyncio.CancelledError:
            self.cut_off += 1
            raise
        finally:
            self.metrics.requests.labels("predict", signature, str(code)).inc()

    async def _predict(self, request: Request) -> tuple[wire.Call, Response]:
        try:
            self._check_model(request)
        except RequestError:
            await self._drain(request)
            raise
        async with self._body(request) as body:
            call = await self._in_pool(wire.parse, body, self.engine.signatures, self.limits.max_queue)
            items: list[Item] = []
            for i, instance in enumerate(call.instances):
                items.append(await self._in_pool(self.engine.prepare, call.signature, instance, f"instance {i}"))
            results = await self.batcher.submit(items)
            answers = [
                await self._in_pool(self.engine.answer, item, result)
                for item, result in zip(items, results, strict=True)
            ]
            return call, Response(await self._in_pool(wire.render, call, answers), media_type="application/json")

    @contextlib.asynccontextmanager
    async def _body(self, request: Request) -> AsyncIterator[bytes]:
        """The request's body, within the limits; it and the request count as open within the block."""
        if self.open_requests >= self.limits.max_queue:
            await self._refuse_for_now(request, f"{self.open_requests} requests are open")
        self.open_requests += 1
        held = 0
        try:
            try:
                coding = encodings.content_coding(request.headers.get("content-encoding", ""))
            except RequestError:
                await self._drain(request)
                raise
            length = request.headers.get("content-length", "")
            if length.isdecimal() and int(length) > self.limits.max_body:
                await self._too_large(request)
            chunks = []
            try:
                async with asyncio.timeout(self.limits.body_seconds):
                    async for chunk in request.stream():
                        held += len(chunk)
                        self.open_bytes += len(chunk)
                        self.metrics.body_bytes.inc(len(chunk))
                        chunks.append(chunk)
                        if held > self.limits.max_body:
                            chunks.clear()
                            await self._too_large(request)
                        if self.open_bytes > self.limits.max_bodies:
                            chunks.clear()
                            await self._refuse_for_now(request, "too many bytes are being received")
            except TimeoutError:
                raise RequestError(
                    408, f"the body did not arrive within {self.limits.body_seconds:g} s", reason="slow"
                ) from None
            body = b"".join(chunks)
            if coding == "gzip":
                chunks.clear()
                body = await self._in_pool(encodings.gunzip, body, self.limits.max_body)
                held += len(body)
                self.open_bytes += len(body)
                if self.open_bytes > self.limits.max_bodies:
                    await self._refuse_for_now(request, "too many bytes are being received")
            yield body
        finally:
            self.open_requests -= 1
            self.open_bytes -= held

    async def _too_large(self, request: Request) -> None:
        await self._drain(request)
        raise RequestError(413, f"the body is larger than {self.limits.max_body:,} bytes", reason="body")

    async def _refuse_for_now(self, request: Request, why: str) -> None:
        await self._drain(request)
        raise RequestError(503, f"{why}; try again later", retry_after=self.batcher.retry_after(), reason="queue")

    async def _drain(self, request: Request) -> None:
        """Read and drop some of what is still coming: clients that are cut off while sending never see the answer."""
        left = DRAIN_FACTOR * self.limits.max_body
        with contextlib.suppress(TimeoutError, ClientDisconnect):
            async with asyncio.timeout(DRAIN_SECONDS):
                while left > 0:
                    message = await request.receive()
                    left -= len(message.get("body", b""))
                    if message["type"] == "http.disconnect" or not message.get("more_body"):
                        return

    def _check_model(self, request: Request) -> None:
        name = request.path_params["name"]
        if name != self.name:
            raise RequestError(404, f"Servable not found: {name[:100]!r}; this server has {self.name!r}", reason="name")
        if request.path_params.get("version", VERSION) != VERSION or "label" in request.path_params:
            raise RequestError(404, f"Servable not found: {self.name} has version {VERSION} only", reason="name")

    async def _in_pool(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = orjson.dumps(content, option=orjson.OPT_INDENT_2)
    return Response(body, status, headers, media_type="application/json")


async def _answer_error(request: Request, error: RequestError) -> Response:
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
    if error.status in (408, 413, 503):
        headers["Connection"] = "close"
    if error.status == 415:
        headers["Accept-Encoding"] = "gzip"
    return _json({"error": error.message}, error.status, headers)


async def _answer_http_error(request: Request, error: HTTPException) -> Response:
    words = {404: "no such page; this server answers /v1/models/NAME[:predict|/metadata], /healthz and /metrics"}
    return _json({"error": words.get(error.status_code, error.detail)}, error.status_code, dict(error.headers or {}))


async def _answer_fault(request: Request, error: Exception) -> Response:
    """A fault of ours: uvicorn logs its traceback, the client does not see it."""
    return _json({"error": f"failed: {type(error).__name__}"}, 500)
