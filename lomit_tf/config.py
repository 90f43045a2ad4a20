"""The configuration of one LOMIT training run, as frozen dataclasses that check themselves.

Every field is also an absl flag (lomit_tf/commands/flags.py is generated from these fields) and a line of a flagfile in
configs/. Nothing here imports TensorFlow, absl or Keras.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any

PAPER_ATTRIBUTES = (
    "Black_Hair", "Blond_Hair", "Brown_Hair", "Smiling", "Male",
    "Mustache", "No_Beard", "Goatee", "Heavy_Makeup", "Young",
)  # fmt: skip
DRAWN_ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Smiling", "Eyeglasses", "Bangs")
DEFAULT_ATTRIBUTES = {"celeb_a": PAPER_ATTRIBUTES, "drawn_faces": DRAWN_ATTRIBUTES}
DATASETS = ("drawn_faces", "celeb_a", "labelled_folder", "two_domains", "cycle_gan/horse2zebra", "cycle_gan/apple2orange")
NEEDED: Any = dataclasses.MISSING  # the default of an option that has none
IMAGE_MULTIPLE = 64  # the paper's critic halves the image six times


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the field, the value received and what to do."""


def option(
    default: Any, help: str, choices: tuple[Any, ...] = (), *, form: str = "", least: float | None = None,
    most: float | None = None, repeated: bool = False,
) -> Any:  # fmt: skip
    """A dataclass field with what its flag needs.

    Args:
      default: the value where the flag is not given; NEEDED where it must be.
      help: what it is, without the default, which --help adds.
      choices: the allowed values.
      form: how --help writes the value, e.g. DIR.
      least, most: bounds of a number, themselves allowed; checked where the flag is read.
      repeated: the flag may be given several times, and each time adds a value to the tuple.
    """
    metadata = {"help": help, "choices": choices, "form": form, "least": least, "most": most, "repeated": repeated}
    return dataclasses.field(default=default, metadata=metadata)


def near(name: str, known: Iterable[str]) -> str:
    """A hint that lists the known names nearest to a misspelt one, or all of them where none is near."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"known are: {', '.join(known)}"


class _Checked:
    """Checks that are alike for every section: choices, and numbers that cannot be negative."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value, choices = getattr(self, field.name), field.metadata.get("choices")
            if choices and value not in choices:
                raise ConfigError(f"--{field.name} must be one of {', '.join(map(str, choices))}; received {value!r}")
            if isinstance(value, float) and not math.isfinite(value):
                raise ConfigError(f"--{field.name} must be a finite number; received {value!r}")
            if isinstance(value, (int, float)) and value < 0:
                raise ConfigError(f"--{field.name} cannot be negative; received {value!r}")
        self.check()

    def check(self) -> None:
        """Cross-field rules of the section."""

    def _positive(self, *names: str) -> None:
        for name in names:
            if getattr(self, name) <= 0:
                raise ConfigError(f"--{name} must be greater than 0; received {getattr(self, name)!r}")


@dataclasses.dataclass(frozen=True)
class DataConfig(_Checked):
    """Where the images come from and how pairs are made of them."""

    dataset: str = option("drawn_faces", "which data set to train on", DATASETS)
    data_dir: str = option("", "folder of the data set; for TFDS sets the TFDS data folder (empty: TFDS' own default)")
    labels_file: str = option("", "labelled_folder only: CSV or TSV whose header row names the labels (empty: the only one in data_dir)")
    attributes: tuple[str, ...] = option((), "comma-separated label names to learn (empty: the paper's ten of celeb_a, all seven of drawn_faces; ignored by two-domain sets)")
    labelled_only: bool = option(False, "leave out images that have none of the attributes, e.g. other hair colours")
    groups: str = option("", 'partition of the attributes into groups that can be transferred alone, e.g. "hair: Black_Hair, Blond_Hair; smile: Smiling" (empty: one group, the paper\'s system)')
    image_size: int = option(128, "height and width in pixels, a multiple of 64")
    crop: int = option(178, "centre crop in pixels before the resize (0: the largest centred square)")
    flip: bool = option(True, "mirror half of the training images left to right")
    augment: float = option(0.0, "how far training images are turned, scaled, moved, lit and compressed, as photographs that people take differ from aligned ones; from 0 to 1")
    pairing: str = option("random", "random: any two images; differing: the two labels differ", ("random", "differing"))
    match: tuple[str, ...] = option((), "pairing=differing only: comma-separated other labels in which the images of a pair must agree, so that what correlates with the attributes (sex, age) does not differ between them")
    train_images: int = option(0, "use at most this many training images (0: all; drawn faces: 10000)")
    cache: bool = option(True, "keep decoded images in memory when they take at most 4 GiB")
    max_corrupt: float = option(0.01, "share of unreadable images above which the run stops")

    def check(self) -> None:
        """Cross-field rules of the data."""
        self._positive("image_size")
        if self.augment > 1:
            raise ConfigError(f"--augment lies between 0 and 1; received {self.augment}")
        if self.image_size % IMAGE_MULTIPLE:
            raise ConfigError(
                f"--image_size must be divisible by {IMAGE_MULTIPLE} (the critic halves it six times); received "
                f"{self.image_size}. Use {max(1, round(self.image_size / IMAGE_MULTIPLE)) * IMAGE_MULTIPLE}"
            )
        if not self.two_domains:
            if not self.attributes:  # filled in here, so that what is saved with a run says it
                object.__setattr__(self, "attributes", DEFAULT_ATTRIBUTES.get(self.dataset, ()))
            if not self.attributes:
                raise ConfigError("--attributes is empty; name at least one label, e.g. --attributes=Black_Hair,Blond_Hair")
            doubled = {a for a in self.attributes if self.attributes.count(a) > 1}
            if doubled:
                raise ConfigError(f"--attributes names {', '.join(sorted(doubled))} more than once")
        parse_groups(self.groups, self.label_names)
        if self.match:
            if self.two_domains or self.pairing != "differing":
                raise ConfigError(f"--match={','.join(self.match)} needs labels and --pairing=differing; received --dataset={self.dataset} and --pairing={self.pairing}")
            both = [a for a in self.match if a in self.attributes or self.match.count(a) > 1]
            if both:
                raise ConfigError(f"--match names {both[0]}, which is among --attributes or named twice; a pair cannot agree and differ in it")

    @property
    def two_domains(self) -> bool:
        """Whether pairs join an image of domain A with one of domain B, under one label (0 = A, 1 = B)."""
        return self.dataset == "two_domains" or self.dataset.startswith("cycle_gan/")

    @property
    def label_names(self) -> tuple[str, ...]:
        """The K label names in the order of the label vectors."""
        return ("domain_B",) if self.two_domains else self.attributes

    @property
    def group_labels(self) -> dict[str, tuple[str, ...]]:
        """Group name -> its labels; one group named `all` where none are configured."""
        return parse_groups(self.groups, self.label_names)


@dataclasses.dataclass(frozen=True)
class ModelConfig(_Checked):
    """Sizes and wiring of the networks; the defaults are the paper's (docs/method.md, 2 and 3)."""

    base_channels: int = option(64, "channels of the first convolution of every generator-side network")
    residual_blocks: int = option(4, "residual blocks in the content encoder and in the decoder")
    edge_kernel: int = option(7, "kernel of the first and last convolutions, at full resolution")
    upsample_kernel: int = option(5, "kernel of the convolutions after each upsampling")
    style_dim: int = option(8, "length of a style code")
    style_downsamples: int = option(4, "stride-2 convolutions of the style encoder")
    style_normalised: bool = option(False, "pass style codes through a LayerNorm without scale and offset")
    style_pool: int = option(1, "average local regions over squares of this side before the style encoder (1: full size)", (1, 2, 4))
    mlp_width: int = option(256, "hidden width of the MLPs that turn a style code into AdaIN statistics")
    group_mlps: str = option("shared", "one foreground MLP for all groups, or one each", ("shared", "each"))
    mask_upsamples: int = option(2, "learned upsampling stages of the mask decoder; what is missing to full size is bilinear")
    mask_skips: bool = option(False, "the mask decoder also sees the content encoder's finer features, for sharper outlines")
    mask_filter: int = option(0, "radius in pixels of a guided filter that gives the masks the image's edges (0: none)")
    mask_contrast: float = option(0.0, "how far masks are sharpened towards 0 and 1 (smoothstep from 0.2 to 0.6), from 0 to 1; training ramps it in with the masks' own terms")
    mask_logit_limit: float = option(0.0, "softly bound mask logits to this magnitude, out of saturation (0: unbounded)")
    hadain: str = option("once", "inject styles once before the residual blocks, or in every block", ("once", "every"))
    skips: bool = option(False, "content skip connections with HAdaIN at full and half size")
    output: str = option("bare", "the translation is G itself (paper), or the composite m*G + (1-m)*x, through which the mask gets no gradient", ("bare", "composite"))
    style_margin: int = option(0, "paint the foreground style this many pixels beyond the mask; a composite shows it only within the mask, and from it the mask learns where to grow (docs/method.md, eq. (3.6))")
    masks: str = option("coupled", "coupled: every loss shapes the masks (paper); decoupled: only the losses that are about a mask itself (docs/method.md, 6); full: the mask is the whole image, which makes HAdaIN plain AdaIN (MUNIT's way, for comparison)", ("coupled", "decoupled", "full"))
    colour_groups: tuple[str, ...] = option((), "comma-separated groups that are painted by colour curves, such as hair; the others are painted pixel by pixel (a model without --groups has one, named all)")
    critic_channels: int = option(64, "channels of the critic's first convolution")
    critic_layers: int = option(6, "stride-2 convolutions of the critic")
    critic_condition: str = option("none", "none: one source head (paper); heads: two per label; projection: D(x) + <V y, h(x)>", ("none", "heads", "projection"))

    def check(self) -> None:
        """Cross-field rules of the networks."""
        self._positive("base_channels", "edge_kernel", "upsample_kernel", "style_dim", "mlp_width", "critic_channels", "critic_layers")
        if self.mask_upsamples > 2:
            raise ConfigError(f"--mask_upsamples is at most 2 (the content is a quarter of the image); received {self.mask_upsamples}")
        if self.style_margin and self.output == "bare":
            raise ConfigError(f"--style_margin={self.style_margin} needs --output=composite, which cuts the margin off again; received --output=bare")
        if self.mask_contrast > 1:
            raise ConfigError(f"--mask_contrast lies between 0 and 1; received {self.mask_contrast}")
        if self.colour_groups and self.output == "bare":
            raise ConfigError(f"--colour_groups={','.join(self.colour_groups)} needs --output=composite: curves change the input itself; received --output=bare")
        if self.mask_skips and not self.mask_upsamples:
            raise ConfigError("--mask_skips needs --mask_upsamples=1 or 2, the stages that take the finer features; received 0")
        if self.critic_layers > 6:
            raise ConfigError(f"--critic_layers is at most 6; received {self.critic_layers}")
        for name in ("edge_kernel", "upsample_kernel"):
            if getattr(self, name) % 2 == 0:
                raise ConfigError(f"--{name} must be odd; received {getattr(self, name)}")


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "lomit": {},
    "small": {
        "base_channels": 16, "residual_blocks": 2, "edge_kernel": 3, "upsample_kernel": 3, "style_downsamples": 3,
        "style_pool": 2, "mlp_width": 64, "mask_upsamples": 1, "critic_channels": 32, "critic_layers": 4,
    },
    "mobile": {
        "base_channels": 16, "residual_blocks": 3, "edge_kernel": 3, "upsample_kernel": 3, "style_downsamples": 3,
        "style_pool": 4, "mlp_width": 64, "mask_upsamples": 1, "mask_skips": True, "critic_channels": 32,
    },
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class LossConfig(_Checked):
    """Weights and forms of the losses (docs/method.md, 5 and 6); the defaults are those of the paper and its authors' code."""

    adversarial_weight: float = option(1.0, "weight of the WGAN terms")
    gradient_penalty_weight: float = option(10.0, "weight of the critic's gradient penalty")
    classification_weight: float = option(1.0, "weight of the attribute classification term of translated images")
    critic_classification_weight: float = option(1.0, "weight of the attribute classification term of real images, from which D_cls learns")
    reconstruction_weight: float = option(10.0, "weight of L1(x11, x1), within the domain")
    reconstruction_outside: float = option(1.0, "what a pixel outside the painted region counts in L1(x11, x1), from 0 to 1; a composite does not show it")
    cycle_weight: float = option(10.0, "weight of L1(x121, x1)")
    content_weight: float = option(1.0, "weight of L1(c12, c1)")
    style_foreground_weight: float = option(1.0, "weight of L1(s12_f, s2_f)")
    style_background_weight: float = option(1.0, "weight of L1(s12_b, s1_b)")
    colour_weight: float = option(10.0, "weight of L1 between the painted region's six colour moments and the exemplar's (colour groups only)")
    background_weight: float = option(0.0, "weight of the L1 between G and x outside the mask (not in the paper)")
    detach_style_targets: bool = option(False, "style reconstruction targets pass no gradient")
    r1_weight: float = option(0.1, "weight of R1, mask similarity")
    r1_features: str = option("content", "what R1 compares pixels by", ("content", "colour"))
    r1_cut_negative: bool = option(False, "negative similarities of R1 count as 0")
    r1_start: int = option(0, "generator step at which R1 starts to grow from 0: a strong one flattens masks that do not show a place yet")
    r1_end: int = option(0, "generator step at which R1 has its full weight (0 with r1_start=0: always)")
    edge_weight: float = option(0.0, "weight of the edge term: mask edges cost less where the image has edges (R1 at full resolution among near pixels; not in the paper; docs/method.md, eq. (6.8))")
    edge_scale: float = option(0.2, "colour difference (of 2.0) at which the edge term counts two near pixels as unlike")
    r2_weight: float = option(1e-4, "weight of R2, mask sparsity")
    r2_change: float = option(0.0, "decoupled masks: how much more R2 counts where painting changes less than it does on average within the mask, and less where it changes more (0: alike everywhere; 1: from 0 to 2 times)")
    r2_schedule: str = option("constant", "constant; warmup: from 0 at r2_start to full at r2_end; anneal: from full at r2_start to r2_final_weight at r2_end; area: only outside [area_min, area_max]", ("constant", "warmup", "anneal", "area"))
    r2_start: int = option(0, "generator step at which R2's weight starts to change (r2_schedule=warmup or anneal)")
    r2_end: int = option(1000, "generator step from which on R2's weight stays (r2_schedule=warmup or anneal)")
    r2_final_weight: float = option(0.0, "weight of R2 from r2_end on (r2_schedule=anneal)")
    area_min: float = option(0.05, "smallest unpunished mean of a mask (r2_schedule=area)")
    area_max: float = option(0.35, "largest unpunished mean of a mask (r2_schedule=area)")
    mask_classification_weight: float = option(1.0, "decoupled masks: weight of D_cls on m*sg(G) + (1-m)*x")
    mask_critic_weight: float = option(0.0, "decoupled masks: weight of the critic's score of that composite")
    mask_cycle_weight: float = option(0.0, "decoupled masks: weight of m * |x121 - x|: the mask leaves places that translating there and back does not restore (docs/method.md, eq. (6.5))")
    mask_gate: str = option("none", "success: R2, the critic's and the cycle's part of a group's mask count by how surely D_cls finds the exemplar's labels in that group's composite, so that a mask cannot vanish before it works (docs/method.md, eq. (6.6))", ("none", "success"))
    mask_start: int = option(0, "decoupled masks: generator step at which all mask terms start to be ramped in")
    mask_end: int = option(0, "decoupled masks: generator step at which the mask terms have their full weight")

    def check(self) -> None:
        """Cross-field rules of the losses."""
        self._positive("edge_scale")
        if self.r2_change > 1:
            raise ConfigError(f"--r2_change lies between 0 and 1; received {self.r2_change}")
        if self.r2_change and self.r2_schedule == "area":
            raise ConfigError("--r2_change weighs pixels, and --r2_schedule=area whole masks; use --r2_schedule=constant, warmup or anneal")
        if self.reconstruction_outside > 1:
            raise ConfigError(f"--reconstruction_outside lies between 0 and 1; received {self.reconstruction_outside}")
        if not 0 <= self.area_min < self.area_max <= 1:
            raise ConfigError(f"--area_min < --area_max within 0..1 is needed; received {self.area_min} and {self.area_max}")
        for start, end in (("r1_start", "r1_end"), ("r2_start", "r2_end"), ("mask_start", "mask_end")):
            if getattr(self, start) > getattr(self, end):
                raise ConfigError(f"--{start}={getattr(self, start)} lies after --{end}={getattr(self, end)}")


@dataclasses.dataclass(frozen=True)
class TrainingConfig(_Checked):
    """The optimisation, the loop, and what it writes."""

    steps: int = option(40_000, "generator steps in all")
    batch_size: int = option(8, "pairs in one sub-batch, over all replicas")
    n_critic: int = option(5, "critic updates for each generator update")
    learning_rate: float = option(1e-4, "Adam's rate, for both sides")
    beta1: float = option(0.5, "Adam's first moment decay")
    beta2: float = option(0.999, "Adam's second moment decay")
    decay_start: int = option(20_000, "generator step after which the rate is halved (0: never)")
    decay_every: int = option(2_000, "generator steps from one halving to the next")
    init_from: str = option("", "start from other weights: shipped weights by name, or a run's workdir; what has another shape starts anew")
    freeze_masks: bool = option(False, "keep the content encoder and the mask decoder as --init_from has them, and train the painters alone")
    ema_decay: float = option(0.999, "decay of the moving average of the generator side (0: none)")
    precision: str = option("float32", "of the generator side; critic and penalty stay float32", ("float32", "mixed_bfloat16"))
    jit: str = option("off", "XLA: on, off, or auto (Keras decides)", ("on", "off", "auto"))
    strategy: str = option("one_device", "one_device, mirrored (all local GPUs), or multi_worker (TF_CONFIG)", ("one_device", "mirrored", "multi_worker"))
    seed: int = option(0, "of weights, pairs and every random draw")
    deterministic: bool = option(False, "bit-identical runs for the same seed (slower: each operation on one thread)")
    checkpoint_every: int = option(500, "generator steps between checkpoints")
    keep_checkpoints: int = option(3, "how many checkpoints to keep")
    log_every: int = option(50, "generator steps between TensorBoard scalars and log lines")
    sample_every: int = option(250, "generator steps between sample grids (0: only the last)")
    sample_count: int = option(8, "pairs in a sample grid")
    mask_patience: int = option(500, "stop when masks have been dead for this many generator steps (0: never)")

    def check(self) -> None:
        """Cross-field rules of the training."""
        self._positive("steps", "batch_size", "n_critic", "learning_rate", "checkpoint_every", "keep_checkpoints", "log_every", "sample_count", "decay_every")
        for name in ("beta1", "beta2", "ema_decay"):
            if getattr(self, name) >= 1:
                raise ConfigError(f"--{name} must be below 1; received {getattr(self, name)}")


SECTIONS: Mapping[str, type] = {"data": DataConfig, "model": ModelConfig, "loss": LossConfig, "training": TrainingConfig}
# What may change between a run and its continuation without making it another experiment.
RESUMABLE = frozenset({"steps", "checkpoint_every", "keep_checkpoints", "log_every", "sample_every", "sample_count", "mask_patience",
                       "data_dir", "cache", "max_corrupt"})  # fmt: skip


@dataclasses.dataclass(frozen=True)
class LomitConfig:
    """Everything that decides a run. Build with `LomitConfig.create(preset, **fields)`."""

    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    loss: LossConfig = dataclasses.field(default_factory=LossConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        loss, model = self.loss, self.model
        for name in ("mask_critic_weight", "mask_cycle_weight", "r2_change"):
            if model.masks != "decoupled" and getattr(loss, name) > 0:
                raise ConfigError(f"--{name} needs --masks=decoupled; received --masks={model.masks}")
        for name in model.colour_groups:
            if name not in self.data.group_labels:
                raise ConfigError(f"--colour_groups: {name!r} is not a group; {near(name, self.data.group_labels)}")
        if self.training.freeze_masks and not self.training.init_from:
            raise ConfigError("--freeze_masks needs --init_from, which says whose masks to keep")
        if self.training.freeze_masks and model.masks != "decoupled":
            raise ConfigError(f"--freeze_masks needs --masks=decoupled; received --masks={model.masks}")
        if model.masks == "full" and len(self.data.group_labels) > 1:
            raise ConfigError(f"--masks=full has one region, and --groups names {len(self.data.group_labels)}; use one group")
        if self.training.strategy != "one_device":
            if self.training.deterministic:
                raise ConfigError(f"--deterministic needs --strategy=one_device; received {self.training.strategy}")
            if self.training.jit == "on":
                raise ConfigError(
                    f"--jit=on cannot reach variables on other devices; with --strategy={self.training.strategy} "
                    "use --jit=auto or off"
                )
        if self.training.precision != "float32" and self.training.deterministic:
            raise ConfigError("--deterministic needs --precision=float32")
        if model.masks != "decoupled" and loss.mask_gate == "success":
            raise ConfigError(f"--mask_gate=success needs --masks=decoupled, which asks about each mask; received --masks={model.masks}")
        if loss.mask_critic_weight > 0 and model.critic_condition == "none":
            raise ConfigError("--mask_critic_weight needs --critic_condition=heads or projection; received none")

    @classmethod
    def create(cls, preset: str = "lomit", **fields: Any) -> LomitConfig:
        """A configuration from a preset's network sizes and any fields of the four sections by name.

        Raises ConfigError for an unknown preset or field (naming the near ones) and for bad values.
        """
        if preset not in PRESETS:
            raise ConfigError(f"--preset={preset!r} is unknown; {near(preset, PRESETS)}")
        values = dict(PRESETS[preset]) | fields
        sections = {}
        for section, kind in SECTIONS.items():
            names = {f.name for f in dataclasses.fields(kind)}
            sections[section] = kind(**{k: values.pop(k) for k in list(values) if k in names})
        if values:
            name = next(iter(values))
            raise ConfigError(f"unknown configuration field {name!r}; {near(name, field_names())}")
        return cls(**sections)

    @property
    def colour_indices(self) -> tuple[int, ...]:
        """Positions, among the groups, of those that are painted by colour curves."""
        return tuple(i for i, name in enumerate(self.data.group_labels) if name in self.model.colour_groups)

    def flat(self) -> dict[str, Any]:
        """All fields of all sections as one dict, in declaration order; tuples become lists (JSON)."""
        merged: dict[str, Any] = {}
        for section in SECTIONS:
            merged |= dataclasses.asdict(getattr(self, section))
        return {k: list(v) if isinstance(v, tuple) else v for k, v in merged.items()}

    @classmethod
    def from_flat(cls, values: Mapping[str, Any]) -> LomitConfig:
        """The inverse of `flat()`."""
        return cls.create("lomit", **{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def field_names() -> list[str]:
    """Names of all fields of all sections."""
    return [f.name for kind in SECTIONS.values() for f in dataclasses.fields(kind)]


def parse_groups(text: str, labels: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Group name -> labels from "hair: Black_Hair, Blond_Hair; smile: Smiling"; {"all": labels} for an empty text.

    Raises ConfigError unless the groups partition the labels.
    """
    if not text.strip():
        return {"all": tuple(labels)}
    groups: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (p.strip() for p in text.split(";"))):
        name, colon, members = part.partition(":")
        names = tuple(filter(None, (m.strip() for m in members.split(","))))
        if not colon or not name.strip() or not names or name.strip() in groups:
            raise ConfigError(f'--groups: cannot read {part!r}; write "name: Label, Label; name: Label", each name once')
        for label in names:
            if label not in labels:
                raise ConfigError(f"--groups: {label!r} is not among the attributes; {near(label, labels)}")
        groups[name.strip()] = names
    used = [label for names in groups.values() for label in names]
    for label in labels:
        if used.count(label) != 1:
            raise ConfigError(f"--groups: every attribute belongs to exactly one group; {label} is in {used.count(label)}")
    return groups
