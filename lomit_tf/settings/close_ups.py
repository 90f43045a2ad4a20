"""Parts of a picture that are seen from near: where they lie, as settings say it and in pixels."""

from __future__ import annotations

from fractions import Fraction

from lomit_tf.settings.options import ConfigError

Box = tuple[int, int, int]  # left and upper side and width, in pixels of the whole picture
EXAMPLE = "0.25,0.5,0.5"  # the lower face in CelebA's framing


def parse_box(flag: str, text: str) -> tuple[Fraction, Fraction, Fraction]:
    """Left, top and width of a square, as shares of the whole picture's side: "0.25,0.5,0.5" is the lower face.

    Raises ConfigError, naming the flag, for anything that is no square within the picture.
    """
    try:
        left, top, width = (Fraction(part.strip()) for part in text.split(","))
    except (ValueError, ZeroDivisionError):
        raise ConfigError(
            f"--{flag}: cannot read {text.strip()!r}; write left, top and width as shares of the side, as in {EXAMPLE}"
        ) from None
    if not (left >= 0 and top >= 0 and 0 < width < 1 and left + width <= 1 and top + width <= 1):
        raise ConfigError(
            f"--{flag}: left, top and width are shares of the side, and the square must lie within the picture and be "
            f"smaller than it; received {text.strip()}"
        )
    return left, top, width


def box_of(text: str, side: int) -> tuple[Box, int]:
    """The square that --close_up names, `side` pixels wide, and the side of the whole pictures that it is a part of.

    Raises ConfigError where that is no whole number of pixels.
    """
    box = parse_box("close_up", text)
    whole = side / box[2]
    if whole.denominator != 1:
        raise ConfigError(
            f"--close_up={text}: {side} pixels (--image_size) are no such share of a picture of whole pixels; take 1/2 "
            "or 1/4 of the side"
        )
    return in_pixels("close_up", box, int(whole), 1), int(whole)


def parse_boxes(text: str) -> dict[str, tuple[Fraction, Fraction, Fraction]]:
    """Group -> its square, from "smile: 0.25,0.5,0.5; beard: 0.25,0.5,0.5". Raises ConfigError for anything else."""
    found = {}
    for part in filter(None, (p.strip() for p in text.split(";"))):
        name, colon, box = part.partition(":")
        if not colon or not name.strip() or name.strip() in found:
            raise ConfigError(
                f'--close_ups: cannot read {part!r}; write "group: {EXAMPLE}; group: ...", each group once'
            )
        found[name.strip()] = parse_box("close_ups", box)
    return found


def in_pixels(flag: str, box: tuple[Fraction, Fraction, Fraction], size: int, multiple: int) -> Box:
    """A square in pixels of whole pictures of side `size`.

    Raises ConfigError where it does not begin at a whole pixel, or its width is no multiple of `multiple`.
    """
    left, top, width = (share * size for share in box)
    if any(n.denominator != 1 for n in (left, top, width)) or width % multiple:
        shares = ",".join(f"{float(share):g}" for share in box)
        raise ConfigError(
            f"--{flag}={shares} is {float(left):g},{float(top):g},{float(width):g} in pictures of {size} pixels; it "
            f"must be whole pixels, and the width a multiple of {multiple}"
        )
    return int(left), int(top), int(width)
