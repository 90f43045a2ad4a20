"""One training step's computations (docs/method.md, 4 to 7) from core, networks and losses; keras.ops only.

Both directions of a pair run as one batch: the first half is x1, the second half x2, and `swap` gives each image its
exemplar. B is that doubled batch, R = G + 1 the regions.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from lomit_tf.losses import adversarial, classification
from lomit_tf.objectives.masks import changes, mask_composites, mask_decoder_terms, mask_terms, similarity_term
from lomit_tf.objectives.pairs import Pairs, Step, Translation, swap, translate
from lomit_tf.objectives.paper import critic_terms, cycle_terms, image_terms, real_for_penalty
from lomit_tf.objectives.weights import PENALTY_WEIGHT, WEIGHTS, generator_weights, mask_contrast

__all__ = [
    "PENALTY_WEIGHT", "WEIGHTS", "Pairs", "Step", "Translation", "critic_terms", "cycle_terms", "generator_terms",
    "generator_weights", "mask_composites", "mask_contrast", "mask_decoder_terms", "real_for_penalty",
    "similarity_term", "swap", "translate",
]  # fmt: skip


def generator_terms(step: Step) -> dict[str, Any]:
    """All unweighted terms of the generator side, by name: the pictures', the masks', and the critic's answers to both.

    R1 and the edge term are apart (`mask_decoder_terms`): their gradients go to the mask decoder only. With frozen
    masks there are no terms of masks.
    """
    terms, returned = image_terms(step)
    changed = changes(step)
    ask = step.config.model.recipe and step.masks_learn
    composites = mask_composites(step, changed) if ask else None
    answers = _scored(step, composites)
    terms["adversarial"] = adversarial.generator_loss(answers[0][0])
    terms["classification"] = classification.classification_loss(answers[0][1], step.pairs.target)
    if step.masks_learn:
        terms |= mask_terms(step, answers[1] if ask else None, returned, changed)
    return terms


def _scored(step: Step, composites: tuple[Any, Any] | None) -> list[tuple[Any, Any, Any]]:
    """The critic's scores and logits, and the labels asked for, of the translations and of the masks' composites.

    One pass of the critic for both: it has no normalisation that would make them depend on each other.
    """
    images, labels = [step.first.image], [step.pairs.target]
    if composites is not None:
        images.append(composites[0])
        labels.append(composites[1])
    batch, labels_all = ops.shape(step.pairs.images)[0], ops.concatenate(labels, axis=0)
    scores, logits = step.critic(ops.concatenate(images, axis=0), labels_all)
    return [tuple(v[part] for v in (scores, logits, labels_all)) for part in (slice(batch), slice(batch, None))]
