"""The paper's terms: the critic's, and of the generator side those that see pictures (docs/method.md, 5 and 7)."""

from __future__ import annotations

from typing import Any

from keras import ops

from lomit_tf import core
from lomit_tf.config import LomitConfig
from lomit_tf.losses import adversarial, classification, colour, mask, reconstruction
from lomit_tf.networks.critic import Critic
from lomit_tf.networks.displacement import displaced, roughness
from lomit_tf.networks.generator import Generator
from lomit_tf.networks.hadain import widen
from lomit_tf.objectives.pairs import Pairs, Step, swap, translate


def real_for_penalty(config: LomitConfig, pairs: Pairs) -> Any:
    """What the penalty interpolates with: the input (paper), or the exemplar (recipe): docs/method.md, eq. (5.2).

    The exemplar has the target's labels on the groups that are transferred; on the others only the input has them, so
    with a part of the groups the interpolation is between images that share some of the target's labels.
    """
    return swap(pairs.images) if config.model.recipe else pairs.images


def critic_terms(critic: Critic, pairs: Pairs, fake: Any) -> tuple[dict[str, Any], Any]:
    """Wasserstein and classification terms of the critic, real and fake in one pass, and the real logits (B, K).

    The real side is the images under their own labels. Over both directions that is the input's domain (the paper's
    real side) and, for a conditioned critic, for every label value the real images that have it.
    """
    images = ops.concatenate([pairs.images, fake], axis=0)
    labels = ops.concatenate([pairs.labels, pairs.target], axis=0)
    scores, logits = critic(images, labels)
    real, forged = ops.split(scores, 2, axis=0)
    logits = ops.split(logits, 2, axis=0)[0]
    terms = {
        "critic/wasserstein": adversarial.critic_loss(real, forged),
        "critic/classification": classification.classification_loss(logits, pairs.labels),
    }
    return terms, logits


def image_terms(step: Step) -> tuple[dict[str, Any], Any]:
    """What pictures alone say: reconstruction (free groups), colours (colour groups), change, cycle, content, styles;
    and x121."""
    terms = {}
    if step.generator.free_groups:
        terms["reconstruction"] = reconstruction_term(step)
    if step.generator.colour_groups:
        terms["colour"] = colour_term(step)
    moved = step.first.painting.displacement
    if step.config.loss.change_weight:  # docs/method.md, eq. (5.12): what is painted, and not what only moved
        before = step.pairs.images if moved is None else displaced(step.pairs.images, moved)
        terms["change"] = reconstruction.l1(step.first.image, before)
    if moved is not None:
        terms["roughness"] = roughness(moved)
    cycle, returned = cycle_terms(step)
    return terms | cycle, returned


def reconstruction_term(step: Step) -> Any:
    """L1(x11, x1), a pixel counting o + (1 - o) m, m being where G paints and o `reconstruction_outside`: eq. (5.8)."""
    generator, pairs, first = step.generator, step.pairs, step.first
    outside, again = step.config.loss.reconstruction_outside, first.painting.reconstruction
    if outside == 1:
        return reconstruction.l1(again, pairs.images)
    wide = widen(ops.stop_gradient(first.encoding.masks), step.config.model.style_margin)
    painted = core.chosen_mask(
        wide, ops.ones_like(pairs.transfer) * ops.convert_to_tensor(_of(generator.free_groups, generator), "float32")
    )
    return reconstruction.masked_l1(again, pairs.images, outside + (1 - outside) * painted)


def _of(groups: tuple[int, ...], generator: Generator) -> list[list[float]]:
    """(1, G), 1 for these groups."""
    return [[1.0 if g in groups else 0.0 for g in range(generator.num_groups)]]


def colour_term(step: Step) -> Any:
    """The exemplar's colour moments in the painted region, where T asks for them and both regions are there.

    docs/method.md, eq. (7.10).
    """
    generator, pairs, first = step.generator, step.pairs, step.first
    masks = ops.stop_gradient(step.masks)
    styles = ops.stop_gradient(first.encoding.styles)
    painted, target, asked = [], [], []
    for g in generator.colour_groups:
        there = styles[:, g, -1] * swap(styles)[:, g, -1]
        painted.append(masks[..., g : g + 1])
        target.append(swap(styles)[:, g, generator.code_size : -1])
        asked.append(pairs.transfer[:, g] * there)
    return colour.moments_l1(
        first.image, ops.concatenate(painted, axis=-1), ops.stack(target, axis=1), ops.stack(asked, axis=1)
    )


def cycle_terms(step: Step) -> tuple[dict[str, Any], Any]:
    """Encode the translations with their own masks and translate them back; the terms and x121.

    The background's and the foreground's style terms count E_s's code only: the colour moments of colour groups
    have a term of their own (`colour_term`). A curve painter has no reconstruction that would hold the scale of the
    contents, so that they are compared normalised, with the first ones fixed.
    """
    generator, config, pairs, first = step.generator, step.config, step.pairs, step.first
    e, code = first.encoding, generator.code_size
    back = translate(generator, config, pairs, images=first.image, contrast=step.contrast)
    again, returned = back.encoding, back.image
    fixed = ops.stop_gradient if config.model.recipe else lambda x: x
    groups = pairs.transfer.shape[-1]
    if generator.colour_groups:
        contents = mask.normalised_channels(again.content[0]), ops.stop_gradient(mask.normalised_channels(e.content[0]))
    else:
        contents = again.content[0], e.content[0]
    terms = {
        "cycle": reconstruction.l1(returned, pairs.images),
        "content": reconstruction.l1(*contents),
        "style_foreground": reconstruction.l1(
            again.styles[:, :groups, :code], fixed(first.target_styles[:, :groups, :code])
        ),
        "style_background": reconstruction.l1(again.styles[:, groups:, :code], fixed(e.styles[:, groups:, :code])),
    }
    return terms, returned
