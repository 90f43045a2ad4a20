"""A model's masks taught from refined ones (docs/method.md, 9.2): only the content encoder and the mask decoder learn.

One group learns, or several at once, each from a file of its own.

The loop, checkpoints, log and resume are those of `lomit_tf.training.loop`; the averaged weights that a run leaves
behind are those of its best look at images that it did not train on, by their refined masks. True masks are never read.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from lomit_tf import core
from lomit_tf.config import ConfigError, LomitConfig, loss_defaults
from lomit_tf.data.augment import UNSURE, Augmentation
from lomit_tf.data.image_set import ImageSet
from lomit_tf.data.mask_batches import MaskLoader, mask_batches
from lomit_tf.data.pairs import PairPipeline
from lomit_tf.data.sources import open_set
from lomit_tf.data.store import ImageStore
from lomit_tf.imaging.paste_back import upsample_masks
from lomit_tf.losses.mask_teaching import others_kept, three_way_cross_entropy
from lomit_tf.model import Batch, Lomit
from lomit_tf.settings.mask_teacher import LOOP, RefineConfig, TeachConfig
from lomit_tf.settings.methods import need_one
from lomit_tf.training import loop as training
from lomit_tf.training import students
from lomit_tf.training.checkpoints import Workdir
from lomit_tf.training.held_out_masks import RAW, HeldOutValidation
from lomit_tf.training.mask_refinement import MaskTargets, key_of, refined_data

TEACHER_FILE = "mask_teacher.json"
MOST_HELD_OUT = 512
LEAST_CERTAIN = 0.54  # with images of eq. (9.27), whose unknown pixels are 15/32


class MaskStudent(students.StudentModel):
    """Its masks learn from refined masks of one group or several.

    Args:
        config: the model's own, of any image size: its networks are convolutions.
        start: whose averaged generator side it starts from, and whose critic it keeps.
        groups: channels of the masks that learn, T of them.
        options: which parts learn, and how much the other groups are kept.
    """

    betas = (0.9, 0.999)
    keeps_critic = True

    def __init__(self, config: LomitConfig, start: Lomit, groups: Sequence[int], options: TeachConfig) -> None:
        super().__init__(config, start)
        self.groups, self.options = tuple(groups), options

    def learners(self) -> list[keras.Variable]:
        """The variables that learn."""
        g = self.generator
        encoder = g.content_encoder.trainable_variables if self.options.teach == "both" else []
        return [*encoder, *g.mask_decoder.trainable_variables]

    def train_step(self, data: Batch) -> Batch:
        """One update of {"x": (B, S, S, 3), "target", "asked": (B, S, S, T)}; the loss and the state of the masks.

        The loss is the mean of eq. (9.11) over the groups that learn and, where there are others, also eq. (9.12).
        """

        def ask() -> tuple[Any, Batch, Batch]:
            masks = core.masks(self.generator, data["x"], RAW)
            learning = {self.group_names[g]: masks[..., g] for g in self.groups}
            costs = [
                three_way_cross_entropy(mask, data["target"][..., t], data["asked"][..., t])
                for t, mask in enumerate(learning.values())
            ]
            loss = sum(costs[1:], costs[0]) / len(costs)
            kept = self._others(masks, data["x"])
            total = loss + self.options.keep_weight * kept
            return total, {"three_way": loss, "others": kept}, learning

        return self.learn(self.learners(), ask)

    def _others(self, masks: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """Eq. (9.12) against the masks of `start`; 0 where there are no other groups, or they do not count."""
        if len(self.group_names) == len(self.groups) or not self.options.keep_weight:
            return tf.zeros(())
        assert self.start is not None
        return others_kept(masks, core.masks(self.start.inference_generator, x, RAW), self.groups)


def values_at(targets: MaskTargets, rows: np.ndarray, size: int) -> np.ndarray:
    """The means of rows (n,) of a file at a model's size, averaged over areas: (n, size, size) uint8, 255 for 1."""
    found = np.empty((len(rows), size, size), np.uint8)
    for i, row in enumerate(rows):
        mean = upsample_masks(targets.means(np.array([row]))[0][..., None], (size, size))[..., 0]
        found[i] = np.round(255 * mean)
    return found


def values_of(each: Sequence[MaskTargets], keys: Sequence[str], size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What files of refined masks say of the images of a data set, of all that one of them knows.

    Args:
        each: T files.
        keys: (N,) names of the images, as `key_of` gives them.
        size: S, of the model.

    Returns:
        (n,) indices of the images; (n, S, S, T) uint8, 255 for 1, UNSURE in files that do not have the image; (n, T)
        bool, which have all of its mask.
    """
    rows = [targets.row_of() for targets in each]
    indices = np.array([i for i, key in enumerate(keys) if any(key in known for known in rows)], np.int64)
    values = np.full((len(indices), size, size, len(each)), UNSURE, np.uint8)
    there = np.zeros((len(indices), len(each)), bool)
    for t, (targets, known) in enumerate(zip(each, rows, strict=True)):
        places = np.array([n for n, i in enumerate(indices) if keys[i] in known], np.int64)
        found = np.array([known[keys[i]] for i in indices[places]], np.int64)
        values[places, ..., t] = values_at(targets, found, size)
        there[places, t] = targets.whole()[found]
    return indices, values, there


def split(count: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Places of the images to train on and to stop by, drawn once and for all."""
    order = np.random.default_rng(1).permutation(count)
    held = min(MOST_HELD_OUT, round(share * count))
    return np.sort(order[held:]), np.sort(order[:held])


def taught_config(model: LomitConfig, **fields: Any) -> LomitConfig:
    """The model's configuration without its losses, with this stage's settings of the loop, then `fields`.

    Raises ConfigError for a model that was put together of parts.
    """
    need_one(model.model, "teaching masks")
    return LomitConfig.from_flat(model.flat() | loss_defaults() | LOOP | fields)


def teach_masks(
    model: Lomit, targets: MaskTargets | Sequence[MaskTargets], config: LomitConfig, workdir: str | os.PathLike[str],
    options: TeachConfig, *, resume: str = "auto", name: str = "",
) -> training.TrainingResult:  # fmt: skip
    """Teach a model's masks, going on from the workdir's last checkpoint.

    Args:
        model: what to start from.
        targets: of `refine_masks`, of any model with the group; or several, each of another group.
        config: what `taught_config` gives.
        workdir: as of `training.train`; it also gets mask_teacher.json and the best look.
        options: of the teaching.
        resume: auto, never or must.
        name: what the model is called, for the record.

    Raises:
        ConfigError: before any work, also for a workdir taught from other masks, and for masks of other images.
        DataError, TrainingError, CorruptDataError: as `training.train`.
    """
    each = [targets] if isinstance(targets, MaskTargets) else list(targets)
    groups = [str(one.record["group"]) for one in each]
    for place, group in enumerate(groups):
        if group not in model.group_names:
            raise ConfigError(f"the refined masks are of group {group!r}; the model has {', '.join(model.group_names)}")
        if group in groups[:place]:
            raise ConfigError(f"two files of refined masks are of group {group!r}; give one for each group")
        if not each[place].whole().all() and options.certain < LEAST_CERTAIN:
            raise ConfigError(
                f"--certain={options.certain:g}: the refined masks of {group} have images of which only the bare top "
                f"is known (--bare); give {LEAST_CERTAIN} or more, so that nothing is asked of the rest"
            )
    work = Workdir(workdir)
    work.check(config, resume)
    records = [one.record for one in each]
    record = {"start": students.fingerprint(model), "masks": records[0] if len(records) == 1 else records}
    record |= dataclasses.asdict(options)
    students.record_teacher(work, TEACHER_FILE, record, "the masks there were taught otherwise", model=name)
    wide = refined_data(config.data, RefineConfig(group=groups[0], refuse=(), absent=()))
    wide = dataclasses.replace(wide, image_size=config.data.image_size, train_images=0)
    images = open_set(wide, "train")
    known = [key_of(key, config.data.data_dir) for key in images.keys]
    for group, one in zip(groups, each, strict=True):
        rows = one.row_of()
        count = sum(key in rows for key in known)
        if count < 2 * config.training.batch_size:
            raise ConfigError(
                f"{count} of {len(one.chosen)} refined masks of {group} are of images in "
                f"--data_dir={config.data.data_dir}; a batch takes {config.training.batch_size}. "
                "Were they made of other data?"
            )
    indices, values, there = values_of(each, known, config.data.image_size)
    learn, held = split(len(indices), options.held_out)
    store = ImageStore(images, wide, seed=config.training.seed)
    how = Augmentation(config.data.flip, options.turn, options.scale, options.shift, options.jitter)

    def batches(_: ImageSet, __: Any, **given: Any) -> PairPipeline:
        kept = {k: given[k] for k in ("batch_size", "seed", "rows")}
        loader = MaskLoader(store, indices[learn], values[learn], how, options.certain, **kept)
        return mask_batches(loader, given["start_step"])

    callbacks = []
    if len(held):
        seen, actual = store.readable(indices[held])
        row_of = {int(i): n for n, i in enumerate(indices)}
        chosen = np.array([row_of[int(i)] for i in actual])
        callbacks.append(
            HeldOutValidation(seen, values[chosen], there[chosen], work.path, options, config.training.steps)
        )
    return training.train(
        config, workdir, resume=resume, callbacks=callbacks, make_pipeline=batches,
        make_model=lambda c: MaskStudent(c, model, [model.group_names.index(group) for group in groups], options),
    )  # fmt: skip


__all__ = ["HeldOutValidation", "MaskStudent", "split", "taught_config", "teach_masks", "values_at", "values_of"]
