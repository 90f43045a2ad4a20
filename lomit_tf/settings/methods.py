"""The registry of methods: what `--method` names, where each one lives, and what it is. Imports no TensorFlow.

A method is a room, a module or package of this package or of anybody's, with two names in it:
    FACTS: a `Facts`, importable without TensorFlow.
    model_class(): the `keras.Model` that trains and translates; see `lomit_tf.baselines.base.Baseline`.
docs/compared_systems.md shows how to add one: the room, and one line in ROOMS.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any

from lomit_tf.settings.options import ConfigError, near

DEFAULT = "lomit"
ROOMS: dict[str, str] = {
    "lomit": "lomit_tf.baselines.lomit",
    "stargan": "lomit_tf.baselines.stargan",
    "munit": "lomit_tf.baselines.munit",
    "drit": "lomit_tf.baselines.drit",
    "aggan": "lomit_tf.baselines.aggan",
    "elegant": "lomit_tf.baselines.elegant",
}


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a method is and what it can do.

    Args:
        title: its name, as its authors write it.
        paper: where it is described.
        takes: "labels" (images with labels, of which --domains may make two domains), "domains" (two domains), or
            "either".
        has_masks: whether it finds where to change the picture.
        exemplar: what the exemplar decides, the end of "the exemplar decides ...".
        uses_exemplar_style: whether two exemplars of the same labels can give different translations.
        changes_whole_picture: whether it paints every pixel anew.
        cannot: what it cannot do, whole sentences.
        sizes: of its networks by name (`--method_size`), at least "authors" and "small"; LOMIT's are presets.
        n_critic: sub-batches that a training step takes; None: as many as --n_critic says.
        batch_size: pairs in a sub-batch, as its authors train it.
    """

    title: str
    paper: str
    takes: str
    has_masks: bool
    exemplar: str
    uses_exemplar_style: bool
    changes_whole_picture: bool
    cannot: tuple[str, ...] = ()
    sizes: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    n_critic: int | None = 1
    batch_size: int = 16


LOMIT = Facts(
    title="LOMIT",
    paper="arXiv:1906.03598",
    takes="either",
    has_masks=True,
    exemplar="the style of the region within its mask",
    uses_exemplar_style=True,
    changes_whole_picture=False,
    n_critic=None,
    batch_size=8,
)


def room(name: str) -> Any:
    """The module of a method. Raises ConfigError for an unknown one."""
    if name not in ROOMS:
        raise ConfigError(f"--method={name!r} is unknown; {near(name, ROOMS)}")
    return importlib.import_module(ROOMS[name])


def facts(name: str) -> Facts:
    """What a method is. Raises ConfigError for an unknown one."""
    return room(name).FACTS


def model_class(name: str) -> type[Any]:
    """The Keras model of a method. Raises ConfigError for an unknown one, and where Keras' backend cannot run it."""
    return room(name).model_class()


def need_lomit(name: str, what: str) -> None:
    """Raise ConfigError for a model of another method: `what` is what needs LOMIT's masks and styles."""
    if name != DEFAULT:
        raise ConfigError(f"{what} needs a model of --method={DEFAULT}; this one is of --method={name}")


def need_whole(data: Any, what: str) -> None:
    """Raise ConfigError for a model that sees a part of the pictures alone: `what` is what needs whole ones."""
    if data.close_up:
        raise ConfigError(
            f"{what} needs a model of whole pictures; this one sees a part of them from near "
            f"(--close_up={data.close_up}): python -m lomit_tf.join makes it a group of such a model"
        )


def need_one(model: Any, what: str) -> None:
    """Raise ConfigError for a model that `lomit_tf.join` put together: `what` needs one that was trained as one."""
    if model.close_ups:
        groups = ", ".join(part.partition(":")[0].strip() for part in model.close_ups.split(";"))
        raise ConfigError(
            f"{what} needs a model that was trained as one; this one was put together by python -m lomit_tf.join, of "
            f"parts for {groups}: use its base, or a part"
        )


def check_n_critic(name: str, asked: int) -> None:
    """Raise ConfigError for a number of critic updates that a method does not leave to be chosen."""
    fixed = facts(name).n_critic
    if fixed is not None and asked != fixed:
        raise ConfigError(
            f"--n_critic={asked}: a step of --method={name} takes {fixed}, as its authors' does; leave --n_critic out"
        )


def check(config: Any) -> int | None:
    """Check that a LomitConfig's method can take what it asks for.

    Returns:
        The sub-batches of a training step, where the method decides that.

    Raises:
        ConfigError: an unknown method or size, data that the method cannot take, or settings of LOMIT alone.
    """
    name, size, data = config.model.method, config.model.method_size, config.data
    found = facts(name)
    asked = f"--method={name}"
    if name == DEFAULT:
        if size != "authors":
            raise ConfigError(f"--method_size={size} is for the other methods; LOMIT's are presets; use --preset=small")
        return None
    if size not in found.sizes:
        raise ConfigError(f"--method_size={size!r} is no size of {asked}; {near(size, found.sizes)}")
    if found.takes == "labels" and data.dataset_of_domains:
        raise ConfigError(
            f"{asked} needs images with labels, such as --dataset=celeb_a --attributes=Smiling,Young; received two "
            f"domains, --dataset={data.dataset}"
        )
    if found.takes == "domains" and not data.two_domains:
        raise ConfigError(
            f"{asked} knows two domains and no labels: give it --dataset=two_domains, or two domains of labelled "
            f'images, --domains="Black_Hair | Blond_Hair"; received --attributes={",".join(data.label_names)}'
        )
    for other in ("init_from", "freeze_masks"):
        if getattr(config.training, other):
            raise ConfigError(f"--{other} needs --method=lomit; received {asked}")
    return found.n_critic
