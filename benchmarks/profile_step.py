"""Where a training step's time goes, by kind of operation, from TensorFlow's profiler.

python -m benchmarks.profile_step [--flagfile=drawn_faces.cfg] [any flag of lomit_tf.train]
"""

from __future__ import annotations

import collections
import glob
import os
import sys
import tempfile

from benchmarks.help import explain

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

from benchmarks.common import build_step, random_element
from lomit_tf.commands.flags import parse

STEPS = 3


def operation_seconds(folder: str) -> dict[str, float]:
    """Seconds by operation type, summed over threads, from the traces below a profiler's folder."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    seconds: dict[str, float] = collections.defaultdict(float)
    for path in glob.glob(f"{folder}/**/*.xplane.pb", recursive=True):
        space = xplane_pb2.XSpace()
        with open(path, "rb") as file:
            space.ParseFromString(file.read())
        for plane in space.planes:
            for line in plane.lines:
                for event in line.events:
                    name = plane.event_metadata[event.metadata_id].name
                    # Executor events are "node_name:OpType"; the rest are scheduling and tracing.
                    if ":" in name and "::" not in name and " " not in name:
                        seconds[name.rsplit(":", 1)[1]] += event.duration_ps / 1e12
    return dict(seconds)


def main(argv: list[str]) -> None:
    """Profile a few steps and print the costliest operations as shares of the step."""
    config = parse(argv or ["--flagfile=drawn_faces.cfg"]).config
    step = build_step(config)
    element = random_element(config)
    step(element)
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        for _ in range(STEPS):
            step(element)
        tf.profiler.experimental.stop()
        seconds = operation_seconds(folder)
    total = sum(seconds.values())
    print(f"{total / STEPS:.2f} s of operations a step (summed over threads)")
    for name, value in sorted(seconds.items(), key=lambda item: -item[1])[:20]:
        print(f"{value / total:6.1%}  {value / STEPS * 1e3:8.1f} ms  {name}")


if __name__ == "__main__":
    explain(__doc__)
    main(sys.argv[1:])
