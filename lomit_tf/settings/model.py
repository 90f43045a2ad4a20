"""The settings of the networks, and the presets of their sizes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from lomit_tf.settings.close_ups import parse_boxes
from lomit_tf.settings.methods import DEFAULT, ROOMS
from lomit_tf.settings.options import ConfigError, ConfigSection, option

SYSTEMS = ("paper", "recipe")
STYLE_DIM = 8  # length of a style code
COLOUR_MOMENTS = 8  # of a region's colours: three means, three deviations, and two slopes over luminance


@dataclasses.dataclass(frozen=True)
class ModelConfig(ConfigSection):
    """Which system, and the sizes of its networks; the defaults are the paper's (docs/method.md, 2, 3 and 6)."""

    method: str = option(DEFAULT, f"which system to train, one of {', '.join(ROOMS)} (docs/compared_systems.md); those other than lomit have networks, losses, rates and an --n_critic of their own")
    method_size: str = option("authors", "sizes of the networks of a method other than lomit: authors, its authors' own, or small, for a CPU")
    system: str = option("paper", "paper: one translation without a composite, coupled masks, an unconditional critic; recipe: a composite with the input, decoupled masks, a critic that knows the labels, skip connections, normalised style codes (docs/method.md, 6)", SYSTEMS)
    base_channels: int = option(64, "channels of the first convolution of every generator-side network")
    residual_blocks: int = option(4, "residual blocks in the content encoder and in the decoder")
    edge_kernel: int = option(7, "kernel of the first and last convolutions, at full resolution; those after an upsampling take the same, at most 5")
    style_downsamples: int = option(4, "stride-2 convolutions of the style encoder")
    style_pool: int = option(1, "average local regions over squares of this side before the style encoder (1: full size)", (1, 2, 4))
    style_margin: int = option(0, "recipe: paint the foreground style this many pixels beyond the mask; the composite shows it only within the mask, and from it the mask learns where to grow (docs/method.md, eq. (3.6))")
    mask_upsamples: int = option(2, "learned upsampling stages of the mask decoder; what is missing to full size is bilinear")
    mask_skips: bool = option(False, "the mask decoder also sees the content encoder's finer features, for sharper outlines")
    mask_filter: int = option(0, "radius in pixels of a guided filter that gives the masks the image's edges (0: none)")
    unfiltered_groups: tuple[str, ...] = option((), "comma-separated groups whose masks --mask_filter leaves as they are, such as lips, which are smaller than the filter's squares; in photographs they end with the crop")
    mask_contrast: float = option(0.0, "how far masks are sharpened towards 0 and 1 (smoothstep from 0.2 to 0.45), from 0 to 1; training ramps it in with the masks' own losses")
    mask_feather: int = option(0, "pixels over which masks fade out at their edges, after the contrast (0: none), so that what is painted freely has no seam")
    colour_groups: tuple[str, ...] = option((), "recipe: comma-separated groups that are painted by colour curves, such as hair; the others are painted pixel by pixel (a model without --groups has one, named all)")
    free_change: bool = option(False, "recipe: groups that are not painted by curves are painted as a change: the input, and what G makes of it in the wanted styles less what it makes of it in its own, so that the input's details stay (docs/method.md, eq. (3.10))")
    displacement: int = option(0, "pixels of the model's own that a style may move the input's by in each direction, with --free_change, so that a mouth opens and closes as a movement and stays sharp; between two styles it may be twice as far (0: none; at most 32; docs/method.md, eq. (3.15))")
    relative_styles: bool = option(False, "the style encoder sees the colours of each region less their mean over it, so that a style says nothing of the skin's colour (docs/method.md, eq. (2.13))")
    close_ups: str = option("", 'recipe: groups that networks of their own paint from near, and the square of the picture that these see: left, top and width as shares of its side, e.g. "smile: 0.25,0.5,0.5". All others are --colour_groups. Such a model is put together by python -m lomit_tf.join of models that were trained apart')
    connected_groups: tuple[str, ...] = option((), "comma-separated groups whose mask is one connected region, such as hair: in photographs, smaller parts apart from the largest are left out; no effect in training")
    competing_groups: tuple[str, ...] = option((), "comma-separated groups of hair, among --colour_groups, on faces framed as CelebA's are: in photographs, hair, skin, background and clothes compete for each pixel by the picture's own colours (docs/method.md, eq. (10.8)); no effect in training")
    critic_channels: int = option(64, "channels of the critic's first convolution")
    critic_layers: int = option(6, "stride-2 convolutions of the critic")

    def check(self) -> None:
        """Cross-field rules of the networks."""
        self.positive("base_channels", "edge_kernel", "critic_channels", "critic_layers")
        self.at_most_one("mask_contrast")
        if self.mask_upsamples > 2:
            raise ConfigError(f"--mask_upsamples is at most 2 (the content is a quarter of the image); received {self.mask_upsamples}")
        if self.style_margin and not self.recipe:
            raise ConfigError(f"--style_margin={self.style_margin} needs --system=recipe, whose composite cuts the margin off again; received --system={self.system}")
        if self.colour_groups and not self.recipe:
            raise ConfigError(f"--colour_groups={','.join(self.colour_groups)} needs --system=recipe: curves change the input itself; received --system={self.system}")
        if self.free_change and not self.recipe:
            raise ConfigError(f"--free_change needs --system=recipe, whose composite keeps the input; received --system={self.system}")
        if self.displacement > 32:
            raise ConfigError(f"--displacement is at most 32 of the model's pixels; received {self.displacement}")
        if self.displacement and not (self.free_change or self.close_ups):
            raise ConfigError(f"--displacement={self.displacement} needs --system=recipe and --free_change: only an input that is kept can be moved; received --system={self.system} and {'--free_change' if self.free_change else '--nofree_change'}")
        if self.close_ups:
            parse_boxes(self.close_ups)
            if not (self.recipe and self.colour_groups):
                raise ConfigError(f"--close_ups={self.close_ups} needs --system=recipe, and --colour_groups for what is not painted from near; received --system={self.system} and --colour_groups={','.join(self.colour_groups)}")
        if self.mask_skips and not self.mask_upsamples:
            raise ConfigError("--mask_skips needs --mask_upsamples=1 or 2, the stages that take the finer features; received 0")
        if self.critic_layers > 6:
            raise ConfigError(f"--critic_layers is at most 6; received {self.critic_layers}")
        if self.edge_kernel % 2 == 0:
            raise ConfigError(f"--edge_kernel must be odd; received {self.edge_kernel}")

    @property
    def recipe(self) -> bool:
        """Whether the system is ours; what that turns on is in docs/method.md, 6."""
        return self.system == "recipe"

    @property
    def near(self) -> ModelConfig:
        """The networks that paint one group of `close_ups`."""
        return ModelConfig(**NEAR, displacement=self.displacement)

    @property
    def upsample_kernel(self) -> int:
        """Kernel of the convolutions after each upsampling."""
        return min(5, self.edge_kernel)

    @property
    def mlp_width(self) -> int:
        """Hidden width of the MLPs that turn a style code into AdaIN statistics."""
        return 4 * self.base_channels


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "lomit": {},
    "small": {
        "base_channels": 16, "residual_blocks": 2, "edge_kernel": 3, "style_downsamples": 3, "style_pool": 2,
        "mask_upsamples": 1, "critic_channels": 32, "critic_layers": 4,
    },
    "medium": {
        "base_channels": 16, "residual_blocks": 6, "edge_kernel": 3, "style_downsamples": 3, "style_pool": 4,
        "mask_skips": True, "critic_channels": 32, "critic_layers": 5,
    },
    "mobile": {
        "base_channels": 16, "residual_blocks": 3, "edge_kernel": 3, "style_downsamples": 3, "style_pool": 4,
        "mask_upsamples": 1, "mask_skips": True, "critic_channels": 32,
    },
    "near": {
        "base_channels": 16, "residual_blocks": 4, "edge_kernel": 3, "style_downsamples": 3, "style_pool": 2,
        "mask_upsamples": 1, "mask_skips": True, "critic_channels": 32, "critic_layers": 4,
    },
}  # fmt: skip
# What the networks of a group of `close_ups` are. They paint a change of the input, since what they give is added.
NEAR: Mapping[str, Any] = {
    **PRESETS["near"], "system": "recipe", "style_margin": 4, "mask_contrast": 1.0, "free_change": True,
    "relative_styles": True, "mask_feather": 4,
}  # fmt: skip
