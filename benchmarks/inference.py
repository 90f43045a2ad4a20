"""Photographs as the command translates them, against Pillow's plain reading and writing of the same files.

    python -m benchmarks.inference [--megapixels=0.5,12,48] [--folder=1000] [--runs=3] [--parts=start,photograph,folder]

- start: `lomit-translate` of one small portrait as a process of its own, with both engines, in turns with
  `import tensorflow`.
- photograph: one JPEG of each size, as a process of its own (cold), and with the model loaded (warm).
- folder: as many JPEGs of 256 px as asked for, in one process.

Processor time, medians of the runs in turns; a process's peak memory is the operating system's. Pillow reads and writes
the same files as JPEG of quality 95, in a process of its own where the command has one.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from lomit_tf.photos import portraits

MODEL, COLOUR, QUALITY = "celeba_hair", "#8a3b12", 95
PARTS = ("start", "photograph", "folder")
SIDE = 256  # of a folder's pictures
PILLOW = f"""
import sys
from pathlib import Path
from PIL import Image
for path in sorted(Path(sys.argv[1]).glob("*.jpg")) if Path(sys.argv[1]).is_dir() else [Path(sys.argv[1])]:
    with Image.open(path) as image:
        image.convert("RGB").save(Path(sys.argv[2]) / path.name, quality={QUALITY})
"""
Measured = tuple[float, float, float]  # processor and wall seconds, peak MiB


# A process begins with the memory of the one that starts it: so a small one does, and says what the system counted.
STARTER = """
import os, sys, time
begin = time.perf_counter()
child = os.posix_spawnp(
    sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
)
_, status, used = os.wait4(child, 0)
print(used.ru_utime + used.ru_stime, time.perf_counter() - begin, used.ru_maxrss / 1024)
sys.exit(status != 0)
"""


def process(command: Sequence[str]) -> Measured:
    """Run a command to its end. Raises SystemExit where it fails."""
    done = subprocess.run([sys.executable, "-S", "-c", STARTER, *command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    cpu, wall, peak = map(float, done.stdout.split())
    return cpu, wall, peak


def called(function: Callable[[], object]) -> Measured:
    """The same of a call in this process, whose memory is not known apart."""
    start, began = time.perf_counter(), time.process_time()
    function()
    return time.process_time() - began, time.perf_counter() - start, float("nan")


def in_turns(calls: Mapping[str, Callable[[], Measured]], runs: int) -> dict[str, Measured]:
    """Medians of each."""
    found: dict[str, list[Measured]] = {name: [] for name in calls}
    for _ in range(runs):
        for name, call in calls.items():
            found[name].append(call())
    return {name: tuple(map(statistics.median, zip(*each, strict=True))) for name, each in found.items()}  # type: ignore[misc]


def table(title: str, measured: Mapping[str, Measured], to: str) -> None:
    """Rows of processor time, wall time and memory, as ratios to one of them."""
    print(f"\n{title}\n\n| | processor ms | wall ms | ratio of processor time | of wall time | peak MiB |", flush=True)
    print("|---|---|---|---|---|---|")
    base = measured[to]
    for name, (cpu, wall, peak) in measured.items():
        memory = "" if peak != peak else f"{peak:.0f}"
        print(
            f"| {name} | {cpu * 1e3:.0f} | {wall * 1e3:.0f} | {cpu / base[0]:.2f} | {wall / base[1]:.2f} | {memory} |",
            flush=True,
        )


def command(engine: str, source: Path | str, target: Path) -> list[str]:
    """`lomit-translate` of a picture or a folder."""
    flags = [f"--model={MODEL}", f"--colour={COLOUR}", f"--input={source}", f"--output={target}", "--overwrite"]
    return [sys.executable, "-m", "lomit_tf.translate", *flags, f"--engine={engine}"]


def photograph(megapixels: float, path: Path) -> None:
    """Eileen Collins' portrait as a photograph of 4:3, with noise, as JPEG."""
    width = round((megapixels * 1e6 * 4 / 3) ** 0.5)
    height = round(width * 3 / 4)
    with Image.open(portraits.PORTRAITS["Eileen Collins"]) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    large = cv2.resize(pixels, (width, width), interpolation=cv2.INTER_CUBIC)[:height]
    noise = np.random.default_rng(0).normal(0, 3, (256, 256, 3)).astype(np.float32)
    tiles = np.tile(noise, (height // 256 + 1, width // 256 + 1, 1))[:height, :width]
    Image.fromarray(cv2.add(large, tiles, dtype=cv2.CV_8U)).save(path, quality=QUALITY)


def start(folder: Path, runs: int) -> None:
    """The command's cold start beside TensorFlow's import."""
    source = portraits.PORTRAITS["Grace Hopper"]
    calls = {
        "import tensorflow": lambda: process([sys.executable, "-c", "import tensorflow"]),
        "lomit-translate": lambda: process(command("auto", source, folder / "a.png")),
        "lomit-translate --engine=tensorflow": lambda: process(command("tensorflow", source, folder / "b.png")),
    }
    table("Cold start, one portrait", in_turns(calls, runs), "import tensorflow")


def photographs(folder: Path, runs: int, sizes: Sequence[float]) -> None:
    """One photograph of each size, cold and warm."""
    from lomit_tf.photos.batch_jobs import translate_file
    from lomit_tf.photos.file_plan import SWATCH, FileJob, Settings
    from lomit_tf.photos.translator import Translator

    translator = Translator(MODEL, log_notes=False)
    for megapixels in sizes:
        path = folder / f"{megapixels:g}.jpg"
        photograph(megapixels, path)
        (folder / "out").mkdir(exist_ok=True)
        job = FileJob(str(path), str(folder / "warm.jpg"), f"{SWATCH}{COLOUR}", settings=Settings(overwrite=True))

        def warm(job: FileJob = job) -> None:
            done = translate_file(translator, job)
            if done.status != "written":
                raise SystemExit(done.message)

        def pillow(path: Path = path) -> None:
            with Image.open(path) as image:
                image.convert("RGB").save(folder / "pillow.jpg", quality=QUALITY)

        warm()
        calls = {"Pillow": lambda p=pillow: called(p), "the model loaded": lambda w=warm: called(w)}
        table(f"{megapixels:g} megapixels, within a process", in_turns(calls, 2 * runs + 1), "Pillow")
        calls = {
            "Pillow": lambda p=path: process([sys.executable, "-c", PILLOW, str(p), str(folder / "out")]),
            "lomit-translate": lambda p=path: process(command("auto", p, folder / "cold.jpg")),
        }
        table(f"{megapixels:g} megapixels, as a process of its own", in_turns(calls, runs), "Pillow")


def many(folder: Path, count: int) -> None:
    """A folder of small pictures, once."""
    source = folder / "in"
    source.mkdir()
    with Image.open(portraits.PORTRAITS["Eileen Collins"]) as picture:
        small = picture.convert("RGB").resize((SIDE, SIDE))
    for i in range(count):
        small.rotate((i % 21) - 10, Image.Resampling.BICUBIC).save(source / f"{i:05d}.jpg", quality=QUALITY)
    (folder / "plain").mkdir()
    calls = {
        "Pillow": lambda: process([sys.executable, "-c", PILLOW, str(source), str(folder / "plain")]),
        "lomit-translate": lambda: process(command("auto", source, folder / "done")),
    }
    table(f"A folder of {count} pictures of {SIDE} px", in_turns(calls, 1), "Pillow")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables."""
    flags = argparse.ArgumentParser("inference", description=__doc__)
    flags.add_argument("--megapixels", default="0.5,12,48")
    flags.add_argument("--folder", type=int, default=1000)
    flags.add_argument("--runs", type=int, default=3)
    flags.add_argument("--parts", default=",".join(PARTS))
    args = flags.parse_args(argv)
    parts = args.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        flags.error(f"--parts: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "photograph" in parts:
            photographs(folder, args.runs, [float(n) for n in args.megapixels.split(",")])
        if "folder" in parts:
            many(folder, args.folder)
        if "start" in parts:
            start(folder, args.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
