"""One training step's computations (docs/method.md, 4 to 7) from core, networks and losses; keras.ops only.

Both directions of a pair run as one batch: the first half is x1, the second half x2, and `swap` gives each image its
exemplar. B below is that doubled batch, R = G + 1 the regions.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from keras import ops

from lomit_tf import core
from lomit_tf.config import LomitConfig, Schedule
from lomit_tf.core import Encoding, Painting
from lomit_tf.losses import adversarial, classification, colour, mask, reconstruction
from lomit_tf.losses.schedules import scheduled
from lomit_tf.networks.blocks import area_pool
from lomit_tf.networks.critic import Critic
from lomit_tf.networks.generator import Generator
from lomit_tf.networks.hadain import widen

# Weights that are the same in every configuration, by the terms' names.
WEIGHTS = {
    "classification": 1.0, "content": 1.0, "style_foreground": 1.0, "style_background": 1.0,
    "mask_classification": 1.0, "mask_critic": 0.2,
}  # fmt: skip
PENALTY_WEIGHT = 10.0  # of the critic's gradient penalty


def swap(x: Any) -> Any:
    """Exchange the two halves of a batch: for each image of [x1; x2], its partner."""
    first, second = ops.split(x, 2, axis=0)
    return ops.concatenate([second, first], axis=0)


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Pairs in both directions, and what the translations of them must look like."""

    images: Any  # (B, H, W, 3) in [-1, 1]
    labels: Any  # (B, K)
    transfer: Any  # (B, G), 1 for the groups taken from the exemplar
    target: Any  # (B, K), labels that the translation must have
    colours_only: Any = None  # (B, 1), 1 where colour groups take the exemplar's six colour moments and not its code

    @classmethod
    def of(cls, x1: Any, y1: Any, x2: Any, y2: Any, transfer: Any, membership: Any, colours_only: Any = None) -> Pairs:
        """From B / 2 pairs, the groups transferred in each (B / 2, G), the membership (G, K) of labels in groups, and
        which of them exchange colours only (B / 2, 1)."""
        images, labels = ops.concatenate([x1, x2], axis=0), ops.concatenate([y1, y2], axis=0)
        transfer = ops.concatenate([transfer, transfer], axis=0)
        target = classification.target_labels(labels, swap(labels), transfer, membership)
        colours_only = None if colours_only is None else ops.concatenate([colours_only, colours_only], axis=0)
        return cls(images, labels, transfer, target, colours_only)

    def offered(self, styles: Any, generator: Generator) -> Any:
        """Exemplars' styles (B, R, S) as the pairs may take them: some of the colour groups' say their colours only."""
        if self.colours_only is None or not generator.colour_groups:
            return styles
        groups = generator.num_groups
        of_colour = [[[1.0 if g in generator.colour_groups else 0.0] for g in range(groups + 1)]]  # (1, R, 1)
        only = ops.expand_dims(self.colours_only, -1) * ops.convert_to_tensor(of_colour, dtype="float32")
        flag = styles[..., -1:] * (1 - (1 - core.COLOURS_ONLY) * only)
        return ops.concatenate([styles[..., :-1], flag], axis=-1)


@dataclasses.dataclass(frozen=True)
class Translation:
    """The first half of the generator's pass: everything up to the translated image."""

    encoding: Encoding
    target_styles: Any  # (B, R, S): the styles that the translation was given
    painting: Painting

    @property
    def image(self) -> Any:
        """x12 and x21."""
        return self.painting.image


def translate(
    generator: Generator, config: LomitConfig, pairs: Pairs, *, reconstruct: bool, contrast: Any = None
) -> Translation:
    """x12 and x21 of pairs (eqs. (4.1), (4.2)); the reconstruction shares the decoder's pass with the translation.

    `contrast` of the masks, where it is not the model's own.
    """
    e = core.encode(generator, pairs.images, decoupled=config.model.recipe, contrast=contrast)
    target = core.mix_styles(e.styles, pairs.offered(swap(e.styles), generator), pairs.transfer, generator.code_size)
    painting = core.paint(
        generator, pairs.images, e.content, e.regions, e.styles, target, pairs.transfer, reconstruct=reconstruct
    )
    return Translation(e, target, painting)


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


def similarity_term(config: LomitConfig, masks: Any, content: Any, images: Any) -> Any:
    """R1 at the content's resolution on the features that `mask_similarity_features` names; eqs. (5.9), (5.10)."""
    size, colours = content.shape[1], config.loss.mask_similarity_features == "colour"
    features = mask.normalised_channels(area_pool(images, size)) if colours else content
    pooled = area_pool(masks[..., :-1], size)
    return mask.mask_similarity(pooled, features, cut_negative=config.model.recipe)


def mask_decoder_terms(config: LomitConfig, pairs: Pairs, first: Translation) -> dict[str, Any]:
    """R1 and the edge term, where they have a weight: their gradients go to the mask decoder only."""
    if config.training.freeze_masks:
        return {}
    masks, terms = first.encoding.masks, {}
    if not config.loss.mask_similarity.zero:
        terms["mask_similarity"] = similarity_term(config, masks, first.encoding.content[0], pairs.images)
    if config.loss.edge_weight:
        terms["edge"] = mask.edge_smoothness(masks[..., :-1], pairs.images)
    return terms


def cycle_terms(
    generator: Generator, config: LomitConfig, pairs: Pairs, first: Translation, contrast: Any = None
) -> tuple[dict[str, Any], Any]:
    """Encode the translations with their own masks and translate them back; the terms and x121.

    The background's and the foreground's style terms count E_s's code only: the six colour moments of colour groups
    have a term of their own (`colour_term`). A curve painter has no reconstruction that would hold the scale of the
    contents, so that they are compared normalised, with the first ones fixed.
    """
    e, code = first.encoding, generator.code_size
    again = core.encode(generator, first.image, decoupled=config.model.recipe, contrast=contrast)
    offered = pairs.offered(swap(again.styles), generator)
    back = core.mix_styles(again.styles, offered, pairs.transfer, code)
    returned = core.paint(
        generator, first.image, again.content, again.regions, again.styles, back, pairs.transfer
    ).image
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


def colour_term(generator: Generator, pairs: Pairs, first: Translation) -> Any:
    """The exemplar's six colour moments in the painted region, where T asks for them and both regions are there.

    docs/method.md, eq. (7.10).
    """
    masks = ops.stop_gradient(first.encoding.masks[..., :-1])
    styles = ops.stop_gradient(first.encoding.styles)
    painted, wanted, asked = [], [], []
    for g in generator.colour_groups:
        there = styles[:, g, -1] * swap(styles)[:, g, -1]
        painted.append(masks[..., g : g + 1])
        wanted.append(swap(styles)[:, g, generator.code_size : -1])
        asked.append(pairs.transfer[:, g] * there)
    return colour.moments_l1(
        first.image, ops.concatenate(painted, axis=-1), ops.stack(wanted, axis=1), ops.stack(asked, axis=1)
    )


def changes(generator: Generator, pairs: Pairs, first: Translation) -> list[Any]:
    """What each group's own painter would change in the input alone, before its mask, without gradient: G - x, or
    curves_g(x). G tensors (B, H, W, 3)."""
    painting = first.painting
    found = {} if painting.curves is None else core.group_changes(generator, painting.curves, pairs.images)
    return [
        ops.stop_gradient(found[g] if g in found else painting.raw - pairs.images) for g in range(generator.num_groups)
    ]


def mask_composites(pairs: Pairs, first: Translation, membership: Any, changed: list[Any]) -> tuple[Any, Any]:
    """The composite of each mask alone, x + m_g sg(change_g), and the labels it must have: docs/method.md, eq. (6.2).

    Returns:
        images (G * B, H, W, 3) and labels (G * B, K), group by group.
    """
    composites, labels = [], []
    for g in range(membership.shape[0]):
        composites.append(pairs.images + first.encoding.masks[..., g : g + 1] * changed[g])
        belongs = membership[g : g + 1]
        labels.append(belongs * swap(pairs.labels) + (1 - belongs) * pairs.labels)
    return ops.concatenate(composites, axis=0), ops.concatenate(labels, axis=0)


def reconstruction_term(generator: Generator, config: LomitConfig, pairs: Pairs, first: Translation) -> Any:
    """L1(x11, x1), a pixel counting o + (1 - o) m, m being where G paints and o `reconstruction_outside`: eq. (5.8)."""
    outside, again = config.loss.reconstruction_outside, first.painting.reconstruction
    if outside == 1:
        return reconstruction.l1(again, pairs.images)
    wide = widen(ops.stop_gradient(first.encoding.masks), config.model.style_margin)
    painted = core.chosen_mask(
        wide, ops.ones_like(pairs.transfer) * ops.convert_to_tensor(_of(generator.free_groups, generator), "float32")
    )
    return reconstruction.masked_l1(again, pairs.images, outside + (1 - outside) * painted)


def _of(groups: tuple[int, ...], generator: Generator) -> list[list[float]]:
    """(1, G), 1 for these groups."""
    return [[1.0 if g in groups else 0.0 for g in range(generator.num_groups)]]


def generator_terms(
    generator: Generator, critic: Critic, config: LomitConfig, pairs: Pairs, first: Translation, membership: Any,
    contrast: Any = None,
) -> dict[str, Any]:  # fmt: skip
    """All unweighted terms of the generator side, by name: the image's, the masks', and the critic's answers to both.

    R1 and the edge term are apart (`mask_decoder_terms`): their gradients go to the mask decoder only. With frozen
    masks there are no terms of masks.
    """
    terms, returned = image_terms(generator, config, pairs, first, contrast)
    ask = config.model.recipe and not config.training.freeze_masks
    changed = changes(generator, pairs, first)
    images, labels = [first.image], [pairs.target]
    if ask:
        composites, composite_labels = mask_composites(pairs, first, membership, changed)
        images.append(composites)
        labels.append(composite_labels)
    batch, labels_all = ops.shape(pairs.images)[0], ops.concatenate(labels, axis=0)
    scores, logits = critic(ops.concatenate(images, axis=0), labels_all)
    terms["adversarial"] = adversarial.generator_loss(scores[:batch])
    terms["classification"] = classification.classification_loss(logits[:batch], pairs.target)
    success = None
    if ask:
        answers = scores[batch:], logits[batch:], labels_all[batch:]
        asked, success = mask_terms(config, pairs, first, membership, answers, returned)
        terms |= asked
    if not config.training.freeze_masks:
        foreground = first.encoding.masks[..., :-1]
        pixels = None
        if config.loss.mask_sparsity_change:
            pixels = mask.change_weights(foreground, changed, pairs.transfer, config.loss.mask_sparsity_change)
        terms["mask_sparsity"] = mask.mask_sparsity(foreground, success, pixels)
    return terms


def image_terms(
    generator: Generator, config: LomitConfig, pairs: Pairs, first: Translation, contrast: Any
) -> tuple[dict[str, Any], Any]:
    """What pictures alone say: reconstruction (free groups), colours (colour groups), cycle, content and styles; and
    x121."""
    terms = {}
    if generator.free_groups:
        terms["reconstruction"] = reconstruction_term(generator, config, pairs, first)
    if generator.colour_groups:
        terms["colour"] = colour_term(generator, pairs, first)
    cycle, returned = cycle_terms(generator, config, pairs, first, contrast)
    return terms | cycle, returned


def mask_terms(
    config: LomitConfig, pairs: Pairs, first: Translation, membership: Any, answers: tuple[Any, Any, Any], returned: Any
) -> tuple[dict[str, Any], Any]:
    """What decoupled masks learn from: docs/method.md, eqs. (6.3) to (6.6).

    The critic's answers (scores, logits, labels) to `mask_composites`, and what the cycle did not restore. Also the
    success (G,) of `mask_gate`, or None.
    """
    scores, logits, labels = answers
    groups, batch = membership.shape[0], ops.shape(pairs.images)[0]
    asked = ops.reshape(ops.transpose(pairs.transfer), (-1,))  # group by group, as the composites
    terms = {"mask_classification": groups * classification.classification_loss(logits, labels, asked)}
    success = None
    if config.loss.mask_gate == "success":
        parts = (ops.split(v, groups, axis=0) for v in (logits, labels, asked))
        success = ops.stack(
            [
                classification.success(z, y, pairs.labels, membership[g], t)
                for g, (z, y, t) in enumerate(zip(*parts, strict=True))
            ]
        )
        asked = asked * ops.repeat(ops.stop_gradient(success), batch)
    counted = ops.transpose(ops.reshape(asked, (groups, -1)))
    terms["mask_cycle"] = mask.irreversible(first.encoding.masks[..., :-1], returned, pairs.images, counted)
    terms["mask_critic"] = groups * adversarial.generator_loss(scores * asked)
    return terms, success


def generator_weights(config: LomitConfig, step: Any) -> dict[str, Any]:
    """Weight of every term of `generator_terms` and `mask_decoder_terms` at a generator step (an int or a scalar)."""
    loss = config.loss
    own = at_step(config, loss.mask_losses, step)
    return WEIGHTS | {
        "adversarial": loss.adversarial_weight,
        "reconstruction": loss.reconstruction_weight,
        "colour": loss.colour_weight,
        "cycle": loss.cycle_weight,
        "mask_classification": own * WEIGHTS["mask_classification"],
        "mask_cycle": own * loss.mask_cycle_weight,
        "mask_critic": own * WEIGHTS["mask_critic"],
        "mask_similarity": own * at_step(config, loss.mask_similarity, step),
        "edge": own * loss.edge_weight,
        "mask_sparsity": own * at_step(config, loss.mask_sparsity, step),
    }


def at_step(config: LomitConfig, schedule: Schedule, step: Any) -> Any:
    """A schedule's value at a generator step, a float32 scalar: docs/method.md, eq. (6.9)."""
    start, end = schedule.steps(config.training.schedule_steps)
    return scheduled(step, schedule.initial, schedule.final, start, end)


def mask_contrast(config: LomitConfig, step: Any) -> Any:
    """How far masks are sharpened at a generator step: ramped in with the masks' own terms, so that none is lost.

    docs/method.md, eq. (3.9).
    """
    if config.training.freeze_masks or not config.model.mask_contrast:
        return None
    return config.model.mask_contrast * at_step(config, config.loss.mask_losses, step)
