"""Which models of whole pictures and of parts seen from near fit together."""

from __future__ import annotations

import pytest

from lomit_tf.config import ConfigError
from lomit_tf.training.joining import joint_config
from tests.helpers.joint_configs import SHARES, part_config, whole_config

pytestmark = pytest.mark.quick


@pytest.mark.parametrize(
    ("base", "part", "said"),
    [
        ({}, {"close_up": ""}, "trained with --close_up, as configs/celeba_smile.cfg"),
        ({"image_size": 192}, {}, "pictures of 128 pixels, and the base's have 192"),
        ({"crop": 100}, {}, "with --crop=178, and the base with --crop=100"),
        ({}, {"residual_blocks": 2}, "--residual_blocks=2, and what is painted from near has 4"),
        ({}, {"groups": "lips: Smiling"}, "has a group lips already"),
        ({}, {"attributes": ("Black_Hair",), "groups": "smile: Black_Hair"}, "Black_Hair is of another group"),
        ({"colour_groups": ("hair",)}, {}, "lips is painted freely"),
        ({"close_up": SHARES}, {}, "give it as --part, and a model of whole pictures"),
        ({}, {"colour_groups": ("smile",)}, "painted by colour curves"),
        ({}, {"attributes": ("Smiling", "Male"), "groups": "smile: Smiling; sex: Male"}, "has one group"),
    ],
)
def test_models_that_do_not_fit_are_refused(base, part, said):
    with pytest.raises(ConfigError, match=r"runs/smile|runs/base") as error:
        joint_config(whole_config(**base), {"runs/smile": part_config(**part)}, "runs/base")
    assert said in str(error.value)


def test_parts_move_by_one_reach():
    parts = {"a": part_config(displacement=4), "b": part_config("Male", "m", displacement=6)}
    with pytest.raises(ConfigError, match="the same --displacement or not at all; received a --displacement=4, b"):
        joint_config(whole_config(), parts)
