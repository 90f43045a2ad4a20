"""One translation by the Android demo's int8 pair on one core, beside the machine's rate of products of matrices.

    python -m benchmarks.mobile [FOLDER]

FOLDER (android_demo/assets) holds mask_net_int8.tflite and generator_int8.tflite. A translation is the masks of two
pictures and then the generator; once an exemplar was looked at, or for a colour that is set, the masks of one picture
are enough. Processor time of one thread, least and median of the runs: a busy machine adds to it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.help import explain
from export.runtimes import TFLite

RUNS = 60
SIDE = 768  # of the matrices


def times(call: Callable[[], Any]) -> np.ndarray:
    """Milliseconds of processor time of RUNS runs, after three to warm up."""
    found = []
    for i in range(RUNS + 3):
        start = time.process_time()
        call()
        if i >= 3:
            found.append(1e3 * (time.process_time() - start))
    return np.array(found)


def gemm_rate() -> float:
    """GFLOP/s of one core: products of float32 matrices, in processor time, so that threads do not count twice."""
    a, b = (np.random.default_rng(i).standard_normal((SIDE, SIDE)).astype(np.float32) for i in (0, 1))
    return 2 * SIDE**3 / (1e6 * float(times(lambda: a @ b).min()))


def feed(network: TFLite) -> dict[str, np.ndarray]:
    """Random pictures and masks of a network's input shapes; all groups chosen, no colour set."""
    rng = np.random.default_rng(0)
    values = {}
    for name, tensor in network._runner.get_input_details().items():
        low = -1.0 if name in ("image", "exemplar") else 0.0
        values[name] = rng.uniform(low, 1, tensor["shape"]).astype(np.float32)
    values |= {name: np.ones_like(values[name]) for name in values if name == "transfer"}
    return values | {name: np.zeros_like(values[name]) for name in values if name == "colours"}


def main(argv: list[str]) -> None:
    """Print sizes, times and rate."""
    folder = Path(argv[0]) if argv else Path(__file__).parents[1] / "android_demo" / "assets"
    paths = [folder / f"{part}_int8.tflite" for part in ("mask_net", "generator")]
    found = {}
    for path in paths:
        network = TFLite(path, threads=1)
        given = feed(network)
        found[path.stem] = times(lambda network=network, given=given: network.run(given))  # type: ignore[misc]
        print(f"{path.name}: {path.stat().st_size:,} bytes, {found[path.stem].min():.2f} ms (median "
              f"{np.median(found[path.stem]):.2f}) of processor time")  # fmt: skip
    masks, generator = found.values()
    for name, count in (("a translation after a new exemplar", 2), ("after a known one, or a colour", 1)):
        least, median = (count * f(masks) + f(generator) for f in (np.min, np.median))
        print(f"{name}: {least:.1f} ms (median {median:.1f})")
    size = sum(path.stat().st_size for path in paths)
    print(f"the pair: {size:,} bytes; GEMM: {gemm_rate():.1f} GFLOP/s on one core")


if __name__ == "__main__":
    explain(__doc__)
    main(sys.argv[1:])
