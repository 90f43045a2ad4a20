"""A model of whole pictures and models that see a part of them from near, put together into one:
docs/method.md, eq. (3.11).

joint = joined(lomit_tf.load("celeba_colours"), [lomit_tf.load("runs/smile")])
zoo.save_folder(joint, Path("celeba"), {})
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lomit_tf.config import ConfigError, LomitConfig, ModelConfig
from lomit_tf.settings.methods import need_lomit

if TYPE_CHECKING:  # imported where models are made, so that what does not fit is said before TensorFlow is loaded
    from lomit_tf.model import Lomit
    from lomit_tf.networks.generator import Generator

# Settings of the networks that say nothing about what a translation computes.
UNUSED = (
    "colour_groups", "connected_groups", "competing_groups", "unfiltered_groups", "critic_channels", "critic_layers",
)  # fmt: skip
MOVES = "displacement"  # which a part may have or not: one without it moves nothing
# What messages say that a part is.
A_PART = "the --workdir of a run that was trained with --close_up, as configs/celeba_smile.cfg says"


def joint_config(base: LomitConfig, parts: Mapping[str, LomitConfig], name: str = "the base") -> LomitConfig:
    """The configuration of a base with the groups of parts.

    Args:
        base: of a model of whole pictures, all of whose groups are painted by colour curves.
        parts: of models of one group each, trained with --close_up, by their names for messages.
        name: of the base, for messages.

    Raises:
        ConfigError: models that do not fit together; the message names the one and the setting.
    """
    _check_base(name, base)
    if not parts:
        raise ConfigError(f"no part is given; give {A_PART} as --part")
    labels, groups, boxes = list(base.data.label_names), dict(base.data.group_labels), {}
    for run, part in parts.items():
        group = _checked(run, part, base)
        if group in groups:
            raise ConfigError(
                f"{run}: the base or another part has a group {group} already; leave one of both out, or train this "
                "one with another name in --groups"
            )
        doubled = [label for label in part.data.label_names if label in labels]
        if doubled:
            raise ConfigError(
                f"{run}: the label {doubled[0]} is of another group of the base or of a part already; leave one of "
                f"both out, or train this one without {doubled[0]}"
            )
        labels += part.data.label_names
        groups[group] = part.data.label_names
        boxes[group] = part.data.close_up
    reaches = {run: part.model.displacement for run, part in parts.items() if part.model.displacement}
    if len(set(reaches.values())) > 1:
        said = ", ".join(f"{run} --{MOVES}={reach}" for run, reach in reaches.items())
        raise ConfigError(f"parts move pixels by the same --{MOVES} or not at all; received {said}")
    flat = base.flat() | {
        MOVES: max(reaches.values(), default=0),
        "attributes": labels, "match": [label for label in base.data.match if label not in labels],
        "groups": "; ".join(f"{group}: {', '.join(names)}" for group, names in groups.items()),
        "close_ups": "; ".join(f"{group}: {box}" for group, box in boxes.items()),
        "connected_groups": [*base.model.connected_groups, *boxes],
    }  # fmt: skip
    return LomitConfig.from_flat(flat)


def _check_base(name: str, base: LomitConfig) -> None:
    """Raise ConfigError for a model that cannot be a base."""
    need_lomit(base.model.method, name)
    if base.model.close_ups:
        raise ConfigError(
            f"{name}: it was put together already, with parts for {_near(base)}; give the model of whole pictures that "
            "was its base, such as celeba_colours, and all parts anew"
        )
    if base.data.close_up:
        raise ConfigError(
            f"{name}: it sees a part of each picture (--close_up={base.data.close_up}); give it as --part, and a model "
            "of whole pictures, such as celeba_colours, as --base"
        )
    free = [group for group in base.data.group_labels if group not in base.model.colour_groups]
    if free:
        are = "are" if len(free) > 1 else "is"
        raise ConfigError(
            f"{name}: {_all(free)} {are} painted freely, and a base paints all of its groups by colour curves; give "
            "one that was trained so, such as celeba_colours (configs/celeba_colours.cfg)"
        )


def _checked(run: str, part: LomitConfig, base: LomitConfig) -> str:
    """The name of a part's group. Raises ConfigError where it is no part of this base."""
    need_lomit(part.model.method, run)
    if part.model.close_ups:
        raise ConfigError(
            f"{run}: it was put together already, of a base and of parts for {_near(part)}; give each of these parts "
            f"itself, {A_PART}"
        )
    if not part.data.close_up:
        raise ConfigError(f"{run}: it sees whole pictures, and a part sees a square of them from near; give {A_PART}")
    if len(part.data.group_labels) > 1:
        raise ConfigError(
            f"{run}: a part has one group, and it has {_all(part.data.group_labels)}; train one part for each, with "
            "that group alone in --groups"
        )
    group = next(iter(part.data.group_labels))
    if part.data.whole_size != base.data.image_size:
        raise ConfigError(
            f"{run}: it sees parts of pictures of {part.data.whole_size} pixels, and the base's have "
            f"{base.data.image_size}; train it with another --image_size or --close_up"
        )
    for setting in ("dataset", "crop"):
        if getattr(part.data, setting) != getattr(base.data, setting):
            raise ConfigError(
                f"{run}: it was trained with --{setting}={getattr(part.data, setting)}, and the base with "
                f"--{setting}={getattr(base.data, setting)}; train one of both as the other"
            )
    wanted = base.model.near
    for field in dataclasses.fields(ModelConfig):
        given, needed = getattr(part.model, field.name), getattr(wanted, field.name)
        if field.name not in (*UNUSED, MOVES) and given != needed:
            raise ConfigError(
                f"{run}: --{field.name}={given}, and what is painted from near has {needed}; train it with "
                f"--preset=near and the settings of configs/celeba_smile.cfg"
            )
    if part.model.colour_groups:
        raise ConfigError(
            f"{run}: its group {group} is painted by colour curves, and a part is painted freely; train it without "
            "--colour_groups"
        )
    return group


def _all(names: Iterable[str]) -> str:
    """Names as text: a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _near(config: LomitConfig) -> str:
    """The groups that a model which was put together paints from near."""
    return _all(list(config.data.group_labels)[g] for g in config.boxes)


def joined(base: Lomit, parts: Mapping[str, Lomit] | Sequence[Lomit], name: str = "the base") -> Lomit:
    """A model with the averaged weights of a base and of its parts; arguments and errors as of `joint_config`."""
    from lomit_tf.model import Lomit
    from lomit_tf.networks.joint_generator import JointGenerator

    named: dict[str, Any] = (
        dict(parts) if isinstance(parts, Mapping) else {f"part {i}": part for i, part in enumerate(parts, 1)}
    )
    model = Lomit(joint_config(base.config, {run: part.config for run, part in named.items()}, name))
    model.build()
    for generator in (model.generator, model.ema_generator):
        if isinstance(generator, JointGenerator):
            for mine, theirs in zip([generator.whole, *generator.near], [base, *named.values()], strict=True):
                given = theirs.inference_generator
                for variable, value in zip(_alike(mine, given), given.variables, strict=True):
                    variable.assign(value)
    model.has_critic = False
    return model


def _alike(generator: Generator, given: Generator) -> list[Any]:
    """The variables of a generator that another one has too, which may move no pixels: the head that does begins so."""
    head = generator.decoder and generator.decoder.displacement
    left_out = {id(v) for v in head.variables} if head and not given.displacement else set()
    return [v for v in generator.variables if id(v) not in left_out]
