"""Masks of a folder of pictures: the files that --save_masks wrote beside results, found again for their inputs."""

from __future__ import annotations

import os
from pathlib import Path

MaskFiles = tuple[tuple[str, str], ...]  # (group, path) pairs; group "" where the model has only one
INFIX, END = ".input_mask.", ".png"


def masks_of(folder: str, names: list[str], places: list[str]) -> MaskFiles:
    """The input masks of one picture in a folder of masks: (group, path) pairs, none where there are none.

    Args:
      names: what its result may have been called, the likeliest first.
      places: sub-folders in which it may lie, the likeliest first; "" is the folder itself.
    """
    for place in dict.fromkeys(places):
        for name in dict.fromkeys(names):
            if found := _beside(Path(folder, place, name)):
                return found
    return ()


def has_masks(folder: str) -> bool:
    """Whether any file below a folder is named as an input mask of --save_masks is."""
    return any(INFIX in f and f.endswith(END) for _, _, files in os.walk(folder) for f in files)


def _beside(output: Path) -> MaskFiles:
    """The input masks that --save_masks wrote beside a result."""
    start = output.name + INFIX
    if not output.parent.is_dir():
        return ()
    found = sorted(n for n in os.listdir(output.parent) if n.startswith(start) and n.endswith(END))
    return tuple((name[len(start) : -len(END)], str(output.parent / name)) for name in found)
