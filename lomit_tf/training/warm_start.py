"""Starting from other weights: a network takes over those of another wherever the two are alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from absl import logging
from keras import layers, ops

from lomit_tf.model_base import LomitBase
from lomit_tf.networks.blocks import ResidualBlock
from lomit_tf.settings.methods import need_lomit, need_one
from lomit_tf.zoo import load


def start_from(model: LomitBase, name: str) -> int:
    """Give a model the averaged weights of another (`--init_from`), and begin its own average there.

    Networks are matched by their parts' names and shapes, so that the image size, the groups and the painters may
    differ; what has no match stays as initialised. Where the groups or the labels differ, masks and the critic's
    answers are matched by the names of these. A critic is taken over from a run; shipped weights have none.

    Args:
        model: built.
        name: what `lomit_tf.load` takes.

    Returns:
        How many weights of the generator side were taken over.

    Raises:
        ConfigError: there is no such model, or not one weight of it fits.
    """
    other = load(name)
    need_lomit(other.config.model.method, f"--init_from={name}")
    need_one(other.config.model, f"--init_from={name}")
    taken = take_over(model.generator, other.inference_generator)
    taken += take_over_outputs(
        model.generator.mask_decoder.logits, other.inference_generator.mask_decoder.logits,
        model.group_names, other.group_names,
    )  # fmt: skip
    if other.has_critic:
        take_over(model.critic, other.critic)
        labels = model.config.data.label_names, other.config.data.label_names
        take_over_outputs(model.critic.classify, other.critic.classify, *labels)
        take_over_outputs(model.critic.source, other.critic.source, *labels)
    average_anew(model)
    total = sum(int(np.prod(v.shape)) for v in model.generator.variables)
    logging.info("--init_from=%s: %d of %d weights of the generator side taken over", name, taken, total)
    if 2 * taken < total:
        logging.warning(
            "--init_from=%s: only %d of %d weights of the generator side fit, and the others begin anew; give the "
            "--preset and sizes that it was trained with, unless this is what you want", name, taken, total,
        )  # fmt: skip
    return taken


def average_anew(model: LomitBase) -> None:
    """The moving average becomes a copy of the weights."""
    if model.ema_generator is not None:
        for average, value in zip(model.ema_generator.variables, model.generator.variables, strict=True):
            average.assign(value)


def take_over(student: layers.Layer, teacher: layers.Layer) -> int:
    """Give a network the weights of another one with parts of the same names, wherever shapes agree.

    Residual blocks that the teacher does not have start as the identity. Returns the number of weights taken over.
    """
    mine, theirs, taken = _parts(student), _parts(teacher), 0
    if not mine:
        for value, given in zip(student.variables, teacher.variables, strict=False):
            if tuple(value.shape) == tuple(given.shape):
                value.assign(given)
                taken += int(np.prod(value.shape))
    for name, own in mine.items():
        other = theirs.get(name, [])
        taken += sum(take_over(a, b) for a, b in zip(own, other, strict=False))
        for extra in own[len(other) :]:
            if isinstance(extra, ResidualBlock):  # x + norm(...), whose scale is the first of the norm's weights
                scale = _parts(extra.second)["norm"][0].trainable_variables[0]
                scale.assign(ops.zeros_like(scale))
    return taken


def take_over_outputs(mine: layers.Layer, theirs: layers.Layer, names: Sequence[str], other: Sequence[str]) -> int:
    """Give a layer's outputs the weights of another layer's outputs of the same names.

    The last axis of every weight is a multiple of the number of names: one output a name, or, as in a critic with two
    scores for each label, all names once for each. Returns the number of weights taken over.
    """
    shared = [(i, list(other).index(name)) for i, name in enumerate(names) if name in other]
    taken = 0
    if tuple(names) == tuple(other) or not shared:
        return taken  # alike, and so taken over whole; or nothing in common
    for value, given in zip(mine.variables, theirs.variables, strict=True):
        new, old = np.array(value), np.array(given)
        if new.shape[:-1] != old.shape[:-1] or new.shape[-1] * len(other) != old.shape[-1] * len(names):
            continue
        for turn in range(new.shape[-1] // len(names)):
            for i, j in shared:
                new[..., turn * len(names) + i] = old[..., turn * len(other) + j]
                taken += int(np.prod(new.shape[:-1]))
        value.assign(new)
    return taken


def _parts(layer: layers.Layer) -> dict[str, list[layers.Layer]]:
    """The layers that a layer keeps under public names, a list for each name."""
    found = {name: value if isinstance(value, (list, tuple)) else [value] for name, value in vars(layer).items()}
    return {
        name: list(parts) for name, parts in found.items()
        if not name.startswith("_") and parts and all(isinstance(part, layers.Layer) for part in parts)
    }  # fmt: skip
