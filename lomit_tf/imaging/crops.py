"""Crops and colours as a person writes them. Imports nothing heavy, so that mistakes are found at once."""

from __future__ import annotations

import contextlib
from typing import Any

from PIL import ImageColor

from lomit_tf.imaging.formats import ImageError

CROPS = ("face", "center", "none")


def parse_crop(crop: Any) -> tuple[str, tuple[int, int, int, int] | None]:
    """The crop's name and no rectangle, or "rectangle" and its x, y, width, height.

    Raises ImageError for anything else.
    """
    if isinstance(crop, str) and crop in (*CROPS, "centre"):
        return "center" if crop == "centre" else crop, None
    try:
        numbers = [int(n) for n in (crop.split(",") if isinstance(crop, str) else crop)]
        x, y, w, h = numbers
    except (TypeError, ValueError):
        raise ImageError(f"crop must be {', '.join(CROPS)}, or x,y,width,height in pixels; received {crop!r}") from None
    if min(x, y) < 0 or min(w, h) < 1:
        raise ImageError(
            f"crop x,y,width,height needs x and y of at least 0, width and height of at least 1; received {crop!r}"
        )
    return "rectangle", (x, y, w, h)


def parse_colour(text: str) -> tuple[int, int, int]:
    """A colour as red, green, blue in 0..255.

    Args:
      text: "#8a3b12" or "#83b", "rgb(138, 59, 18)", "hsl(20, 77%, 31%)", or a name of CSS ("saddlebrown"); case and
        spaces around do not count.

    Raises:
      ImageError: anything else, transparency included.
    """
    colour: tuple[int, ...] = ()
    with contextlib.suppress(ValueError):  # said below
        colour = ImageColor.getrgb(text.strip()) if isinstance(text, str) else ()
    if len(colour) != 3 or not all(0 <= c <= 255 for c in colour):
        raise ImageError(
            f"colour {text!r} cannot be read; give #rrggbb such as #8a3b12, rgb(138, 59, 18) or a CSS name such as "
            "saddlebrown"
        )
    return int(colour[0]), int(colour[1]), int(colour[2])
