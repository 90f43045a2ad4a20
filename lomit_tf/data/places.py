"""Where the images lie that a table names: found as they are written, or told what was tried and what is near."""

from __future__ import annotations

import difflib
import functools
import itertools
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from lomit_tf.data.host import decode
from lomit_tf.data.image_set import DataError
from lomit_tf.data.opening import CorruptImageError

ASKED = 100  # files that are looked for, to find out where they lie; to ask for all takes long
FEW = 5_000  # files of a folder that are compared letter by letter


def is_hidden(name: str) -> bool:
    """Whether a file's name begins with a dot: no picture then, whatever its ending (macOS writes `._` twins)."""
    return name.replace("\\", "/").rpartition("/")[2].startswith(".")


def find_images(names: Sequence[str], folders: Sequence[Path], table: str) -> Callable[[str], Path]:
    """Where each of the images is: in the folder that holds most of the first ones, with / for Windows' \\.

    Args:
      names: as the table has them, at least one.
      folders: in which to look.
      table: for messages.

    Raises DataError where none of the first ones is found: what was tried, and the near names that are there.
    """
    first = names[:ASKED]
    ways: list[Callable[[str], str]] = [str, lambda name: name.replace("\\", "/")]
    best, place = 0, None
    for way in ways:
        for folder in folders:
            count = sum((folder / way(name)).is_file() for name in first)
            if count > best:
                best, place = count, (folder, way)
    if place is None:
        tried = dict.fromkeys(str(folder / way(first[0])) for folder in folders for way in ways)
        plain = ways[1](first[0])
        near = dict.fromkeys(found for folder in folders for found in near_names(folder / plain))
        near = near or dict.fromkeys(found for folder in folders for found in _below(folder, Path(plain)))
        there = f"near names that are there: {', '.join(near)}" if near else "and no name there is like it"
        raise DataError(
            f"{table} names {first[0]}, and neither it nor the {len(first) - 1} next ones are there; tried "
            f"{', '.join(tried)}; {there}. The names in the table must be those of the files, with their endings and "
            "in the same case"
        )
    folder, way = place
    return lambda name: folder / way(name)


def read_image(path: str) -> np.ndarray:
    """`decode`; where there is no such file, the message of the CorruptImageError has the near names."""
    try:
        return decode(path)
    except CorruptImageError as error:
        if os.path.exists(path) or not (near := near_names(Path(path))):
            raise
        raise CorruptImageError(f"{error}; near: {', '.join(near)}") from error


def near_names(path: Path) -> list[str]:
    """Names that are like a path's, of files beside it: of another case or ending first; at most 3."""
    # The folder may not be there either, as of C:\\faces\\a.jpg: look where it should begin.
    folder = next((parent for parent in path.parents if parent.is_dir()), path.parent)
    folded = path.name.casefold()
    by_stem, names = _listed(str(folder), os.stat(folder).st_mtime_ns if folder.is_dir() else 0)
    alike = by_stem.get(folded.rpartition(".")[0] or folded, []) + by_stem.get(folded, [])
    if not alike and len(names) <= FEW:
        alike = difflib.get_close_matches(path.name, names, n=3)
    return list(dict.fromkeys(alike))[:3]


def _below(folder: Path, path: Path) -> list[str]:
    """Files anywhere below a folder that are called as a path's last part, but for case and ending; at most 3."""
    files = (Path(root, name) for root, _, names in os.walk(folder) for name in names if not is_hidden(name))
    alike = (file for file in itertools.islice(files, FEW) if file.stem.casefold() == path.stem.casefold())
    return [str(file.relative_to(folder)) for file in itertools.islice(alike, 3)]


@functools.lru_cache(maxsize=8)
def _listed(folder: str, changed: int) -> tuple[dict[str, list[str]], list[str]]:
    """The files of a folder, as it was at its last change: by the stem in small letters, and all."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if not is_hidden(entry.name) and entry.is_file())
    except OSError:
        return {}, []
    by_stem: dict[str, list[str]] = {}
    for name in names:
        by_stem.setdefault(name.casefold().rpartition(".")[0] or name.casefold(), []).append(name)
    return by_stem, names
