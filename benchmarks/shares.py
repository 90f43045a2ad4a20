"""The share of a training step in its parts: translating for the critic, critic, generator, data.

    python -m benchmarks.shares [any flag of lomit_tf.train; default --flagfile=drawn_faces.cfg]

The parts are timed as functions of their own, in turns with the whole step; their sum differs from the whole by what
the whole shares between them and overlaps.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from benchmarks.help import explain

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

from benchmarks.common import alternating, random_element
from lomit_tf import objectives
from lomit_tf.commands.flags import parse
from lomit_tf.data.pairs import training_pairs
from lomit_tf.data.sources import open_set
from lomit_tf.model import Lomit

DATA_STEPS = 20


def main(argv: list[str]) -> None:
    """Print the table."""
    config = parse(argv or ["--flagfile=drawn_faces.cfg"]).config
    model = Lomit(config)
    model.compile(jit_compile=False)
    element = random_element(config)
    pairs = [model._pairs(element, j) for j in range(config.training.n_critic)]

    def for_critic() -> Any:
        return [objectives.translate(model.generator, config, p, reconstruct=False).image for p in pairs[:-1]]

    def critic() -> Any:
        return [model._critic_step(p, p.images[::-1], element["alpha"][:, j]) for j, p in enumerate(pairs)][-1]

    def generator() -> Any:
        with tf.GradientTape(persistent=True) as tape:
            first = objectives.translate(model.generator, config, pairs[-1], reconstruct=True)
        return model._generator_step(tape, pairs[-1], first, None)

    def whole() -> Any:
        return model.train_step(element)

    parts = {
        "the whole step": whole,
        "translating for the critic": for_critic,
        "critic": critic,
        "generator": generator,
    }
    compiled = {name: tf.function(call, autograph=False) for name, call in parts.items()}
    seconds = alternating(dict(compiled))
    images = open_set(config.data, "train")
    t = config.training
    pipeline = iter(
        training_pairs(
            images, config.data, batch_size=t.batch_size, n_critic=t.n_critic,
            num_groups=len(model.group_names), seed=0,
        )
    )  # fmt: skip
    next(pipeline)
    start = time.perf_counter()
    for _ in range(DATA_STEPS):
        next(pipeline)
    seconds["data (runs beside the step)"] = (time.perf_counter() - start) / DATA_STEPS
    print("| part | ms | share of the step |\n|---|---|---|")
    for name, value in seconds.items():
        print(f"| {name} | {value * 1e3:.0f} | {value / seconds['the whole step']:.1%} |")


if __name__ == "__main__":
    explain(__doc__)
    main(sys.argv[1:])
