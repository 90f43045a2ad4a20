"""The settings of the data: where the images come from, and how pairs and groups are made of them."""

from __future__ import annotations

import dataclasses
from typing import Any

from lomit_tf.settings.close_ups import box_of
from lomit_tf.settings.options import ConfigError, ConfigSection, near, option

PAPER_ATTRIBUTES = (
    "Black_Hair", "Blond_Hair", "Brown_Hair", "Smiling", "Male",
    "Mustache", "No_Beard", "Goatee", "Heavy_Makeup", "Young",
)  # fmt: skip
DRAWN_ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Smiling", "Eyeglasses", "Bangs")
DEFAULT_ATTRIBUTES = {"celeb_a": PAPER_ATTRIBUTES, "drawn_faces": DRAWN_ATTRIBUTES}
DATASETS = ("drawn_faces", "celeb_a", "labelled_folder", "two_domains", "cycle_gan/horse2zebra", "cycle_gan/apple2orange")
IMAGE_MULTIPLE = 64  # the paper's critic halves the image six times


@dataclasses.dataclass(frozen=True)
class DataConfig(ConfigSection):
    """Where the images come from and how pairs are made of them."""

    dataset: str = option("drawn_faces", "which data set to train on", DATASETS)
    data_dir: str = option("", "folder of the data set; for TFDS sets the TFDS data folder (empty: TFDS' own default)")
    labels_file: str = option("", "labelled_folder only: CSV or TSV whose header row names the labels (empty: the only one in data_dir)")
    attributes: tuple[str, ...] = option((), "comma-separated label names to learn (empty: the paper's ten of celeb_a, all seven of drawn_faces; ignored by two-domain sets)")
    labelled_only: bool = option(False, "leave out images that have none of the attributes, e.g. other hair colours")
    domains: str = option("", 'two domains, A and B, out of a labelled set: "Black_Hair | Blond_Hair", or with ! for images without a label "!Smiling | Smiling"; images of both or of neither are left out, and a pair joins A with B (empty: none; takes the place of the attributes)')
    groups: str = option("", 'partition of the attributes into groups that can be transferred alone, e.g. "hair: Black_Hair, Blond_Hair; smile: Smiling" (empty: one group, the paper\'s system)')
    image_size: int = option(128, "height and width in pixels, a multiple of 64")
    crop: int = option(178, "centre crop in pixels before the resize (0: the largest centred square)")
    close_up: str = option("", "train on a part of each picture alone, seen from near: its left and upper side and its width, as shares of the side of the whole, e.g. 0.25,0.5,0.5; --image_size is then that of the part. python -m lomit_tf.join makes it one of the --close_ups of a model of whole pictures (empty: the whole picture)")
    flip: bool = option(True, "mirror half of the training images left to right")
    augment: float = option(0.0, "how far training images are turned, scaled, moved, lit and compressed, as photographs that people take differ from aligned ones; from 0 to 1")
    pairing: str = option("random", "random: any two images; differing: the two labels differ", ("random", "differing"))
    match: tuple[str, ...] = option((), "pairing=differing only: comma-separated other labels in which the images of a pair must agree, so that what correlates with the attributes (sex, age) does not differ between them")
    train_images: int = option(0, "use at most this many training images (0: all; drawn faces: 10000)")
    max_corrupt: float = option(0.01, "share of unreadable images above which the run stops")

    def check(self) -> None:
        """Cross-field rules of the data."""
        self.positive("image_size")
        self.at_most_one("augment")
        if self.image_size % IMAGE_MULTIPLE:
            raise ConfigError(
                f"--image_size must be divisible by {IMAGE_MULTIPLE} (the critic halves it six times); received "
                f"{self.image_size}. Use {max(1, round(self.image_size / IMAGE_MULTIPLE)) * IMAGE_MULTIPLE}"
            )
        if self.close_up:
            if self.dataset == "drawn_faces":
                raise ConfigError(f"--close_up={self.close_up} needs pictures from files; --dataset=drawn_faces draws its own at --image_size")
            box_of(self.close_up, self.image_size)
        if self.domains:
            if self.dataset_of_domains:
                raise ConfigError(f"--domains={self.domains!r} needs a labelled data set, and --dataset={self.dataset} has two domains of its own; leave --domains out")
            parse_domains(self.domains)
            if self.groups.strip():
                raise ConfigError(f"--groups={self.groups!r} has nothing to divide: --domains makes one label. Give --groups= (empty)")
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
                given = f"--domains={self.domains!r}" if self.domains else f"--dataset={self.dataset} and --pairing={self.pairing}"
                raise ConfigError(f"--match={','.join(self.match)} needs labels and --pairing=differing; received {given}")
            both = [a for a in self.match if a in self.attributes or self.match.count(a) > 1]
            if both:
                raise ConfigError(f"--match names {both[0]}, which is among --attributes or named twice; a pair cannot agree and differ in it")

    @property
    def whole_size(self) -> int:
        """Side of the pictures of which the images are parts, in pixels; `image_size` without `close_up`."""
        return box_of(self.close_up, self.image_size)[1] if self.close_up else self.image_size

    def part_of(self, pictures: Any) -> Any:
        """What is trained on of pictures (..., whole_size, whole_size, C): (..., image_size, image_size, C)."""
        if not self.close_up:
            return pictures
        left, top, side = box_of(self.close_up, self.image_size)[0]
        return pictures[..., top : top + side, left : left + side, :]

    @property
    def dataset_of_domains(self) -> bool:
        """Whether the data set itself is one of two domains, without labels."""
        return self.dataset == "two_domains" or self.dataset.startswith("cycle_gan/")

    @property
    def two_domains(self) -> bool:
        """Whether pairs join an image of domain A with one of domain B, under one label (0 = A, 1 = B)."""
        return bool(self.domains) or self.dataset_of_domains

    @property
    def label_names(self) -> tuple[str, ...]:
        """The K label names in the order of the label vectors.

        Of two domains there is one. With `domains` it is the label that B's images have, so that what knows labels by
        name (regions, classifiers) knows it; domain_B where B is made of images without a label.
        """
        if not self.two_domains:
            return self.attributes
        if not self.domains:
            return ("domain_B",)
        label, there = parse_domains(self.domains)[1]
        return (label if there else "domain_B",)

    @property
    def group_labels(self) -> dict[str, tuple[str, ...]]:
        """Group name -> its labels; one group named `all` where none are configured."""
        return parse_groups(self.groups, self.label_names)


def parse_domains(text: str) -> tuple[tuple[str, bool], tuple[str, bool]]:
    """(label of A, whether A's images have it), and the same of B, from "Black_Hair | Blond_Hair" or "!Smiling | Smiling".

    Raises ConfigError for anything but two different conditions.
    """
    conditions = []
    for part in (p.strip() for p in text.split("|")):
        label = part.removeprefix("!").strip()
        if not label or "!" in label or "," in label:
            raise ConfigError(f'--domains: cannot read {part!r} in {text!r}; write one label on each side, "Black_Hair | Blond_Hair" or "!Smiling | Smiling"')
        conditions.append((label, not part.startswith("!")))
    if len(conditions) != 2:
        raise ConfigError(f'--domains takes two domains with one | between them, as in "Black_Hair | Blond_Hair"; received {len(conditions)} in {text!r}')
    if conditions[0] == conditions[1]:
        raise ConfigError(f"--domains: both domains of {text!r} are the same images, so that all would be of both; name two conditions")
    return conditions[0], conditions[1]


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
