"""A model's masks taught from refined ones (docs/method.md, 9.2): only the content encoder and the mask decoder learn.

The loop, checkpoints, log and resume are those of `lomit_tf.training.loop`; the averaged weights that a run leaves
behind are those of its best look at images that it did not train on, by their refined masks. True masks are never read.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from lomit_tf import core
from lomit_tf.config import ConfigError, LomitConfig, loss_defaults
from lomit_tf.data.image_set import ImageSet
from lomit_tf.data.mask_batches import Augmentation, MaskLoader, mask_batches, three_way
from lomit_tf.data.pairs import PairPipeline
from lomit_tf.data.preprocess import to_model_range
from lomit_tf.data.sources import open_set
from lomit_tf.data.store import ImageStore
from lomit_tf.imaging.paste_back import upsample_masks
from lomit_tf.losses.mask_teaching import others_kept, three_way_cross_entropy, three_way_iou
from lomit_tf.model import Batch, Lomit
from lomit_tf.runtime.atomic import write_bytes, write_text
from lomit_tf.settings.mask_teacher import LOOP, RefineConfig, TeachConfig
from lomit_tf.training import loop as training
from lomit_tf.training import students
from lomit_tf.training.checkpoints import Workdir
from lomit_tf.training.mask_refinement import MaskTargets, key_of, refined_data
from lomit_tf.training.warm_start import take_over

TEACHER_FILE, BEST_FILE = "mask_teacher.json", "best_masks"
MOST_HELD_OUT = 512
RAW = 0.0  # contrast of the masks that learn: through a sharpened mask no gradient passes where it is 0 or 1


class MaskStudent(students.StudentModel):
    """Its masks learn from refined masks of one group.

    Args:
        config: the model's own, of any image size: its networks are convolutions.
        start: whose averaged generator side it starts from, and whose critic it keeps.
        group: channel of the masks that learns.
        options: which parts learn, and how much the other groups are kept.
    """

    betas = (0.9, 0.999)

    def __init__(self, config: LomitConfig, start: Lomit, group: int, options: TeachConfig) -> None:
        super().__init__(config, start)
        self.group, self.options = group, options

    def _take_over(self, start: Lomit) -> None:
        super()._take_over(start)
        if start.has_critic:
            take_over(self.critic, start.critic)

    def learners(self) -> list[keras.Variable]:
        """The variables that learn."""
        g = self.generator
        encoder = g.content_encoder.trainable_variables if self.options.teach == "both" else []
        return [*encoder, *g.mask_decoder.trainable_variables]

    def train_step(self, data: Batch) -> Batch:
        """One update of {"x": (B, S, S, 3), "target", "asked": (B, S, S)}; the loss and the state of the mask.

        The loss is eq. (9.11), and with several groups also eq. (9.12).
        """

        def ask() -> tuple[Any, Batch, Batch]:
            masks = core.masks(self.generator, data["x"], RAW)
            mask = masks[..., self.group]
            loss = three_way_cross_entropy(mask, data["target"], data["asked"])
            kept = self._others(masks, data["x"])
            total = loss + self.options.keep_weight * kept
            return total, {"three_way": loss, "others": kept}, {self.group_names[self.group]: mask}

        return self.learn(self.learners(), ask)

    def _others(self, masks: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """Eq. (9.12) against the masks of `start`; 0 where there are no other groups, or they do not count."""
        if len(self.group_names) == 1 or not self.options.keep_weight:
            return tf.zeros(())
        assert self.start is not None
        return others_kept(masks, core.masks(self.start.inference_generator, x, RAW), self.group)


class HeldOutValidation(keras.callbacks.Callback):
    """Looks at held-out images, keeps the averaged weights of the best look, stops after `patience` worse ones.

    At the run's end they become the average, which is what `lomit_tf.load` gives.

    Args:
        images: (n, S, S, 3) uint8.
        values: (n, S, S) uint8, their means of mask and refinement, as of `values_at`.
        folder: of the run; the best look is kept there, for a resume.
        options, steps: of the teaching and the run.
    """

    def __init__(self, images: np.ndarray, values: np.ndarray, folder: Path, options: TeachConfig, steps: int) -> None:
        super().__init__()
        self.images, self.values, self.folder, self.options = images, values, folder, options
        self.every, self.patience = options.validate_every, options.patience
        self.steps = steps
        self.looks: list[dict[str, float]] = []
        self.best: list[np.ndarray] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Take up the looks of an interrupted run, or look at the model as it starts."""
        place = self.folder / f"{BEST_FILE}.json"
        done = int(self.model.generator_optimizer.iterations.numpy())
        looks = json.loads(place.read_text())["looks"] if place.exists() and done else []
        if looks and looks[-1]["step"] <= done:
            self.looks = looks
            with np.load(self.folder / f"{BEST_FILE}.npz") as file:
                self.best = [file[f"{i:03d}"] for i in range(len(file.files))]
        else:  # the best may be of steps that the last checkpoint does not have
            self.look(done)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Look when it is time; the best weights become the average before the last checkpoint is saved."""
        done = batch + 1
        if done % self.every == 0 or done == self.steps:
            self.look(done)
        best = max(range(len(self.looks)), key=lambda i: self.looks[i]["iou"])
        tired = bool(self.patience) and len(self.looks) - 1 - best >= self.patience
        if tired:
            kept = self.looks[best]["step"]
            logging.info("step %d: no better look for %d looks: the masks of step %d stay", done, self.patience, kept)
            self.model.stop_training = True
        if (tired or done == self.steps) and self.best is not None:
            for average, value in zip(self.model.inference_generator.variables, self.best, strict=True):
                average.assign(value)

    def look(self, done: int) -> dict[str, float]:
        """The averaged weights' cross-entropy (eq. (9.11)), and their IoU with the refinement alone (eq. (9.13))."""
        sums = np.zeros(2)
        for start in range(0, len(self.images), 32):
            x = to_model_range(self.images[start : start + 32])
            target, asked = three_way(self.values[start : start + 32] / np.float32(255), self.options.certain)
            mask = self._masks(x)
            cost = float(three_way_cross_entropy(mask, target, asked))
            iou = float(np.mean(three_way_iou(mask, target, np.ones_like(asked))))
            sums += len(target) * np.array([cost, iou])
        cost, iou = (sums / len(self.images)).tolist()
        look = {"step": done, "three_way": cost, "iou": iou}
        if not self.looks or look["iou"] > max(known["iou"] for known in self.looks):
            self.best = [np.asarray(v).copy() for v in self.model.inference_generator.variables]
            buffer = io.BytesIO()
            np.savez(buffer, **{f"{i:03d}": v for i, v in enumerate(self.best)})  # type: ignore[arg-type]
            self.folder.mkdir(parents=True, exist_ok=True)
            write_bytes(self.folder / f"{BEST_FILE}.npz", buffer.getvalue())
        self.looks.append(look)
        write_text(self.folder / f"{BEST_FILE}.json", json.dumps({"looks": self.looks}, indent=1) + "\n")
        logging.info("step %d, held-out images: cross-entropy %.4f, IoU with refined masks %.4f", done, cost, iou)
        return look

    def _masks(self, x: Any) -> Any:
        if not hasattr(self, "_compiled"):
            g, group = self.model.inference_generator, self.model.group
            self._compiled = tf.function(
                lambda x: core.masks(g, x, RAW)[..., group], autograph=False, reduce_retracing=True
            )
        return self._compiled(x)


def values_at(targets: MaskTargets, rows: np.ndarray, size: int) -> np.ndarray:
    """The means of rows (n,) of a file at a model's size, averaged over areas: (n, size, size) uint8, 255 for 1."""
    found = np.empty((len(rows), size, size), np.uint8)
    for i, row in enumerate(rows):
        mean = upsample_masks(targets.means(np.array([row]))[0][..., None], (size, size))[..., 0]
        found[i] = np.round(255 * mean)
    return found


def split(count: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Places of the images to train on and to stop by, drawn once and for all."""
    order = np.random.default_rng(1).permutation(count)
    held = min(MOST_HELD_OUT, round(share * count))
    return np.sort(order[held:]), np.sort(order[:held])


def taught_config(model: LomitConfig, **fields: Any) -> LomitConfig:
    """The model's configuration without its losses, with this stage's settings of the loop, then `fields`."""
    return LomitConfig.from_flat(model.flat() | loss_defaults() | LOOP | fields)


def teach_masks(
    model: Lomit, targets: MaskTargets, config: LomitConfig, workdir: str | os.PathLike[str], options: TeachConfig,
    *, resume: str = "auto", name: str = "",
) -> training.TrainingResult:  # fmt: skip
    """Teach a model's masks, going on from the workdir's last checkpoint.

    Args:
        model: what to start from.
        targets: of `refine_masks`, of any model with the group.
        config: what `taught_config` gives.
        workdir: as of `training.train`; it also gets mask_teacher.json and the best look.
        options: of the teaching.
        resume: auto, never or must.
        name: what the model is called, for the record.

    Raises:
        ConfigError: before any work, also for a workdir taught from other masks, and for masks of other images.
        DataError, TrainingError, CorruptDataError: as `training.train`.
    """
    group = targets.record["group"]
    if group not in model.group_names:
        raise ConfigError(f"the refined masks are of group {group!r}; the model has {', '.join(model.group_names)}")
    work = Workdir(workdir)
    work.check(config, resume)
    record = {"start": students.fingerprint(model), "masks": targets.record, **dataclasses.asdict(options)}
    students.record_teacher(work, TEACHER_FILE, record, "the masks there were taught otherwise", model=name)
    wide = refined_data(config.data, RefineConfig(group=group, refuse=(), absent=()))
    wide = dataclasses.replace(wide, image_size=config.data.image_size, train_images=0)
    images = open_set(wide, "train")
    rows, known = targets.row_of(), [key_of(key, config.data.data_dir) for key in images.keys]
    indices = np.array([i for i, key in enumerate(known) if key in rows], np.int64)
    if len(indices) < 2 * config.training.batch_size:
        raise ConfigError(
            f"{len(indices)} of {len(rows)} refined masks are of images in --data_dir={config.data.data_dir}; a batch "
            f"takes {config.training.batch_size}. Were they made of other data?"
        )
    values = values_at(targets, np.array([rows[known[i]] for i in indices]), config.data.image_size)
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
        place = {int(i): n for n, i in enumerate(indices)}
        chosen = np.array([place[int(i)] for i in actual])
        callbacks.append(HeldOutValidation(seen, values[chosen], work.path, options, config.training.steps))
    return training.train(
        config, workdir, resume=resume, callbacks=callbacks, make_pipeline=batches,
        make_model=lambda c: MaskStudent(c, model, model.group_names.index(group), options),
    )  # fmt: skip


__all__ = ["HeldOutValidation", "MaskStudent", "split", "taught_config", "teach_masks", "values_at"]
