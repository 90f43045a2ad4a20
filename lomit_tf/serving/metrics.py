"""What Prometheus reads at /metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counters of one server, in a registry of their own. Labels only take known words, never a client's."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        to: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("lomit_requests", "Requests answered.", ("path", "signature", "code"), **to)
        self.seconds = Histogram(
            "lomit_request_seconds", "From the first byte to the answer.", ("signature",), buckets=SECONDS, **to
        )
        self.instances = Counter("lomit_instances", "Instances computed.", ("signature",), **to)
        self.batch_size = Histogram("lomit_batch_size", "Instances computed together.", buckets=SIZES, **to)
        self.batch_seconds = Histogram("lomit_batch_seconds", "Of the networks, a batch.", buckets=SECONDS, **to)
        self.refused = Counter("lomit_refused", "Requests that were not computed.", ("reason",), **to)
        self.body_bytes = Counter("lomit_body_bytes", "Bytes of bodies received.", **to)

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A gauge that is read when Prometheus asks."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def batch(self, size: int, seconds: float) -> None:
        """Note a batch."""
        self.batch_size.observe(size)
        self.batch_seconds.observe(seconds)

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self.registry)
