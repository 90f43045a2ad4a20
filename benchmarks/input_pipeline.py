"""Is the input pipeline fast enough? Its images per second against those that the training step consumes.

    python -m benchmarks.input_pipeline --data_dir=/path/to/celeba

Both are measured here and now, one after the other: CelebA's folder at 128 pixels, read anew for every pair, in the
first epoch of a run (each image is read once and then kept), and from memory after it; and the step of the preset
`lomit` on noise. The slowest ratio should be 3 or more, so that training never waits. On a processor a step takes
minutes at the paper's batch size: --batch_size=1 gives nearly the same images per second sooner, and --step_seconds
takes a step's time as measured elsewhere.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from benchmarks.common import build_step, random_element
from lomit_tf.config import LomitConfig
from lomit_tf.data.pairs import training_pairs
from lomit_tf.data.sources import open_set

WARM_UP = 2  # elements and steps that are not counted


def consume(elements: Iterator[dict], count: int) -> float:
    """Seconds that `count` elements take."""
    start = time.perf_counter()
    for element in itertools.islice(elements, count):
        element["x1"].numpy()
    return time.perf_counter() - start


def pipeline_rates(config: LomitConfig, steps: int, workers: int | None) -> dict[str, float]:
    """Images per second: read anew, in the first epoch, and from memory."""
    t, rates = config.training, dict[str, float]()
    images = open_set(config.data, "train")
    per_step = 2 * t.batch_size * t.n_critic
    epoch = -(-len(images) // (per_step // 2))

    def elements_of(cache: bool) -> Iterator[dict]:
        return iter(
            training_pairs(
                images, config.data, batch_size=t.batch_size, n_critic=t.n_critic, num_groups=1, seed=0,
                num_workers=workers, cache=cache,
            )
        )  # fmt: skip

    elements = elements_of(cache=False)
    consume(elements, WARM_UP)
    rates["read anew"] = steps * per_step / consume(elements, steps)

    elements = elements_of(cache=True)
    rates["first epoch"] = epoch * per_step / consume(elements, epoch)
    consume(elements, WARM_UP)  # those prefetched while the epoch ended
    rates["from memory"] = steps * per_step / consume(elements, steps)
    return rates


def step_seconds(config: LomitConfig, steps: int) -> float:
    """Seconds of a training step, without the pipeline."""
    step, element = build_step(config), random_element(config)
    for _ in range(WARM_UP):
        step(element)
    start = time.perf_counter()
    for _ in range(steps):
        _, terms = step(element)
    terms.numpy()
    return (time.perf_counter() - start) / steps


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir", default="../shared/data/celeba", help="folder of CelebA")
    parser.add_argument("--preset", default="lomit", help="whose step")
    parser.add_argument("--images", type=int, default=2000, help="training images to use")
    parser.add_argument("--batch_size", type=int, default=8)
    parser.add_argument("--n_critic", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20, help="pipeline elements to count")
    parser.add_argument("--train_steps", type=int, default=2, help="training steps to count")
    parser.add_argument("--step_seconds", type=float, help="a step's time, instead of measuring it")
    parser.add_argument("--workers", type=int, help="reading threads (default: one per core)")
    args = parser.parse_args()

    fields = {
        "dataset": "celeb_a", "data_dir": args.data_dir, "train_images": args.images, "batch_size": args.batch_size,
        "n_critic": args.n_critic,
    }  # fmt: skip
    config = LomitConfig.create(args.preset, **fields)
    rates = pipeline_rates(config, args.steps, args.workers)
    seconds = args.step_seconds or step_seconds(config, args.train_steps)
    needed = 2 * args.batch_size * args.n_critic / seconds
    size, cores = config.data.image_size, os.cpu_count()
    print(f"{args.preset}, {size} px, batch {args.batch_size}, n_critic {args.n_critic}, {cores} cores")
    print(f"training step {seconds:10.3f} s  = {needed:9.1f} images/s")
    for name, rate in rates.items():
        print(f"{name:13} {rate:32.1f} images/s = {rate / needed:8.1f} x the step's")


if __name__ == "__main__":
    main()
