"""Looks at images that a mask student did not train on, by which the best of its weights are kept."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from lomit_tf import core
from lomit_tf.data.mask_batches import three_way
from lomit_tf.data.preprocess import to_model_range
from lomit_tf.losses.mask_teaching import three_way_cross_entropy, three_way_iou
from lomit_tf.runtime.atomic import write_bytes, write_text
from lomit_tf.settings.mask_teacher import TeachConfig

BEST_FILE = "best_masks"
RAW = 0.0  # contrast of the masks that learn: through a sharpened mask no gradient passes where it is 0 or 1


class HeldOutValidation(keras.callbacks.Callback):
    """Looks at held-out images, keeps the averaged weights of the best look, stops after `patience` worse ones.

    At the run's end they become the average, which is what `lomit_tf.load` gives.

    Args:
        images: (n, S, S, 3) uint8.
        values: (n, S, S, T) uint8, their refined masks, as of `mask_teaching.values_of`.
        there: (n, T) bool, which of these there are.
        folder: of the run; the best look is kept there, for a resume.
        options, steps: of the teaching and the run.
    """

    def __init__(
        self, images: np.ndarray, values: np.ndarray, there: np.ndarray, folder: Path, options: TeachConfig, steps: int
    ) -> None:
        super().__init__()
        self.images, self.values, self.there, self.folder, self.options = images, values, there, folder, options
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
        """The averaged weights' cross-entropy (eq. (9.11)), and their IoU with the refinement alone (eq. (9.13)).

        Means over the groups that learn, each over the images that have its refinement.
        """
        sums = np.zeros((2, self.there.shape[1]))
        for start in range(0, len(self.images), 32):
            part = slice(start, start + 32)
            target, asked = three_way(self.values[part] / np.float32(255), self.options.certain)
            masks = self._masks(to_model_range(self.images[part]))
            for t, group in enumerate(self.model.groups):
                there = self.there[part, t]
                mask, wanted = np.asarray(masks)[there][..., group], target[there][..., t]
                if there.any():
                    cost = float(three_way_cross_entropy(mask, wanted, asked[there][..., t]))
                    iou = float(np.mean(three_way_iou(mask, wanted, np.ones_like(mask))))
                    sums[:, t] += there.sum() * np.array([cost, iou])
        costs, ious = sums / np.maximum(self.there.sum(axis=0), 1)
        cost, iou = float(costs.mean()), float(ious.mean())
        look: dict[str, float] = {"step": done, "three_way": cost, "iou": iou}
        if len(ious) > 1:
            names = [self.model.group_names[group] for group in self.model.groups]
            look |= {f"iou/{name}": float(value) for name, value in zip(names, ious, strict=True)}
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
            g = self.model.inference_generator
            self._compiled = tf.function(lambda x: core.masks(g, x, RAW), autograph=False, reduce_retracing=True)
        return self._compiled(x)
