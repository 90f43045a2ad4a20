"""The flags of `lomit-serve`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from lomit_tf.commands import FlagSet
from lomit_tf.config import NEEDED, ConfigError, option

if TYPE_CHECKING:
    from lomit_tf.serving.routes import Limits

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
