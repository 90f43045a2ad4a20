"""A colour that a person names, as an exemplar; and group names that a person gives, as numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lomit_tf.config import near
from lomit_tf.engines.outline import COLOURS_ONLY, Outline
from lomit_tf.imaging import colours, framing
from lomit_tf.imaging.formats import ImageError
from lomit_tf.imaging.photo import from_array
from lomit_tf.photos.translation import Exemplar

SIDE = 64  # of the picture that stands for a colour


def swatch_exemplar(outline: Outline, colour: str, groups: Sequence[str] | str | None = None) -> Exemplar:
    """The exemplar of `Translator.encode_colour`: moments of hair of this colour, and no code. Raises as it does."""
    red_green_blue = colours.parse(colour)
    names = outline.groups
    able = tuple(names[g] for g in outline.coloured)
    if not able:
        raise ImageError(
            f"colour {colour!r}: no group of this model is painted by colour curves; give an exemplar, or use a "
            "model with colour groups"
        )
    chosen = chosen_groups(names, able[:1] if groups is None else groups)
    for i, name in enumerate(names):
        if chosen[i] and name not in able:
            raise ImageError(f"colour {colour!r}: {name} is not a colour; colours can be set for {', '.join(able)}")
    styles = np.zeros((len(names), outline.style_size), np.float32)
    styles[chosen > 0, outline.code_size : -1] = colours.moments(red_green_blue)
    styles[chosen > 0, -1] = COLOURS_ONLY
    picture = from_array(np.full((SIDE, SIDE, 3), red_green_blue, np.uint8), colour)
    everywhere = np.ones((SIDE, SIDE), np.float32)
    masks = {name: everywhere * chosen[i] for i, name in enumerate(names)}
    return Exemplar(styles, masks, picture, framing.Window(0, 0, SIDE, SIDE), colour=colour, colourable=able)


def chosen_groups(known: Sequence[str], groups: Sequence[str] | str | None) -> np.ndarray:
    """(G,) float32, 1 for each of the known groups that is asked for; all where nothing is said.

    Args:
        known: the model's G groups.
        groups: names, or one text with commas between them.

    Raises:
        ImageError: a name that is not a group, or none at all.
    """
    if groups is None:
        return np.ones(len(known), np.float32)
    names = [n.strip() for n in groups.split(",")] if isinstance(groups, str) else list(groups)
    for name in names:
        if name not in known:
            raise ImageError(f"{name!r} is not a group of this model; {near(str(name), known)}")
    if not names:
        raise ImageError(f"groups is empty; name some of {', '.join(known)}, or leave it out for all")
    return np.array([name in names for name in known], np.float32)
