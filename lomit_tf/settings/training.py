"""The settings of the optimisation and of the loop."""

from __future__ import annotations

import dataclasses

from lomit_tf.settings.options import ConfigError, ConfigSection, option

AUTO = "auto"  # --precision: decided where a run begins


@dataclasses.dataclass(frozen=True)
class TrainingConfig(ConfigSection):
    """The optimisation, the loop, and what it writes."""

    steps: int = option(40_000, "generator steps in all")
    schedule_steps: int = option(0, "generator steps that schedules and the rate's decay are fractions of (0: --steps); a run keeps those that it began with, whatever its --steps are later")
    batch_size: int = option(8, "pairs in one sub-batch, over all replicas")
    n_critic: int = option(5, "critic updates for each generator update")
    learning_rate: float = option(1e-4, "Adam's rate, for both sides")
    decay_start: float = option(0.5, "fraction of the run after which the rate is halved (1: never)")
    decay_every: float = option(0.05, "fraction of the run from one halving to the next")
    init_from: str = option("", "start from other weights: shipped weights by name, or a run's workdir; what has another shape starts anew")
    freeze_masks: bool = option(False, "keep the content encoder and the mask decoder as --init_from has them, and train the painters alone")
    ema_decay: float = option(0.999, "decay of the moving average of the generator side (0: none)")
    precision: str = option("float32", "of the generator side; critic and penalty stay float32; auto: whichever is faster here, measured where a run begins", ("float32", "mixed_bfloat16", AUTO))
    jit: str = option("off", "XLA: on, off, or auto (Keras decides)", ("on", "off", "auto"))
    strategy: str = option("one_device", "one_device, mirrored (all local GPUs), or multi_worker (TF_CONFIG)", ("one_device", "mirrored", "multi_worker"))
    seed: int = option(0, "of weights, pairs and every random draw")
    deterministic: bool = option(False, "bit-identical runs for the same seed (slower: each operation on one thread)")
    checkpoint_every: int = option(500, "generator steps between checkpoints")
    keep_checkpoints: int = option(3, "how many checkpoints to keep")
    log_every: int = option(50, "generator steps between TensorBoard scalars and log lines")
    sample_every: int = option(250, "generator steps between sample grids (0: only the last)")
    mask_patience: int = option(500, "stop when masks have been dead for this many generator steps (0: never)")

    def check(self) -> None:
        """Cross-field rules of the training."""
        self.positive("steps", "batch_size", "n_critic", "learning_rate", "checkpoint_every", "keep_checkpoints", "log_every", "decay_every")
        self.at_most_one("decay_start", "decay_every")
        if self.ema_decay >= 1:
            raise ConfigError(f"--ema_decay must be below 1; received {self.ema_decay}")
        if not self.schedule_steps:  # filled in here, so that what is saved with a run says it
            object.__setattr__(self, "schedule_steps", self.steps)

    @property
    def dtype_policy(self) -> str:
        """Keras' name of the precision. Raises ConfigError for auto, which names none."""
        if self.precision == AUTO:
            raise ConfigError(
                f"--precision={AUTO} is decided where a training begins; for a model of its own, name float32 or "
                "mixed_bfloat16"
            )
        return self.precision

    @property
    def decay(self) -> tuple[int, int]:
        """Generator step from which on the rate is halved, 0 for never, and the steps from one halving to the next."""
        if self.decay_start == 1:
            return 0, 1
        span = self.schedule_steps
        return max(1, round(self.decay_start * span)), max(1, round(self.decay_every * span))
