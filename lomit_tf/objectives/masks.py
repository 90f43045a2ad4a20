"""The masks' own terms, in which our recipe differs most from the paper (docs/method.md, 6)."""

from __future__ import annotations

from typing import Any

from keras import ops

from lomit_tf import core
from lomit_tf.config import LomitConfig
from lomit_tf.losses import adversarial, classification, mask
from lomit_tf.networks.blocks import area_pool
from lomit_tf.objectives.pairs import Step, swap


def changes(step: Step) -> list[Any]:
    """What each group's own painter would change in the input alone, before its mask, without gradient: G - x, or
    curves_g(x). G tensors (B, H, W, 3)."""
    generator, pairs, painting = step.generator, step.pairs, step.first.painting
    found = {} if painting.curves is None else core.group_changes(generator, painting.curves, pairs.images)
    return [
        ops.stop_gradient(found[g] if g in found else painting.raw - pairs.images) for g in range(generator.num_groups)
    ]


def mask_composites(step: Step, changed: list[Any]) -> tuple[Any, Any]:
    """The composite of each mask alone, x + m_g sg(change_g), and the labels it must have: docs/method.md, eq. (6.2).

    Args:
        step: the training step.
        changed: of `changes`.

    Returns:
        images (G * B, H, W, 3) and labels (G * B, K), group by group.
    """
    pairs, membership = step.pairs, step.membership
    composites, labels = [], []
    for g in range(membership.shape[0]):
        composites.append(pairs.images + step.masks[..., g : g + 1] * changed[g])
        belongs = membership[g : g + 1]
        labels.append(belongs * swap(pairs.labels) + (1 - belongs) * pairs.labels)
    return ops.concatenate(composites, axis=0), ops.concatenate(labels, axis=0)


def mask_terms(
    step: Step, answers: tuple[Any, Any, Any] | None, returned: Any, changed: list[Any]
) -> dict[str, Any]:
    """What the masks learn from: docs/method.md, eqs. (5.11) and (6.3) to (6.7).

    Args:
        answers: the critic's scores, logits and the labels asked for, of `mask_composites`; None in the paper's system,
            whose masks learn from the pictures, and here from their sparsity alone.
        returned: x121, for what the cycle did not restore.
        changed: of `changes`.
    """
    loss, success = step.config.loss, None
    terms: dict[str, Any] = {}
    if answers is not None:
        terms, success = _asked_terms(step, answers, returned)
    pixels = None
    if loss.mask_sparsity_change:
        pixels = mask.change_weights(step.masks, changed, step.pairs.transfer, loss.mask_sparsity_change)
    terms["mask_sparsity"] = mask.mask_sparsity(step.masks, success, pixels)
    return terms


def _asked_terms(step: Step, answers: tuple[Any, Any, Any], returned: Any) -> tuple[dict[str, Any], Any]:
    """The terms of eqs. (6.3) to (6.6), and the success (G,) of `mask_gate`, or None."""
    pairs, membership = step.pairs, step.membership
    scores, logits, labels = answers
    groups, batch = membership.shape[0], ops.shape(pairs.images)[0]
    asked = ops.reshape(ops.transpose(pairs.transfer), (-1,))  # group by group, as the composites
    terms = {"mask_classification": groups * classification.classification_loss(logits, labels, asked)}
    success = None
    if step.config.loss.mask_gate == "success":
        parts = (ops.split(v, groups, axis=0) for v in (logits, labels, asked))
        success = ops.stack(
            [
                classification.success(z, y, pairs.labels, membership[g], t)
                for g, (z, y, t) in enumerate(zip(*parts, strict=True))
            ]
        )
        asked = asked * ops.repeat(ops.stop_gradient(success), batch)
    counted = ops.transpose(ops.reshape(asked, (groups, -1)))
    terms["mask_cycle"] = mask.irreversible(step.masks, returned, pairs.images, counted)
    terms["mask_critic"] = groups * adversarial.generator_loss(scores * asked)
    return terms, success


def mask_decoder_terms(step: Step) -> dict[str, Any]:
    """R1 and the edge term, where they have a weight: their gradients go to the mask decoder only."""
    terms: dict[str, Any] = {}
    if not step.masks_learn:
        return terms
    encoding, images, loss = step.first.encoding, step.pairs.images, step.config.loss
    if not loss.mask_similarity.zero:
        terms["mask_similarity"] = similarity_term(step.config, encoding.masks, encoding.content[0], images)
    if loss.edge_weight:
        terms["edge"] = mask.edge_smoothness(step.masks, images)
    return terms


def similarity_term(config: LomitConfig, masks: Any, content: Any, images: Any) -> Any:
    """R1 at the content's resolution on the features that `mask_similarity_features` names; eqs. (5.9), (5.10)."""
    size, colours = content.shape[1], config.loss.mask_similarity_features == "colour"
    features = mask.normalised_channels(area_pool(images, size)) if colours else content
    pooled = area_pool(masks[..., :-1], size)
    return mask.mask_similarity(pooled, features, cut_negative=config.model.recipe)
