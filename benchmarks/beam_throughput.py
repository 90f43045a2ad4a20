"""Translating thousands of small files: Apache Beam's DirectRunner with several workers against the local mode.

`python -m benchmarks.beam_throughput --model=drawn_faces [--files=2000] [--workers=2]`

Draws the files (and some that cannot be read), translates the folder both ways in processes of their own, compares the
results file by file, and prints times and the processes' peak memory.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

BROKEN_EVERY = 100  # one file in so many cannot be read
STEP = 500


def draw_files(folder: Path, count: int, size: int) -> int:
    """Drawn faces as PNGs in sub-folders of STEP, and broken files; how many are broken."""
    from lomit_tf.data.drawn_faces import draw

    broken = 0
    for start in range(0, count, STEP):
        within = folder / f"{start:06d}"
        within.mkdir(parents=True)
        numbers = range(start, min(count, start + STEP))
        for i, face in zip(numbers, draw(numbers, size=size).images, strict=True):
            path = within / f"{i:06d}.png"
            if i % BROKEN_EVERY == BROKEN_EVERY - 1:
                path.write_bytes(b"\x89PNG\r\n\x1a\n")
                broken += 1
            else:
                Image.fromarray(face).save(path)
    return broken


def children_kib(parent: int) -> dict[int, int]:
    """Resident KiB of a process and all below it, by process id."""
    found: dict[int, int] = {}
    waiting = [parent]
    while waiting:
        pid = waiting.pop()
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            for thread in Path(f"/proc/{pid}/task").iterdir():
                waiting += map(int, (thread / "children").read_text().split())
        except OSError:
            continue
        if resident := re.search(r"VmHWM:\s+(\d+)", status):
            found[pid] = int(resident[1])
    return found


def timed(command: Sequence[str], output: Path) -> tuple[float, float, float, int, str]:
    """Seconds to the first result and in all, the largest process' peak MiB, number of processes with over 200 MiB,
    and the last line of standard output."""
    start = time.perf_counter()
    first = 0.0
    peaks: dict[int, int] = {}
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            for pid, peak in children_kib(process.pid).items():
                peaks[pid] = max(peaks.get(pid, 0), peak)
            if not first and any(output.rglob("[0-9]*.png")):
                first = time.perf_counter() - start
            time.sleep(0.2)
        out.seek(0)
        large = sum(peak > 200 << 10 for peak in peaks.values())
        said = out.read().strip().splitlines()[-1]
        return first, time.perf_counter() - start, max(peaks.values()) / 1024, large, said


def compare(one: Path, other: Path) -> tuple[int, int, int]:
    """Files equal to the bit, files of both, and the largest difference of a pixel in 0..255."""
    equal = most = 0
    names = {p.relative_to(one) for p in one.rglob("*.png")}
    if names != {p.relative_to(other) for p in other.rglob("*.png")}:
        raise SystemExit("the two runs wrote different files")
    for name in names:
        if (one / name).read_bytes() == (other / name).read_bytes():
            equal += 1
            continue
        pictures = [np.asarray(Image.open(folder / name), int) for folder in (one, other)]
        most = max(most, int(np.abs(pictures[0] - pictures[1]).max()))
    return equal, len(names), most


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table; 1 where the two modes differ in files or by more than 1 of 255."""
    flags = argparse.ArgumentParser("beam_throughput", description=__doc__)
    flags.add_argument("--model", required=True)
    flags.add_argument("--files", type=int, default=2000)
    flags.add_argument("--workers", type=int, default=2)
    flags.add_argument("--size", type=int, default=64)
    args = flags.parse_args(argv)
    beam = ["--runner=beam", "--", f"--direct_num_workers={args.workers}", "--direct_running_mode=multi_processing"]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        broken = draw_files(root / "in", args.files, args.size)
        exemplar = root / "in" / "000000" / "000003.png"
        print(f"{args.files} files of {args.size}x{args.size}, {broken} of them broken", flush=True)
        print("| mode | s to the first | s | files/s after it | largest process, peak MiB | processes | said |")
        print("|---|---|---|---|---|---|---|")
        for name, more in (("local", []), (f"beam, {args.workers} workers", beam)):
            output = root / ("local" if name == "local" else "beam")
            command = [sys.executable, "-m", "lomit_tf.translate", f"--model={args.model}", f"--input={root / 'in'}"]
            command += [f"--exemplar={exemplar}", f"--output={output}", *more]
            first, seconds, peak, large, said = timed(command, output)
            rate = args.files / (seconds - first)
            print(f"| {name} | {first:.0f} | {seconds:.0f} | {rate:.1f} | {peak:.0f} | {large} | {said} |", flush=True)
        equal, count, most = compare(root / "local", root / "beam")
        print(f"{equal} of {count} results are equal to the bit; the others differ by at most {most} of 255")
        letters = len((root / "beam" / "failures.jsonl").read_text().splitlines())
        print(f"{letters} dead letters")
        return int(most > 1 or letters != broken or count != args.files - broken)


if __name__ == "__main__":
    sys.exit(main())
