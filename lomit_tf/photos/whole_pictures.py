"""`lomit-translate` for methods other than LOMIT: pictures at the model's own size, painted anew as a whole.

There are no masks within which a change could be brought to a photograph's own size, so the picture is framed as in
training, the centred square at the model's size, and written at that size.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from lomit_tf.data.preprocess import from_model_range, square, to_model_range
from lomit_tf.imaging.formats import ImageError
from lomit_tf.imaging.photo import read
from lomit_tf.photos.batch_jobs import Tally, failure
from lomit_tf.photos.file_plan import OF_MASKS, STREAM, SWATCH, FileJob, Settings
from lomit_tf.photos.swatches import chosen_groups
from lomit_tf.runtime.atomic import replacing


class WholePictures:
    """Translates files with a model of another method.

    Raises ImageError for groups that the model has not, and for what needs masks.
    """

    def __init__(self, model: Any, settings: Settings) -> None:
        data = model.config.data
        self.model, self.size, self.crop = model, data.image_size, data.crop
        self.title = model.facts.title
        usual = Settings()
        for name in OF_MASKS:
            given = getattr(settings, name)
            if given != getattr(usual, name):
                raise ImageError(f"--{name}={given} needs a model of --method=lomit; this is {self.title}")
        transfer = np.asarray(chosen_groups(model.group_names, settings.groups), np.float32)[None]
        self._translate = tf.function(
            lambda x, e: from_model_range(model.translate(x, e, transfer=tf.constant(transfer))["image"]),
            autograph=False,
        )

    @property
    def note(self) -> str:
        """What whoever looks at the results must know."""
        changes = "paints the whole picture anew" if self.model.facts.changes_whole_picture else "changes the picture"
        return f"{self.title} {changes}: written as {self.size} x {self.size} pixels, the model's size"

    def pixels(self, path: str) -> tf.Tensor:
        """A picture as the model takes it, (1, S, S, 3) in [-1, 1]. Raises CorruptImageError and ImageError."""
        rgb = np.asarray(read(path).rgb)
        if rgb.dtype != np.uint8:
            raise ImageError(f"{path}: 16 bits a channel; a model of --method={self.model.config.model.method} takes 8")
        return to_model_range(square(tf.constant(rgb), self.crop, self.size))[None]

    def translate(self, job: FileJob) -> FileJob:
        """One file; never raises for what is wrong with files."""
        if os.path.exists(job.output) and not job.settings.overwrite:
            return job.skipped()
        try:
            colour, masked = job.exemplar.startswith(SWATCH), job.input_mask or job.exemplar_mask
            if STREAM in (job.input, job.output) or colour or masked:
                raise ImageError(f"{self.title} takes and gives files, and no colours or masks")
            image = self._translate(self.pixels(job.input), self.pixels(job.exemplar))[0].numpy()
            path = Path(job.output)
            path.parent.mkdir(parents=True, exist_ok=True)
            kind = Image.registered_extensions().get(path.suffix.lower(), "PNG")
            with replacing(path) as file:
                Image.fromarray(image).save(file, format=kind)
        except Exception as error:
            return failure(job, error)
        return job.written((self.note,))

    def run(self, jobs: Sequence[FileJob], report: Callable[[FileJob], None]) -> Tally:
        """All of them, each reported as it is done."""
        tally = Tally()
        for job in jobs:
            done = self.translate(job)
            tally.add(done)
            report(done)
        return tally
