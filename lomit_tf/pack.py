"""Pack a data set into one small file: `python -m lomit_tf.pack`, or `lomit-pack`. `--help` lists the flags.

Exit codes: 0 done; 1 done but for images that cannot be read, which are named; 2 flags, data or a file that cannot be
used; 130 or 143 interrupted by Ctrl-C or SIGTERM: the same command goes on.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from lomit_tf.commands import FAILED, Command, FlagSet, report, unusable
from lomit_tf.config import DATASETS, NEEDED, DataConfig, option

INTRO = """\
Pack a data set for a machine that trains: squared images as WebP, with their labels, in one file.

  python -m lomit_tf.pack --dataset=celeb_a --data_dir=/path/to/celeba --crop=178 --image_size=128 --out=celeba.zip
      all images at 128 pixels; with --max_mb=500 as many as fit, a fair sample of all splits
  python -m lomit_tf.pack --unpack=celeba.zip --out=celeba
      there: a folder that the same flagfile takes as --data_dir

Stopped, the same command goes on where it was."""
SHOWN = 5


@dataclasses.dataclass(frozen=True)
class PackFlags:
    """What a command line asks for."""

    out: str = option(NEEDED, "the file to write; with --unpack, the folder", form="FILE|DIR")
    unpack: str = option("", "unpack this file into --out instead", form="FILE")
    dataset: str = option("celeb_a", "which data set to pack", tuple(n for n in DATASETS if n != "drawn_faces"))
    data_dir: str = option("", "folder of the data set", form="DIR")
    labels_file: str = option("", "labelled_folder only: its table of labels (default: the only one in data_dir)")
    attributes: tuple[str, ...] = option((), "labels to take along (default: all of CelebA's)")
    image_size: int = option(128, "height and width in pixels, a multiple of 64")
    crop: int = option(178, "centre crop in pixels before the resize (0: the largest centred square)", least=0)
    quality: int = option(90, "of WebP, from 1 to 100", least=1, most=100)
    max_mb: float = option(0.0, "MiB that the file may take (0: no limit)", least=0)


FLAGS = FlagSet(PackFlags, INTRO)


def run(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code (see the module)."""
    done = "the same command goes on where it was"
    return Command("lomit-pack", FLAGS.help_text, FLAGS.parse, _pack, done, backends=()).run(argv)


def _pack(flags: PackFlags) -> int:
    from lomit_tf.data import packing
    from lomit_tf.data.image_set import DataError

    out = Path(flags.out).expanduser()
    with unusable(DataError):
        if flags.unpack:
            count = packing.unpack(Path(flags.unpack).expanduser(), out, _say)
            report(f"{count} files unpacked", {"folder": out})
            return 0
        config = _config(flags)
        out.parent.mkdir(parents=True, exist_ok=True)
        packed = packing.pack(
            config, out, max_bytes=int(flags.max_mb * 2**20), quality=flags.quality, say=_say
        )  # fmt: skip
    report(f"{packed.images} of {packed.total} images, {packed.size / 2**20:.1f} MiB", {"file": out})
    for name in packed.corrupt[:SHOWN]:
        print(f"cannot be read, left out: {name}", file=sys.stderr)
    if len(packed.corrupt) > SHOWN:
        print(f"and {len(packed.corrupt) - SHOWN} more", file=sys.stderr)
    return FAILED if packed.corrupt else 0


def _config(flags: PackFlags) -> DataConfig:
    """The data set as it is packed; of CelebA all labels where none are named."""
    from lomit_tf.data import celeb_a

    attributes = flags.attributes
    if flags.dataset == "celeb_a" and not attributes:
        attributes = celeb_a.all_attributes(flags.data_dir)
    return DataConfig(
        dataset=flags.dataset, data_dir=flags.data_dir, labels_file=flags.labels_file, attributes=attributes,
        image_size=flags.image_size, crop=flags.crop,
    )  # fmt: skip


def _say(done: int, total: int) -> None:
    print(f"{done} of {total}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(run())
