"""The settings with which masks are refined and taught (docs/method.md, 9.2).

Nothing here imports TensorFlow, so that the commands can refuse bad flags at once.
"""

from __future__ import annotations

import dataclasses
import itertools
import math

from lomit_tf.settings.options import ConfigError, option

# Settings of the loop that are not the model's own; flags win over them. There is no critic to train.
LOOP = {
    "n_critic": 1, "batch_size": 16, "learning_rate": 2e-4, "steps": 1200, "schedule_steps": 0, "decay_start": 1.0,
    "decay_every": 0.05, "ema_decay": 0.99, "sample_every": 0, "checkpoint_every": 100, "precision": "float32",
    "init_from": "", "freeze_masks": False,
}  # fmt: skip


BY = ("cut", "regions", "labels", "photographs")
PLACE_VALUES = ("L", "a", "b", "contrast")  # what labels are looked for in: CIELAB and the lightness' local contrast


def between(name: str, value: float, low: float, high: float) -> None:
    """Raise ConfigError, naming the flag, for a value that does not lie between two others."""
    if not (math.isfinite(value) and low <= value <= high):
        raise ConfigError(f"--{name} lies between {low:g} and {high:g}; received {value!r}")


@dataclasses.dataclass(frozen=True)
class RefineConfig:
    """How masks are refined and which refinements are used (docs/method.md, 9.2 to 9.4)."""

    group: str = option("", "whose masks to refine (empty: the model's first group)")
    by: str = option(
        "cut",
        "what refines: cut, GrabCut of the region against the rest (Rother et al. 2004); or regions, for hair on faces "
        "in CelebA's framing: hair, skin, background and clothes compete for each pixel, where layouts learned from "
        "the images themselves expect them; or labels, for images that are framed alike: the place where the group's "
        "labels show, one for all images, to begin with a group whose masks have not learned anything; or photographs, "
        "as regions, in the way in which hair competes in photographs, with the layouts that come with the package",
        BY,
    )
    layouts: int = option(24, "with --by=regions: how many layouts of faces to learn")
    layout_images: int = option(
        1500, "with --by=regions and labels: images to learn layouts or the place of the labels from, at most"
    )
    controls: tuple[str, ...] = option(
        (), "with --by=labels: labels, beside the model's own, whose traces are not taken for those of the group's"
    )
    place_share: float = option(0.15, "with --by=labels: share of the image that is the group's place")
    place_edge: float = option(
        0.04, "with --by=labels: the place ends softly, between so much less and so much more than its share"
    )
    place_values: tuple[str, ...] = option(
        PLACE_VALUES,
        "with --by=labels: what the labels are looked for in, of CIELAB's L, a (green to red) and b (blue to yellow) "
        "and the lightness' local contrast; a for lipstick",
    )
    place_competes: float = option(
        0.0,
        "with --by=labels: in each image, colours of the place compete with those around it for each pixel, the place "
        "being expected with this probability in its middle (0: one place for all images); 0.4 for lips. Where "
        "one label is looked for in one of L, a and b, what does not differ from the surroundings in its direction is "
        "left out",
    )
    place_far: float = option(
        1.0,
        "with --place_competes: share of the pixels far from the place of which is taught that there is nothing; 0.05 "
        "for a small region, whose pixels they outnumber, and 1 in a second teaching",
    )
    refine_size: int = option(
        128, "height and width in pixels at which images are refined; a multiple of the model's size"
    )
    sure_foreground: float = option(0.8, "with --by=cut: a mask above this is surely the region")
    sure_background: float = option(0.08, "with --by=cut: a mask below this is surely not the region")
    probable: float = option(0.4, "with --by=cut: a mask above this is probably the region, below it probably not")
    face: str = option(
        "0.50,0.58,0.15,0.17",
        "with --by=cut, regions and photographs: an ellipse that is surely not the region: centre and radii, x before "
        "y, as shares of the side; for hair in CelebA's framing (empty: none)",
    )
    iterations: int = option(1, "with --by=cut: rounds of GrabCut; more gain little (docs/lab_book.md)")
    refuse: tuple[str, ...] = option(("Bald", "Wearing_Hat"), "labels with which an image is not used (empty: none)")
    absent: tuple[str, ...] = option((), "labels that say that there is no region: the target is empty")
    bare: tuple[str, ...] = option(
        (), "labels that say that there is no region at the top of the image, such as Wearing_Hat and Bald for hair: "
        "that alone is taught of these images, with --certain above 0.53",
    )  # fmt: skip
    bare_above: float = option(0.3, "with --bare: the top ends here, a share of the image's height")
    area_min: float = option(0.5, "use a refinement that is at least so many times as large as the mask")
    area_max: float = option(2.0, "use a refinement that is at most so many times as large as the mask")
    piece: int = option(256, "images in a piece; an interrupted run goes on with the first piece that is missing")

    def __post_init__(self) -> None:
        for name in ("sure_foreground", "sure_background", "probable"):
            between(name, getattr(self, name), 0, 1)
        between("place_share", self.place_share, 0.005, 0.9)
        between("place_edge", self.place_edge, 0, self.place_share)
        between("place_competes", self.place_competes, 0, 0.99)
        between("place_far", self.place_far, 0, 1)
        unknown = [value for value in self.place_values if value not in PLACE_VALUES]
        if unknown or not self.place_values or len(set(self.place_values)) < len(self.place_values):
            raise ConfigError(
                f"--place_values are among {', '.join(PLACE_VALUES)}, each once; "
                f"received {', '.join(self.place_values)!r}"
            )
        if self.by not in BY:
            raise ConfigError(f"--by must be {', '.join(BY[:-1])} or {BY[-1]}; received {self.by!r}")
        self._check_places()
        if not self.sure_background < self.probable < self.sure_foreground:
            raise ConfigError(
                f"--sure_background < --probable < --sure_foreground is needed; received {self.sure_background}, "
                f"{self.probable} and {self.sure_foreground}"
            )
        if not 0 <= self.area_min < self.area_max:
            raise ConfigError(f"0 <= --area_min < --area_max is needed; received {self.area_min} and {self.area_max}")
        for name in ("refine_size", "iterations", "piece", "layouts", "layout_images"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name} must be at least 1; received {getattr(self, name)}")
        between("bare_above", self.bare_above, 0, 1)
        for one, other in itertools.combinations(("refuse", "absent", "bare"), 2):
            both = [label for label in getattr(self, one) if label in getattr(self, other)]
            if both:
                raise ConfigError(f"{both[0]} is among --{one} and --{other}; name it in one of them")
        self.ellipse()

    def _check_places(self) -> None:
        """Raise ConfigError for flags of --by=labels that would have no effect."""
        if self.by != "labels":
            for field in dataclasses.fields(self):
                ours = field.name == "controls" or field.name.startswith("place_")
                if ours and getattr(self, field.name) != field.default:
                    raise ConfigError(f"--{field.name} needs --by=labels; received --by={self.by}")
        elif self.place_far != 1 and not self.place_competes:
            raise ConfigError(f"--place_far={self.place_far} needs --place_competes, whose far pixels it is about")

    def ellipse(self) -> tuple[float, float, float, float] | None:
        """Centre x and y, radii x and y of the ellipse, as shares of the side; None without one."""
        if not self.face.strip():
            return None
        try:
            x, y, width, height = (float(part) for part in self.face.split(","))
        except ValueError:
            raise ConfigError(f"--face is four numbers, like 0.50,0.58,0.15,0.17; received {self.face!r}") from None
        if not all(0 <= value <= 1 for value in (x, y, width, height)) or not width or not height:
            raise ConfigError(
                "--face is a centre within 0..1 and radii above 0 and up to 1, shares of the side (--face= for none); "
                f"received {self.face!r}"
            )
        return x, y, width, height


@dataclasses.dataclass(frozen=True)
class TeachConfig:
    """How masks are taught from refined ones: eqs. (9.9) to (9.13)."""

    teach: str = option(
        "both", "what learns: both, the content encoder and the mask decoder; or the decoder alone", ("both", "decoder")
    )
    certain: float = option(
        0.75,
        "ask where the refined mask lies above this or below 1 minus this: 0.5 believes the refinement, 0.75 only what "
        "is sure; of --by=cut, where mask and cut agree",
    )
    keep_weight: float = option(1.0, "how much the other groups' masks keep to what they were; for several groups")
    turn: float = option(10.0, "degrees by which images are turned, at most")
    scale: float = option(0.15, "share by which images are enlarged or made smaller, at most")
    shift: float = option(0.06, "share of the side by which images are moved, at most")
    jitter: float = option(
        0.25, "strength of the changes of brightness, contrast, saturation and colour balance (0: none)"
    )
    held_out: float = option(
        0.1, "share of the refined images that are not trained on, to stop by; at most 512 of them"
    )
    validate_every: int = option(50, "steps between two looks at them")
    patience: int = option(8, "stop after so many looks without a better one (0: never)")

    def __post_init__(self) -> None:
        between("certain", self.certain, 0.5, 1)
        for name, high in (("turn", 180), ("scale", 0.9), ("shift", 0.5), ("jitter", 1), ("held_out", 0.9)):
            between(name, getattr(self, name), 0, high)
        if self.teach not in ("both", "decoder"):
            raise ConfigError(f"--teach must be both or decoder; received {self.teach!r}")
        between("keep_weight", self.keep_weight, 0, math.inf)
        if self.validate_every < 1:
            raise ConfigError(f"--validate_every must be at least 1; received {self.validate_every}")
        if self.patience < 0:
            raise ConfigError(f"--patience cannot be negative; received {self.patience}")
