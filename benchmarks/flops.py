"""Floating-point operations of a training step, by part, against the rate of matrix products measured in the same run.

    python -m benchmarks.flops [--repeats=N] [any flag of lomit_tf.train; default --flagfile=drawn_faces.cfg]

Operations are counted in the traced graph (`graph_flops.count`). Every part is a function of its own; parts, the whole
step and the matrix product are timed in turns, and the median counts. The product is of float32, 1024 x 1024 by 1024 x
1024, on the same threads as the step. A part's share is its rate over that of the product.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.help import explain

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import tensorflow as tf

from benchmarks.common import alternating, random_element
from benchmarks.graph_flops import count
from lomit_tf import objectives
from lomit_tf.commands.flags import parse
from lomit_tf.config import LomitConfig
from lomit_tf.losses import adversarial
from lomit_tf.model import Lomit

SIDE, PRODUCTS = 1024, 16


def parts(model: Lomit, config: LomitConfig, element: dict[str, tf.Tensor]) -> dict[str, Callable[[], Any]]:
    """The whole step and its parts, not compiled; none but the first two changes any weight."""
    pairs = [model._pairs(element, j) for j in range(config.training.n_critic)]
    critic, contrast = model.critic, objectives.mask_contrast(config, 0)
    fake = pairs[-1].images[::-1]

    def whole() -> Any:
        return model.train_step(element)

    def generator_step() -> Any:
        with tf.GradientTape(persistent=True) as tape:
            first = objectives.translate(model.generator, config, pairs[-1], reconstruct=True, contrast=contrast)
        return model._generator_step(tape, pairs[-1], first, contrast)

    def for_critic() -> Any:
        return [
            objectives.translate(model.generator, config, p, reconstruct=False, contrast=contrast).image
            for p in pairs[:-1]
        ]

    def critic_terms() -> Any:
        found = []
        for p in pairs:
            with tf.GradientTape() as tape:
                terms, _ = objectives.critic_terms(critic, p, fake)
                total = terms["critic/wasserstein"] + terms["critic/classification"]
            found.append(tape.gradient(total, critic.trainable_variables))
        return found

    def penalty() -> Any:
        found = []
        for j, p in enumerate(pairs):
            alpha = tf.concat([element["alpha"][:, j, 0], element["alpha"][:, j, 1]], axis=0)
            mixed = adversarial.interpolate(objectives.real_for_penalty(config, p), fake, alpha)
            with tf.GradientTape() as tape:
                with tf.GradientTape() as inner:
                    inner.watch(mixed)
                    score = tf.reduce_sum(critic(mixed, p.target)[0])
                value = adversarial.gradient_penalty(inner.gradient(score, mixed))
            found.append(tape.gradient(value, critic.trainable_variables))
        return found

    def forward() -> Any:
        first = objectives.translate(model.generator, config, pairs[-1], reconstruct=True, contrast=contrast)
        step = objectives.Step(model.generator, critic, config, model.membership, pairs[-1], first, contrast)
        return objectives.generator_terms(step) | objectives.mask_decoder_terms(step)

    return {
        "the whole step": whole,
        "generator's update": generator_step,
        "translating for the critic": for_critic,
        "critic: real and fake": critic_terms,
        "critic: gradient penalty": penalty,
        "generator: forward, all terms": forward,
    }


def rows(config: LomitConfig, repeats: int) -> tuple[float, dict[str, tuple[float, float]]]:
    """FLOP/s of the matrix product, and for each part its FLOPs and seconds."""
    model = Lomit(config)
    model.compile(jit_compile=False)
    compiled = {
        name: tf.function(call, autograph=False) for name, call in parts(model, config, random_element(config)).items()
    }
    flops = {name: float(sum(count(function).values())) for name, function in compiled.items()}
    square = tf.random.uniform((SIDE, SIDE))

    def products() -> Any:
        for _ in range(PRODUCTS - 1):
            tf.matmul(square, square)
        return tf.matmul(square, square)

    seconds = alternating({"product": products, **compiled}, repeats)
    rate = PRODUCTS * 2 * SIDE**3 / seconds.pop("product")
    found = {name: (flops[name], seconds[name]) for name in compiled}
    whole, before = found.pop("generator's update"), found["generator: forward, all terms"]
    found["generator: backward, and Adam"] = (whole[0] - before[0], whole[1] - before[1])
    return rate, {name: row for name, row in found.items() if row[0]}


def main(argv: list[str]) -> None:
    """Print the table."""
    own = [a for a in argv if a.startswith("--repeats=")]
    argv = [a for a in argv if a not in own]
    config = parse(argv or ["--flagfile=drawn_faces.cfg"]).config
    rate, found = rows(config, int(own[-1].partition("=")[2]) if own else 5)
    print(f"Matrix products of float32: {rate / 1e9:.0f} GFLOP/s\n")
    print("| part | GFLOP | of the step | ms | of the step | GFLOP/s | share of the matrix rate |")
    print("|---|---|---|---|---|---|---|")
    flops, seconds = found["the whole step"]
    for name, (of_part, took) in found.items():
        print(
            f"| {name} | {of_part / 1e9:.2f} | {of_part / flops:.0%} | {took * 1e3:.0f} | {took / seconds:.0%} | "
            f"{of_part / took / 1e9:.0f} | {of_part / took / rate:.0%} |"
        )


if __name__ == "__main__":
    explain(__doc__)
    main(sys.argv[1:])
