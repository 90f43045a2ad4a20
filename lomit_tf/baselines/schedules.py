"""Learning rates as functions of the step, so that a resumed run keeps them."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """The rate until `start` steps, then linear to 0 at `end`: r * min(1, max(0, (end - t) / (end - start)))."""

    def __init__(self, rate: float, start: int, end: int) -> None:
        self.rate, self.start, self.end = rate, start, max(end, start + 1)

    def __call__(self, step: Any) -> Any:
        """Rate at an optimizer step."""
        left = (self.end - ops.cast(step, "float32")) / (self.end - self.start)
        return self.rate * ops.clip(left, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments."""
        return {"rate": self.rate, "start": self.start, "end": self.end}
