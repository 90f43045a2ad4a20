"""What the step saves by sharing: each row is the time of the way not taken over that of the way taken.

python -m benchmarks.batching [any flag of lomit_tf.train; default --flagfile=drawn_faces.cfg]
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
from lomit_tf import core
from lomit_tf.commands.flags import parse
from lomit_tf.losses import adversarial
from lomit_tf.model import Lomit


def gradient(loss: Callable[[], Any], variables: list[Any]) -> Any:
    """Gradient norm of a loss: forward and backward."""
    with tf.GradientTape() as tape:
        value = loss()
    return tf.linalg.global_norm([g for g in tape.gradient(value, variables) if g is not None])


def main(argv: list[str]) -> None:
    """Print the table."""
    config = parse(argv or ["--flagfile=drawn_faces.cfg"]).config
    model = Lomit(config)
    model.compile(jit_compile=False)
    g, critic = model.generator, model.critic
    pairs = model._pairs(random_element(config), 0)
    half = pairs.images.shape[0] // 2
    x, fake = pairs.images, pairs.images[::-1]

    def encode(images: Any) -> Any:
        return tf.reduce_sum(core.encode(g, images).styles ** 2)

    e = core.encode(g, x)

    def decode(part: slice) -> Any:
        content, masks, styles = tuple(c[part] for c in e.content), e.masks[part], e.styles[part]
        painting = core.paint(g, x[part], content, masks, styles, styles, pairs.transfer[part])
        return tf.reduce_sum(painting.image**2)

    def scores(images: Any, labels: Any) -> Any:
        return tf.reduce_sum(critic(images, labels)[0])

    def penalised(together: bool) -> Any:
        mixed = adversarial.interpolate(x, fake, tf.fill((x.shape[0],), 0.5))
        with tf.GradientTape() as inner:
            inner.watch(mixed)
            if together:  # one pass for real, fake and interpolated images
                labels = tf.concat([pairs.labels, pairs.target, pairs.target], 0)
                real, forged, between = tf.split(critic(tf.concat([x, fake, mixed], 0), labels)[0], 3)
            else:
                real, forged = tf.split(
                    critic(tf.concat([x, fake], 0), tf.concat([pairs.labels, pairs.target], 0))[0], 2
                )
                between = critic(mixed, pairs.target)[0]
            total = tf.reduce_sum(between)
        penalty = adversarial.gradient_penalty(inner.gradient(total, mixed))
        return adversarial.critic_loss(real, forged) + 10.0 * penalty

    of_g, of_critic = g.trainable_variables, critic.trainable_variables
    rows = {
        "encode x1 and x2: two calls / one batch": (
            lambda: gradient(lambda: encode(x[:half]) + encode(x[half:]), of_g),
            lambda: gradient(lambda: encode(x), of_g),
        ),
        "decode both directions: two calls / one batch": (
            lambda: gradient(lambda: decode(slice(0, half)) + decode(slice(half, None)), of_g),
            lambda: gradient(lambda: decode(slice(None)), of_g),
        ),
        "critic on real and fake: two calls / one batch": (
            lambda: gradient(lambda: scores(fake, pairs.target) - scores(x, pairs.labels), of_critic),
            lambda: gradient(
                lambda: scores(tf.concat([x, fake], 0), tf.concat([pairs.labels, pairs.target], 0)), of_critic
            ),
        ),
        "real, fake and interpolated in one pass / interpolated apart": (
            lambda: gradient(lambda: penalised(True), of_critic),
            lambda: gradient(lambda: penalised(False), of_critic),
        ),
    }
    print("| not taken / taken | ms / ms | ratio |\n|---|---|---|")
    for name, (other, taken) in rows.items():
        calls = {"other": tf.function(other, autograph=False), "taken": tf.function(taken, autograph=False)}
        seconds = alternating(dict(calls), repeats=9)
        ratio = seconds["other"] / seconds["taken"]
        print(f"| {name} | {seconds['other'] * 1e3:.0f} / {seconds['taken'] * 1e3:.0f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    explain(__doc__)
    main(sys.argv[1:])
