"""A painter taught how faces move with a label (docs/method.md, 9.5): only what paints learns, and no critic is asked.

The loop, checkpoints, log and resume are those of `lomit_tf.training.loop`. What it learns is what
`movement_targets.find_movements` found for pairs of training images.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from lomit_tf import core
from lomit_tf.config import ConfigError, LomitConfig, loss_defaults
from lomit_tf.data.augment import Augmentation
from lomit_tf.data.image_set import ImageSet
from lomit_tf.data.movement_batches import MovementLoader, movement_batches
from lomit_tf.data.pairs import PairPipeline
from lomit_tf.data.sources import open_set
from lomit_tf.data.store import ImageStore
from lomit_tf.losses.movement_teaching import movement_terms
from lomit_tf.model import Batch, Lomit
from lomit_tf.settings.close_ups import box_of
from lomit_tf.settings.movement_teacher import LOOP, FindConfig, TeachMovementsConfig
from lomit_tf.training import loop as training
from lomit_tf.training import students
from lomit_tf.training.checkpoints import Workdir
from lomit_tf.training.mask_refinement import key_of
from lomit_tf.training.movement_labels import label_of
from lomit_tf.training.movement_targets import COARSE, FINE, MovementTargets, whole_data

TEACHER_FILE = "movement_teacher.json"


class MovementStudent(students.StudentModel):
    """Its styles and its painter learn movements; content and masks stay as they are.

    Args:
        config: the model's own.
        start: whose averaged generator side it starts from, and whose critic it keeps.
    """

    betas = (0.9, 0.99)
    keeps_critic = True

    def learners(self) -> list[keras.Variable]:
        """The variables that learn: all but those of content and masks."""
        g = self.generator
        kept = {id(v) for part in (g.content_encoder, g.mask_decoder) for v in part.variables}
        return [v for v in g.trainable_variables if id(v) not in kept]

    def samples(self, x1: Any, x2: Any) -> dict[str, np.ndarray]:
        """As Lomit's, without what is not taught: pictures in their own style, which are not asked to be the input."""
        return {name: rows for name, rows in super().samples(x1, x2).items() if name not in ("x11", "x121")}

    def train_step(self, data: Batch) -> Batch:
        """One update of a batch of `movement_batches`; the terms of eq. (9.36), and the state of the masks."""

        def ask() -> tuple[Any, Batch, Batch]:
            g, x = self.generator, data["x1"]
            transfer = tf.ones((tf.shape(x)[0], g.num_groups))
            exemplar = core.encode(g, data["x2"], decoupled=True).styles
            made = core.exchange(g, x, lambda own: exemplar, transfer, decoupled=True)
            masks, by = made.encoding.masks, made.painting.displacement
            mask = tf.stop_gradient(core.chosen_mask(masks, transfer))
            loss, terms = movement_terms(x, mask, made.image, by, data["displacement"], data["change"])
            return loss, terms, {name: masks[..., i] for i, name in enumerate(self.group_names)}

        return self.learn(self.learners(), ask)


def taught_config(model: LomitConfig, **fields: Any) -> LomitConfig:
    """The model's configuration without its losses, with this stage's settings of the loop, then `fields`."""
    return LomitConfig.from_flat(model.flat() | loss_defaults() | LOOP | fields)


def teach_movements(
    model: Lomit, targets: MovementTargets, config: LomitConfig, workdir: str | os.PathLike[str],
    options: TeachMovementsConfig, *, resume: str = "auto", name: str = "",
) -> training.TrainingResult:  # fmt: skip
    """Teach a model's painter how faces move, going on from the workdir's last checkpoint.

    Args:
        model: what to start from, which sees faces from near.
        targets: of `find_movements`, of any model with the same close-up and label.
        config: what `taught_config` gives.
        workdir: as of `training.train`; it also gets movement_teacher.json.
        options: of the teaching.
        resume: auto, never or must.
        name: what the model is called, for the record.

    Raises:
        ConfigError: before any work, also for a workdir taught otherwise, and for movements of other images.
        DataError, TrainingError, CorruptDataError: as `training.train`.
    """
    data, record = config.data, targets.record
    label_of(config, FindConfig(label=record["label"], place=record["place"], kinds=(), never_given=()))
    box = box_of(data.close_up, data.image_size)
    if box_of(record["close_up"], record["image_size"]) != box or record["crop"] != data.crop:
        seen = "--close_up={close_up} of --image_size={image_size} and --crop={crop}"
        raise ConfigError(
            f"the movements were found with {seen.format(**record)}; the model has "
            f"{seen.format(close_up=data.close_up, image_size=data.image_size, crop=data.crop)}"
        )
    work = Workdir(workdir)
    work.check(config, resume)
    facts = {"start": students.fingerprint(model), "movements": record, **dataclasses.asdict(options)}
    students.record_teacher(work, TEACHER_FILE, facts, "the movements there were taught otherwise", model=name)
    wide = dataclasses.replace(whole_data(data), train_images=0)
    images = open_set(wide, "train")
    place_of = {key_of(key, data.data_dir): i for i, key in enumerate(images.keys)}
    place = np.array([place_of.get(str(key), -1) for key in targets.keys])
    pairs = np.stack([place[targets.faces], place[targets.exemplars]], axis=1)
    rows = np.flatnonzero((pairs >= 0).all(axis=1))
    if len(rows) < config.training.batch_size:
        raise ConfigError(
            f"{len(rows)} of {len(pairs)} pairs are of images in --data_dir={data.data_dir}; a batch takes "
            f"{config.training.batch_size}. Were the movements found in other data?"
        )
    logging.info("%d of %d movements are of images here", len(rows), len(pairs))
    store = ImageStore(images, wide, seed=config.training.seed)
    how = Augmentation(data.flip, options.turn, options.scale, options.shift, options.jitter)

    def batches(_: ImageSet, __: Any, **given: Any) -> PairPipeline:
        loader = MovementLoader(
            store, pairs[rows], targets.mirrored[rows], targets.moves[rows], targets.changes[rows], fine=FINE,
            coarse=COARSE, box=box[0], how=how, gain=options.gain,
            **{k: given[k] for k in ("batch_size", "seed", "rows")},
        )  # fmt: skip
        return movement_batches(loader, given["start_step"])

    return training.train(
        config, workdir, resume=resume, make_pipeline=batches, make_model=lambda c: MovementStudent(c, model)
    )


__all__ = ["MovementStudent", "taught_config", "teach_movements"]
