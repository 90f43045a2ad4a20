"""One training step's computations (spec, sections 3, 6 and 7) from networks and losses; keras.ops only.

Both directions of a pair run as one batch: the first half is x1, the second half x2, and `swap` gives each image its
exemplar. B below is that doubled batch, R = G + 1 the regions.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from keras import ops

from lomit_tf.config import LomitConfig
from lomit_tf.losses import adversarial, classification, mask, reconstruction
from lomit_tf.networks.blocks import above, area_pool
from lomit_tf.networks.critic import Critic
from lomit_tf.networks.generator import Generator
from lomit_tf.networks.hadain import widen

EMPTY_MASK = 0.02  # a region is empty where its mask is nowhere above this
EMPTY_CODE = 1e-6  # a style code is all 0 when its absolute values sum up to less


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

    @classmethod
    def of(cls, x1: Any, y1: Any, x2: Any, y2: Any, transfer: Any, membership: Any) -> Pairs:
        """From B / 2 pairs, the groups transferred in each (B / 2, G) and the membership (G, K) of labels in groups."""
        images, labels = ops.concatenate([x1, x2], axis=0), ops.concatenate([y1, y2], axis=0)
        transfer = ops.concatenate([transfer, transfer], axis=0)
        target = classification.target_labels(labels, swap(labels), transfer, membership)
        return cls(images, labels, transfer, target)


@dataclasses.dataclass(frozen=True)
class Encoding:
    """An image's content, masks and styles."""

    content: tuple[Any, Any, Any]
    masks: Any  # (B, H, W, R) as the mask decoder gives them
    regions: Any  # the same, or without gradient where the masks are decoupled
    styles: Any  # (B, R, style_dim)


def encode(generator: Generator, images: Any, *, decoupled: bool) -> Encoding:
    """Content, masks and region styles of images (B, H, W, 3)."""
    content = generator.encode_content(images)
    masks = generator.masks(content, images)
    regions = ops.stop_gradient(masks) if decoupled else masks
    return Encoding(content, masks, regions, generator.styles(images, regions))


def mix_styles(own: Any, exemplar: Any, transfer: Any) -> Any:
    """Styles (B, R, S): the exemplar's in the groups of T (B, G), the image's own elsewhere and in the background."""
    transfer = ops.expand_dims(ops.pad(transfer, ((0, 0), (0, 1))), -1)
    return transfer * exemplar + (1 - transfer) * own


def without_empty(styles: Any, masks: Any) -> Any:
    """Style codes (B, R, S), 0 for the regions whose masks (B, H, W, R) are empty: nowhere above EMPTY_MASK.

    The code of an empty region means nothing, and could paint anything. A code of zeros says so to `transferable`,
    wherever it was kept meanwhile.
    """
    covered = ops.mean(ops.relu(ops.cast(masks, "float32") - EMPTY_MASK), axis=(1, 2))
    return styles * ops.expand_dims(ops.cast(above(covered, 0.0), styles.dtype), -1)


def transferable(styles: Any, transfer: Any) -> Any:
    """`transfer` (B, G), 0 for the groups of which the exemplar has nothing: whose codes (B, G, S) are all 0."""
    size = ops.sum(ops.abs(ops.cast(styles, "float32")), axis=-1)
    return transfer * ops.cast(above(size, EMPTY_CODE), transfer.dtype)


def chosen_mask(masks: Any, transfer: Any) -> Any:
    """Union of the masks of the groups in T: (B, H, W, R), (B, G) -> (B, H, W, 1)."""
    groups = transfer.shape[-1]
    return ops.sum(masks[..., :groups] * ops.reshape(transfer, (-1, 1, 1, groups)), axis=-1, keepdims=True)


def blend(mask_: Any, painted: Any, image: Any) -> Any:
    """m * G + (1 - m) * x."""
    return mask_ * painted + (1 - mask_) * image


def finish(config: LomitConfig, bare: Any, regions: Any, transfer: Any, image: Any) -> Any:
    """The translation from the bare G: G itself, or its composite with the input (`output`)."""
    if config.model.output == "bare":
        return bare
    return blend(ops.stop_gradient(chosen_mask(regions, transfer)), bare, image)


@dataclasses.dataclass(frozen=True)
class Translation:
    """The first half of the generator's pass: everything up to the translated image."""

    encoding: Encoding
    wanted: Any  # (B, R, S): the styles that the translation was given
    bare: Any  # G's own picture of the translation (B, H, W, 3)
    image: Any  # x12 and x21
    reconstruction: Any  # x11 and x22, bare


def translate(generator: Generator, config: LomitConfig, pairs: Pairs, *, reconstruct: bool) -> Translation:
    """Steps 1 to 3 of the spec's section 3; the reconstruction shares the decoder's pass with the translation."""
    e = encode(generator, pairs.images, decoupled=config.model.masks == "decoupled")
    wanted = mix_styles(e.styles, swap(e.styles), pairs.transfer)
    if reconstruct:
        doubled = tuple(ops.concatenate([c, c], axis=0) for c in e.content)
        regions = ops.concatenate([e.regions, e.regions], axis=0)
        both = generator.decode(doubled, regions, ops.concatenate([wanted, e.styles], axis=0))
        bare, recon = ops.split(both, 2, axis=0)
    else:
        bare = recon = generator.decode(e.content, e.regions, wanted)
    return Translation(e, wanted, bare, finish(config, bare, e.regions, pairs.transfer, pairs.images), recon)


def real_for_penalty(config: LomitConfig, pairs: Pairs) -> Any:
    """What the penalty interpolates with: the input (paper), or the exemplar (section 6).

    The exemplar has the target's labels on the groups that are transferred; on the others only the input has them, so
    with a part of the groups the interpolation is between images that share some of the target's labels.
    """
    return pairs.images if config.model.critic_condition == "none" else swap(pairs.images)


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


def r1_term(config: LomitConfig, masks: Any, content: Any, images: Any) -> Any:
    """R1 at the content's resolution on the features that `r1_features` names."""
    size = content.shape[1]
    features = content if config.loss.r1_features == "content" else mask.normalised_colours(area_pool(images, size))
    pooled = area_pool(masks[..., :-1], size)
    return mask.mask_similarity(pooled, features, cut_negative=config.loss.r1_cut_negative)


def edge_term(config: LomitConfig, masks: Any, images: Any) -> Any:
    """The edge term of all groups."""
    return mask.edge_smoothness(masks[..., :-1], images, config.loss.edge_scale)


def cycle_terms(
    generator: Generator, config: LomitConfig, pairs: Pairs, first: Translation
) -> tuple[dict[str, Any], Any]:
    """Steps 4 and 5: encode the translations with their own masks and translate them back; the terms and x121."""
    e = first.encoding
    again = encode(generator, first.image, decoupled=config.model.masks == "decoupled")
    back = mix_styles(again.styles, swap(again.styles), pairs.transfer)
    bare = generator.decode(again.content, again.regions, back)
    returned = finish(config, bare, again.regions, pairs.transfer, first.image)
    fixed = ops.stop_gradient if config.loss.detach_style_targets else lambda x: x
    groups = pairs.transfer.shape[-1]
    terms = {
        "cycle": reconstruction.l1(returned, pairs.images),
        "content": reconstruction.l1(again.content[0], e.content[0]),
        "style_foreground": reconstruction.l1(again.styles[:, :groups], fixed(first.wanted[:, :groups])),
        "style_background": reconstruction.l1(again.styles[:, groups:], fixed(e.styles[:, groups:])),
    }
    return terms, returned


def mask_composites(pairs: Pairs, first: Translation, membership: Any) -> tuple[Any, Any]:
    """Section 6's question per group: m_g * sg(G) + (1 - m_g) * x, and the labels it must have.

    Returns:
        images (G * B, H, W, 3) and labels (G * B, K), group by group.
    """
    painted, images = ops.stop_gradient(first.bare), pairs.images
    composites, labels = [], []
    for g in range(membership.shape[0]):
        composites.append(blend(first.encoding.masks[..., g : g + 1], painted, images))
        belongs = membership[g : g + 1]
        labels.append(belongs * swap(pairs.labels) + (1 - belongs) * pairs.labels)
    return ops.concatenate(composites, axis=0), ops.concatenate(labels, axis=0)


def reconstruction_term(config: LomitConfig, pairs: Pairs, first: Translation) -> Any:
    """L1(x11, x1), a pixel counting o + (1 - o) m, m being where it is painted and o `reconstruction_outside`."""
    outside = config.loss.reconstruction_outside
    if outside == 1:
        return reconstruction.l1(first.reconstruction, pairs.images)
    painted = 1 - widen(ops.stop_gradient(first.encoding.masks), config.model.style_margin)[..., -1:]
    return reconstruction.masked_l1(first.reconstruction, pairs.images, outside + (1 - outside) * painted)


def generator_terms(
    generator: Generator, critic: Critic, config: LomitConfig, pairs: Pairs, first: Translation, membership: Any
) -> dict[str, Any]:
    """All unweighted terms of the generator side, by name. R1 is apart: its gradient goes to the mask decoder only."""
    terms = {"reconstruction": reconstruction_term(config, pairs, first)}
    cycle, returned = cycle_terms(generator, config, pairs, first)
    terms |= cycle
    batch = ops.shape(pairs.images)[0]
    images, labels = [first.image], [pairs.target]
    decoupled = config.model.masks == "decoupled"
    if decoupled:
        composites, composite_labels = mask_composites(pairs, first, membership)
        images.append(composites)
        labels.append(composite_labels)
    labels_all = ops.concatenate(labels, axis=0)
    scores, logits = critic(ops.concatenate(images, axis=0), labels_all)
    terms["adversarial"] = adversarial.generator_loss(scores[:batch])
    terms["classification"] = classification.classification_loss(logits[:batch], pairs.target)
    success = None
    if decoupled:
        groups = membership.shape[0]
        asked = ops.reshape(ops.transpose(pairs.transfer), (-1,))  # group by group, as the composites
        terms["mask_classification"] = groups * classification.classification_loss(
            logits[batch:], labels_all[batch:], asked
        )
        if config.loss.mask_gate == "success":
            parts = (ops.split(v, groups, axis=0) for v in (logits[batch:], labels_all[batch:], asked))
            success = ops.stack(
                [
                    classification.success(z, y, pairs.labels, membership[g], t)
                    for g, (z, y, t) in enumerate(zip(*parts, strict=True))
                ]
            )
            asked = asked * ops.repeat(ops.stop_gradient(success), batch)
        counted = ops.transpose(ops.reshape(asked, (groups, -1)))
        masks = first.encoding.masks[..., :-1]
        terms["mask_cycle"] = mask.irreversible(masks, returned, pairs.images, counted)
        terms["mask_critic"] = groups * adversarial.generator_loss(scores[batch:] * asked)
    outside = 1 - ops.stop_gradient(chosen_mask(first.encoding.masks, pairs.transfer))
    terms["background"] = reconstruction.masked_l1(first.bare, pairs.images, outside)
    foreground, pixels = first.encoding.masks[..., :-1], None
    if config.loss.r2_change:
        pixels = mask.change_weights(foreground, first.bare, pairs.images, pairs.transfer, config.loss.r2_change)
    terms["r2"] = mask.mask_sparsity(foreground, config.loss, success, pixels)
    return terms


def generator_weights(config: LomitConfig, step: Any) -> dict[str, Any]:
    """Weight of every term of `generator_terms`, of "r1" and of "edge", at a generator step (an int or a scalar)."""
    loss = config.loss
    own = mask.ramp(step, loss.mask_start, loss.mask_end) if config.model.masks == "decoupled" else 1.0
    return {
        "adversarial": loss.adversarial_weight,
        "classification": loss.classification_weight,
        "reconstruction": loss.reconstruction_weight,
        "cycle": loss.cycle_weight,
        "content": loss.content_weight,
        "style_foreground": loss.style_foreground_weight,
        "style_background": loss.style_background_weight,
        "background": loss.background_weight,
        "mask_classification": own * loss.mask_classification_weight,
        "mask_cycle": own * loss.mask_cycle_weight,
        "mask_critic": own * loss.mask_critic_weight,
        "r1": own * mask.ramp(step, loss.r1_start, loss.r1_end) * loss.r1_weight,
        "edge": own * loss.edge_weight,
        "r2": own * mask.sparsity_weight(step, loss),
    }
