"""Which label movements go along with, and which models can learn them. Imports no TensorFlow."""

from __future__ import annotations

from lomit_tf.config import ConfigError, LomitConfig, near
from lomit_tf.imaging.local_means import PLACES
from lomit_tf.settings.movement_teacher import FindConfig


def label_of(config: LomitConfig, options: FindConfig) -> str:
    """The label whose movements are found.

    Raises ConfigError for a model that cannot learn them: one that sees whole pictures, has several groups or domains,
    or moves nothing where pixels are to move; for a label that it does not have, and for labels that say two things.
    """
    data = config.data
    if data.domains or data.two_domains:
        raise ConfigError("movements go along with a label; this model's data has domains instead")
    if not data.close_up or not config.model.free_change:
        raise ConfigError(
            "movements are those of one part that sees faces from near and changes them, before it is joined with "
            "others; train one with --close_up and --free_change, as configs/celeba_smile.cfg does"
        )
    if PLACES[options.place].moves and not config.model.displacement:
        raise ConfigError(
            f"--place={options.place} moves pixels; train a model with --displacement, or give --place=beard"
        )
    if len(data.group_labels) != 1:
        raise ConfigError(f"movements are those of one group; the model has {', '.join(data.group_labels)}")
    if not options.label and len(data.label_names) != 1:
        raise ConfigError(f"--label is missing; the model has {', '.join(data.label_names)}")
    if options.label and options.label not in data.label_names:
        raise ConfigError(
            f"--label={options.label!r} is not one of the model's; {near(options.label, data.label_names)}"
        )
    label = options.label or data.label_names[0]
    for flag, names in (("kinds", options.kinds), ("never_given", options.never_given)):
        if label in names:
            raise ConfigError(
                f"--{flag}={','.join(names)} names {label} itself, with which things change; leave it out"
            )
    if both := set(options.kinds) & set(options.never_given):
        raise ConfigError(f"--kinds and --never_given both name {', '.join(sorted(both))}; name it in one of them")
    if options.never_given and not PLACES[options.place].moves:
        raise ConfigError(
            f"--never_given={','.join(options.never_given)}: with --place={options.place} nothing moves, and no mouth "
            "can close; give --never_given= (empty), and the labels in --kinds"
        )
    return label
