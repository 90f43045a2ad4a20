"""Colour curves on photographs of several sizes, against Pillow's reading and writing of the same (JPEG, quality 95).

    python -m benchmarks.photograph [--megapixels=0.5,12,48]

A drawn face with noise; the window is a centred square of 90 % of its shorter side. Processor time of one thread, the
least of several runs in turns; the memory is what tracemalloc sees NumPy take beyond photograph and result.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from PIL import Image

from benchmarks.help import explain
from lomit_tf.data.drawn_faces import draw
from lomit_tf.imaging.curves import BINS, apply
from lomit_tf.imaging.mask_planes import rectangle

GRID, SIDE, RUNS = 8, 64, 5


def photograph(megapixels: float) -> np.ndarray:
    """A drawn face, 4:3."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    width = round(height * 4 / 3)
    face = cv2.resize(draw([3], size=256).images[0], (width, height), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(0).normal(0, 3, (256, 256, 3)).astype(np.float32)
    tiles = np.tile(noise, (height // 256 + 1, width // 256 + 1, 1))[:height, :width]
    return cv2.add(face, tiles, dtype=cv2.CV_8U)


def masks() -> dict[str, np.ndarray]:
    """All of the window, and a ring around a face, as hair is."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    distance = np.hypot(rows - 32, columns - 32)
    ring = np.clip(1.5 - np.abs(distance - 21) / 5, 0, 1) * (rows < 40)
    return {"all of it": np.ones((SIDE, SIDE, 1), np.float32), "a ring": np.float32(ring)[..., None]}


def least(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Seconds of processor time, the least of RUNS runs of each in turns."""
    seconds = dict.fromkeys(calls, float("inf"))
    for _ in range(RUNS):
        for name, call in calls.items():
            start = time.process_time()
            call()
            seconds[name] = min(seconds[name], time.process_time() - start)
    return seconds


def main(argv: list[str]) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.photograph", description=__doc__)
    parser.add_argument("--megapixels", default="0.5,12,48", help="comma-separated sizes (default: %(default)s)")
    asked = parser.parse_args(argv).megapixels
    try:
        sizes = [float(n) for n in asked.split(",")]
    except ValueError:
        parser.error(f"--megapixels={asked}: give numbers such as 0.5,12,48")
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    small = rng.normal(0, 0.3, (3, 3, 4 * BINS)).astype(np.float32)
    planes = [cv2.resize(plane, (GRID, GRID)) for plane in small.transpose(2, 0, 1)]
    curves = np.stack(planes, axis=-1)
    turn = np.array([[np.cos(0.2), np.sin(0.2)], [-np.sin(0.2), np.cos(0.2)]])
    print("| megapixels | depth | window | mask | ms | against Pillow's read and write | MiB beyond the result |")
    print("|---|---|---|---|---|---|---|")
    for megapixels in sizes:
        eight = photograph(megapixels)
        height, width = eight.shape[:2]
        side = 0.9 * min(height, width)
        upright = rectangle((width - side) / 2, (height - side) / 2, side, side)
        axes = turn / side
        turned = np.column_stack([axes, [0.5, 0.5] - axes @ [width / 2, height / 2]])
        buffer = io.BytesIO()
        Image.fromarray(eight).save(buffer, "JPEG", quality=95)
        data = buffer.getvalue()

        def pillow(data: bytes = data) -> None:
            image = Image.open(io.BytesIO(data)).convert("RGB")
            image.save(io.BytesIO(), "JPEG", quality=95)

        calls: dict[str, Callable[[], Any]] = {"": pillow}
        deep = eight.astype(np.uint16) * np.uint16(257)
        for depth, values in (("8 bits", eight), ("16 bits", deep)):
            for window, to in (("upright", upright), ("turned", turned)):
                for name, mask in masks().items():
                    calls[f"{depth} | {window} | {name}"] = lambda v=values, m=mask, t=to: apply(v, curves, m, t)
        seconds = least(calls)
        for name, call in calls.items():
            if name:
                tracemalloc.start()
                result = call()
                beyond = (tracemalloc.get_traced_memory()[1] - result.nbytes) / 2**20
                tracemalloc.stop()
                ratio = seconds[name] / seconds[""]
                print(
                    f"| {megapixels:g} | {name} | {seconds[name] * 1e3:.0f} | {ratio:.2f} | {beyond:.1f} |", flush=True
                )


if __name__ == "__main__":
    explain(__doc__)
    main(sys.argv[1:])
