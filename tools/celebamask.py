"""What the tools that measure on CelebAMask-HQ are asked: models, the data's folder, and which of its faces."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from lomit_tf import zoo
from lomit_tf.config import ConfigError
from lomit_tf.evaluation.metrics.truth import CELEBAMASK, REGION_OF


def asked(
    description: str | None, out: bool = False, group: bool = False, colours: bool = False,
    add: Callable[[argparse.ArgumentParser], None] = lambda parser: None,
) -> tuple[argparse.Namespace, list[Path]]:  # fmt: skip
    """The command line, and the pictures that it names: every other one, to choose by or to report.

    Args:
        description: of the tool.
        out: whether it writes files, and needs --out.
        group: whether it can measure another group than the first one that is painted by colour curves; the command
            line's `measured` then has each model's group, and the classes of CelebAMask-HQ that are its true region.
        colours: whether that must be a group that is painted by colour curves.
        add: gives the parser flags of the tool's own.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="shipped weights by name, workdirs or checkpoints")
    parser.add_argument("--data_dir", type=Path, required=True)
    parser.add_argument("--half", choices=("even", "odd", "all"), default="even")
    parser.add_argument("--faces", type=int, default=0, help="only so many of them, the first ones (0: all)")
    if out:
        parser.add_argument("--out", type=Path, required=True, help="folder for what is written")
    if group:
        parser.add_argument("--group", default="", help="of the models (empty: the first that takes colours)")
    add(parser)
    given = parser.parse_args()
    if given.faces < 0:
        parser.error(f"--faces must be at least 0; received {given.faces}")
    paths = sorted((given.data_dir / "images").glob("*.jpg"))
    paths = {"even": paths[::2], "odd": paths[1::2], "all": paths}[given.half][: given.faces or None]
    if not paths:
        parser.error(f"--data_dir={given.data_dir}: there is no images/*.jpg")
    without = [path for path in paths if not (given.data_dir / "masks" / f"{path.stem}.png").is_file()]
    if without:
        parser.error(f"--data_dir={given.data_dir}: {without[0].name} has no masks/{without[0].stem}.png")
    given.measured = {name: _measured(parser, name, given.group if group else None, colours) for name in given.models}
    return given, paths


def _measured(
    parser: argparse.ArgumentParser, name: str, asked_for: str | None, colours: bool
) -> tuple[str, tuple[int, ...]]:
    """A model's group to measure, and its classes; ends the program where there is none, before anything is loaded."""
    try:
        config = zoo.config_of(name)
    except ConfigError as error:
        parser.error(str(error))
    if asked_for is None:
        return "", ()
    known = config.data.group_labels
    able = [list(known)[i] for i in config.colour_indices]
    if not (asked_for or able):
        parser.error(f"{name} has no group that is painted by colour curves; name one of {', '.join(known)} by --group")
    group = asked_for or able[0]
    if group not in known:
        parser.error(f"--group={group}: {name} has {', '.join(known)}")
    if colours and group not in able:
        parser.error(f"--group={group}: {name} takes colours for {', '.join(able) or 'no group'}")
    regions = {REGION_OF.get(label) for label in known[group]} & set(CELEBAMASK)
    if not regions:
        parser.error(f"--group={group}: its labels ({', '.join(known[group])}) have no region in CelebAMask-HQ")
    return group, tuple(sorted({index for region in regions for index in CELEBAMASK[region]}))


def true_region(folder: Path, path: Path, classes: tuple[int, ...], size: tuple[int, int]) -> np.ndarray:
    """Where a picture's classes are some of `classes`, at a size (width, height): (height, width) bool."""
    with Image.open(folder / "masks" / f"{path.stem}.png") as found:
        return np.isin(np.asarray(found.resize(size, Image.Resampling.NEAREST)), classes)
