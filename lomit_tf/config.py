"""The configuration of one LOMIT training run, as frozen dataclasses that check themselves.

Every field is also an absl flag (lomit_tf/commands/flags.py is generated from these fields) and a line of a flagfile in
configs/. This is the address of all of it; the sections, and `LomitConfig` of them, are in lomit_tf/settings/. Nothing
here imports TensorFlow, absl or Keras.
"""

from lomit_tf.settings.data import (
    DATASETS,
    DEFAULT_ATTRIBUTES,
    DRAWN_ATTRIBUTES,
    IMAGE_MULTIPLE,
    PAPER_ATTRIBUTES,
    DataConfig,
    parse_domains,
    parse_groups,
)
from lomit_tf.settings.loss import LossConfig, loss_defaults
from lomit_tf.settings.model import COLOUR_MOMENTS, PRESETS, STYLE_DIM, ModelConfig
from lomit_tf.settings.options import NEEDED, ConfigError, near, option
from lomit_tf.settings.run import RESUMABLE, SECTIONS, LomitConfig, field_names
from lomit_tf.settings.schedule import Schedule
from lomit_tf.settings.training import TrainingConfig

__all__ = [
    "COLOUR_MOMENTS", "DATASETS", "DEFAULT_ATTRIBUTES", "DRAWN_ATTRIBUTES", "IMAGE_MULTIPLE", "NEEDED",
    "PAPER_ATTRIBUTES", "PRESETS",
    "RESUMABLE", "SECTIONS", "STYLE_DIM", "ConfigError", "DataConfig", "LomitConfig", "LossConfig", "ModelConfig",
    "Schedule", "TrainingConfig", "field_names", "loss_defaults", "near", "option", "parse_domains", "parse_groups",
]  # fmt: skip
