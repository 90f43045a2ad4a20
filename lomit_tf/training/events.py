"""TensorBoard's event files, written without TensorFlow: the same ones whatever Keras' backend is."""

from __future__ import annotations

import io
import os
import socket
import time
from pathlib import Path

from PIL import Image
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


class EventWriter:
    """One event file in a folder that is there. Not for use from several threads."""

    def __init__(self, folder: Path, suffix: str = "") -> None:
        now = time.time()
        name = f"events.out.tfevents.{now:017.6f}.{socket.gethostname()}.{os.getpid()}{suffix}"
        self.file = open(folder / name, "ab")  # noqa: SIM115  open for the whole run
        self.records = RecordWriter(self.file)
        self._write(event_pb2.Event(wall_time=now, file_version="brain.Event:2"))

    def scalars(self, values: dict[str, float], step: int) -> None:
        """Values by name at a step."""
        found = [summary_pb2.Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(event_pb2.Event(wall_time=time.time(), step=step, summary=summary_pb2.Summary(value=found)))

    def image(self, name: str, image: Image.Image, step: int) -> None:
        """An RGB picture at a step."""
        buffer = io.BytesIO()
        image.save(buffer, format="PNG")
        picture = summary_pb2.Summary.Image(
            height=image.height, width=image.width, colorspace=3, encoded_image_string=buffer.getvalue()
        )
        value = summary_pb2.Summary.Value(tag=name, image=picture)
        self._write(event_pb2.Event(wall_time=time.time(), step=step, summary=summary_pb2.Summary(value=[value])))

    def close(self) -> None:
        """Write what is buffered; harmless to call twice."""
        if not self.file.closed:
            self.file.close()

    def _write(self, event: event_pb2.Event) -> None:
        self.records.write(event.SerializeToString())
        self.file.flush()
