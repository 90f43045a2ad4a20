"""A student learns from a trained model: the teacher's masks, translations and style codes, at the student's own size.

The teacher sees the student's images made smaller. The loop, checkpoints, samples and resume are those of
`lomit_tf.training.loop`; the student is a Lomit whose training step asks the teacher and not a critic.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from keras import ops

from lomit_tf import core, objectives
from lomit_tf.config import LomitConfig
from lomit_tf.losses import distillation, reconstruction
from lomit_tf.model import Batch, Lomit
from lomit_tf.networks.blocks import area_pool
from lomit_tf.networks.generator import Generator
from lomit_tf.networks.hadain import widen
from lomit_tf.objectives import Pairs
from lomit_tf.training import loop as training
from lomit_tf.training import students
from lomit_tf.training.checkpoints import Workdir
from lomit_tf.training.distill_config import DistillConfig, check_teacher

TEACHER_FILE = "teacher.json"


@dataclasses.dataclass(frozen=True)
class Lesson:
    """What a teacher says about pairs, at the student's size S. R = G + 1 regions."""

    masks: Any  # (B, S, S, R)
    painted: Any  # (B, S, S, 3): G's picture of the translation
    weight: Any  # (B, S, S, 1) in 0..1: what a pixel of it counts
    styles: Any  # (B, R, style_size)


class Teacher:
    """A trained model that answers at another size than its own.

    Raises ConfigError as `check_teacher`.
    """

    def __init__(self, model: Lomit, size: int, outside: float = 0.2) -> None:
        check_teacher(model.config, size)
        self.model, self.size, self.small, self.outside = model, size, model.config.data.image_size, outside

    def lesson(self, pairs: Pairs) -> Lesson:
        """The teacher's masks, translation and styles of pairs (B, S, S, 3); no gradient passes."""
        g, config = self.model.inference_generator, self.model.config
        small = area_pool(pairs.images, self.small)
        taught = core.exchange(g, small, objectives.swap, pairs.transfer)
        e = taught.encoding
        painted = distillation.with_change(pairs.images, small, painted_picture(taught.painting))
        weight = ops.ones_like(pairs.images[..., :1])
        if g.composite:  # which shows nothing of what was painted elsewhere
            near = 1 - distillation.enlarged(widen(e.masks, config.model.style_margin), self.size)[..., -1:]
            weight = self.outside + (1 - self.outside) * near
        parts = (distillation.enlarged(e.masks, self.size), painted, weight, e.styles)
        return Lesson(*(ops.stop_gradient(part) for part in parts))


def painted_picture(painting: core.Painting) -> Any:
    """What a student learns to paint: G's own picture, or the composite in models that have no G."""
    return painting.image if painting.raw is None else painting.raw


def terms(generator: Generator, pairs: Pairs, lesson: Lesson) -> dict[str, Any]:
    """All unweighted terms by name. The student paints within the teacher's masks, as a person's edited masks.

    mask: cross-entropy with the teacher's masks; translation: L1 to what the teacher painted; region: the same within
    each group's region, small and large alike; reconstruction: L1 of the images in their own styles (with free groups);
    style: L1 to the teacher's style codes.
    """
    made = core.exchange(
        generator, pairs.images, objectives.swap, pairs.transfer, reconstruct=True, regions=lesson.masks
    )
    masks, styles = made.encoding.masks, made.encoding.styles
    painted, own = painted_picture(made.painting), made.painting.reconstruction
    own = pairs.images if own is None else own
    return {
        "mask": distillation.cross_entropy(masks, lesson.masks),
        "translation": reconstruction.masked_l1(painted, lesson.painted, lesson.weight),
        "region": distillation.regional_l1(painted, lesson.painted, lesson.masks[..., :-1]),
        "reconstruction": reconstruction.masked_l1(own, pairs.images, lesson.weight),
        "style": reconstruction.l1(styles, lesson.styles),
        "mask_error": ops.stop_gradient(reconstruction.l1(masks, lesson.masks)),
    }


class Student(students.StudentModel):
    """Its training step follows a teacher. The critic is left as it is.

    Args:
        config: the student's own.
        teacher: whom to ask.
        weights: of the terms, by name.
        warm_start: take over the teacher's weights wherever the shapes are the same.
    """

    betas = (0.9, 0.99)

    def __init__(self, config: LomitConfig, teacher: Teacher, weights: dict[str, float], warm_start: bool) -> None:
        super().__init__(config, teacher.model if warm_start else None)
        self.teacher, self.term_weights = teacher, weights

    def train_step(self, data: Batch) -> Batch:
        """One update of the generator side, on the last sub-batch; every term of it."""
        data = self._with_draws(data)
        pairs = self._pairs(data, data["x1"].shape[1] - 1)
        said = self.teacher.lesson(pairs)

        def ask() -> tuple[Any, Batch, Batch]:
            found = terms(self.generator, pairs, said)
            total = sum(weight * found[name] for name, weight in self.term_weights.items())
            masks = {name: said.masks[..., g] for g, name in enumerate(self.group_names)}
            return total, found | {"total": total}, masks

        return self.learn(self.generator.trainable_variables, ask)


def distill(
    teacher: Lomit, config: LomitConfig, workdir: str | os.PathLike[str], options: DistillConfig,
    *, resume: str = "auto", name: str = "",
) -> training.TrainingResult:  # fmt: skip
    """Train a student, going on from the workdir's last checkpoint.

    Args:
        teacher: a trained model.
        config: what `student_config` gives.
        workdir: as of `training.train`; it also gets teacher.json.
        options: weights of the terms.
        resume: auto, never or must.
        name: what the teacher is called, for the record.

    Raises:
        ConfigError: before any work, also for a workdir whose student had another teacher or other weights.
        DataError, TrainingError, CorruptDataError: as `training.train`.
    """
    guide = Teacher(teacher, config.data.image_size, options.outside)
    work = Workdir(workdir)
    work.check(config, resume)
    record = {"weights": students.fingerprint(teacher), **dataclasses.asdict(options)}
    said = "the student there had another teacher or other weights"
    students.record_teacher(work, TEACHER_FILE, record, said, teacher=name)
    weights = options.weights()
    return training.train(
        config, workdir, resume=resume, make_model=lambda c: Student(c, guide, weights, options.warm_start)
    )
