"""`python -m benchmarks [NAME ...] [--flags]`: run all benchmarks, or those named; each prints ratios of one run."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = {
    "step_time": "seconds a step and peak memory by preset, strategy and precision, as ratios",
    "backends": "the step on TensorFlow and on JAX: seconds, compile time, memory",
    "backends_agree": "a hundred steps on TensorFlow and on JAX, against the noise of seeds",
    "flops": "operations of a step by part, against the matrix rate of the same run",
    "shares": "where a step's time goes: critic, generator, data",
    "batching": "batched directions and shared passes against separate calls",
    "critic_tail": "the critic's last convolutions: reshapes against Conv2D",
    "channel_padding": "convolutions with few channels, against the same with channels padded by zeros",
    "lazy_penalty": "the gradient penalty at every critic update, and at every second",
    "page_faults": "glibc's allocator as it comes against one that keeps freed memory",
    "input_pipeline": "images/s of the input pipeline against the training step",
    "photograph": "colour curves on photographs of 0.5 to 48 megapixels, against Pillow's reading and writing",
    "inference": "photographs, a folder and the cold start, against Pillow and `import tensorflow`",
    "mobile": "milliseconds of a translation by the Android demo's int8 pair, beside the machine's GEMM rate",
    "profile_step": "the costliest operations of a step, from TensorFlow's profiler",
}

# Only by name: they need flags of their own, data, or hours.
BY_NAME = {
    "authors_step": "the paper's step against the authors' own PyTorch code; needs their repository and torch",
    "beam_throughput": "thousands of small files by Apache Beam against the local mode; needs --model",
    "find_faces": "faces in larger scenes, turned: how many are found, and how near; needs a folder of data",
    "serve_load": "throughput and latency of a server with 1, 8 and 32 clients; needs --model",
    "plain_adain": "an ablation: the whole image as the mask; trains and evaluates",
}


def main(argv: list[str]) -> int:
    """Run each benchmark in a process of its own; the exit code is 1 if one failed, 2 for an unknown name."""
    names = [a for a in argv if not a.startswith("-")]
    unknown = [n for n in names if n not in BENCHMARKS]
    if unknown and "--help" not in argv:
        how = f"run it as python -m benchmarks.{unknown[0]}" if unknown[0] in BY_NAME else "see --help"
        print(f"benchmarks: {unknown[0]!r} is not among those that run by themselves; {how}", file=sys.stderr)
        return 2
    if "--help" in argv:
        lines = ["  {:<17} {}".format(*entry) for entry in BENCHMARKS.items()]
        others = ["  {:<17} {}".format(*entry) for entry in BY_NAME.items()]
        print(__doc__, *lines, "\nOnly as `python -m benchmarks.NAME`, see its --help:", *others, sep="\n")
        return 0
    failed = 0
    for name in names or BENCHMARKS:
        print(f"\n== {name}: {BENCHMARKS[name]}", flush=True)
        options = [a for a in argv if a.startswith("-")] if names else []
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options]).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
