"""What the tools that measure hair on CelebAMask-HQ are asked: models, the data's folder, and which of its faces."""

from __future__ import annotations

import argparse
from pathlib import Path


def asked(description: str | None, out: bool = False) -> tuple[argparse.Namespace, list[Path]]:
    """The command line, and the pictures that it names: every other one, to choose by or to report.

    Args:
        description: of the tool.
        out: whether it writes files, and needs --out.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", metavar="MODEL", help="shipped weights by name, workdirs or checkpoints")
    parser.add_argument("--data_dir", type=Path, required=True)
    parser.add_argument("--half", choices=("even", "odd", "all"), default="even")
    parser.add_argument("--faces", type=int, default=0, help="only so many of them, the first ones (0: all)")
    if out:
        parser.add_argument("--out", type=Path, required=True, help="folder for what is written")
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
    return given, paths
