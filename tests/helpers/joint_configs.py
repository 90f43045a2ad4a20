"""Settings of models that see whole pictures or a part of each from near, and can be joined."""

from __future__ import annotations

from lomit_tf.config import LomitConfig

SHARES = "0.25,0.5,0.5"


def whole_config(**fields) -> LomitConfig:
    return LomitConfig.create(
        "small", **{
            "dataset": "celeb_a", "system": "recipe", "image_size": 128,
            "attributes": ("Black_Hair", "Wearing_Lipstick"),
            "groups": "hair: Black_Hair; lips: Wearing_Lipstick", "colour_groups": ("hair", "lips"), "base_channels": 8,
            "unfiltered_groups": ("lips",), "mask_filter": 4, "connected_groups": ("hair",), "style_margin": 4,
            "match": (), "pairing": "differing",
        } | fields
    )  # fmt: skip


def part_config(label: str = "Smiling", group: str = "smile", **fields) -> LomitConfig:
    return LomitConfig.create(
        "near", **{
            "dataset": "celeb_a", "system": "recipe", "image_size": 64, "close_up": SHARES,
            "attributes": (label,), "groups": f"{group}: {label}", "style_margin": 4, "mask_contrast": 1.0,
            "free_change": True, "relative_styles": True, "mask_feather": 4,
        } | fields
    )  # fmt: skip
