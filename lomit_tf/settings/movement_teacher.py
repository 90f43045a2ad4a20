"""The settings with which movements are found and taught (docs/method.md, 9.5).

Nothing here imports TensorFlow, so that the commands can refuse bad flags at once.
"""

from __future__ import annotations

import dataclasses
import math

from lomit_tf.settings.mask_teacher import LOOP as MASK_LOOP
from lomit_tf.settings.mask_teacher import between
from lomit_tf.settings.options import ConfigError, option

# Settings of the loop that are not the model's own; flags win over them. There is no critic to train.
LOOP = MASK_LOOP | {
    "learning_rate": 4e-4, "steps": 2400, "decay_start": 0.4, "decay_every": 0.1, "ema_decay": 0.995,
    "mask_patience": 0,  # masks do not learn here
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class FindConfig:
    """How movements between faces are found: eqs. (9.30) to (9.35)."""

    label: str = option("", "the label, of those of the model (empty: its only one)")
    place: str = option(
        "mouth", "what changes with it: mouth, which moves; or beard, of which only colours change", ("mouth", "beard")
    )
    pairs: int = option(9000, "pairs of a face and an exemplar whose movements are found")
    kinds: tuple[str, ...] = option(
        ("Male", "No_Beard", "Wearing_Lipstick"),
        "labels by which faces are parted: only those that agree in them are taken together",
    )
    never_given: tuple[str, ...] = option(
        ("Mouth_Slightly_Open",),
        "labels that a result may not gain: faces with them are taken together only for a face that has one, and the "
        "wanted label, already. A mouth is closed and not opened, since the picture may have no teeth to show",
    )
    neighbours: int = option(60, "faces in a mean")
    own_weight: float = option(
        0.5, "how much the face's own mouth counts beside what is above it, among faces with its own label"
    )
    wanted_weight: float = option(
        0.3,
        "how much the exemplar's mouth counts beside the face above the own one, among faces with its label",
    )
    same: float = option(0.2, "share of the pairs whose exemplar has the face's own label")
    seed: int = option(0, "of the pairs", least=0)
    piece: int = option(500, "pairs between two pieces that are kept, from which an interrupted run goes on")

    def __post_init__(self) -> None:
        if self.place not in ("mouth", "beard"):
            raise ConfigError(f"--place must be mouth or beard; received {self.place!r}")
        for name in ("pairs", "neighbours", "piece"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name} must be at least 1; received {getattr(self, name)}")
        for name in ("own_weight", "wanted_weight"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"--{name} must be at least 0; received {getattr(self, name)!r}")
        between("same", self.same, 0, 1)


@dataclasses.dataclass(frozen=True)
class TeachMovementsConfig:
    """How movements are taught to a painter: eqs. (9.36) and (9.37)."""

    gain: float = option(1.5, "by how much what is taught is larger than what was found: means move less than faces do")
    turn: float = option(4.0, "degrees by which images are turned, at most")
    scale: float = option(0.06, "share by which images are enlarged or made smaller, at most")
    shift: float = option(0.02, "share of the whole picture's side by which images are moved, at most")
    jitter: float = option(
        0.2, "strength of the changes of brightness, contrast, saturation and colour balance (0: none)"
    )

    def __post_init__(self) -> None:
        between("gain", self.gain, 0, 10)
        for name, high in (("turn", 180), ("scale", 0.9), ("shift", 0.5), ("jitter", 1)):
            between(name, getattr(self, name), 0, high)
