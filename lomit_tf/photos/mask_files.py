"""Masks of a folder of pictures: the files that --save_masks wrote beside results, found again for their inputs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

MaskFiles = tuple[tuple[str, str], ...]  # (group, path) pairs; group "" where the model has only one
INFIX, END = ".input_mask.", ".png"


def saved_masks(folder: str) -> dict[str, MaskFiles]:
    """All input masks below a folder: path of the result, relative to the folder -> (group, path) pairs."""
    found: dict[str, MaskFiles] = {}
    for here, _, names in os.walk(folder):
        for name in sorted(names):
            result, infix, group = name.removesuffix(END).rpartition(INFIX)
            if infix and name.endswith(END):
                of = os.path.normpath(os.path.join(os.path.relpath(here, folder), result))
                found[of] = (*found.get(of, ()), (group, os.path.join(here, name)))
    return found


def masks_of(saved: Mapping[str, MaskFiles], names: Iterable[str], places: Iterable[str]) -> MaskFiles:
    """The masks of one picture among `saved_masks`: (group, path) pairs, none where there are none.

    Args:
      names: what its result may have been called, the likeliest first.
      places: sub-folders in which it may lie, the likeliest first; "" is the folder itself.
    """
    paths = [os.path.normpath(os.path.join(place, name)) for place in places for name in names]
    return next((saved[path] for path in paths if path in saved), ())
