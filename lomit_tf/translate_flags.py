"""The flags of `lomit-translate`, and the jobs that they ask for. Imports no TensorFlow."""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from lomit_tf.config import near
from lomit_tf.file_plan import (
    ENDINGS,
    STREAM,
    FileJob,
    MaskFiles,
    PlanError,
    Settings,
    expand_exemplars,
    plan_folder,
    plan_one,
)  # fmt: skip

UNUSABLE = 2  # exit code for flags that cannot be used
HELP = """\
Translate pictures: transfer an attribute, such as hair colour, from the exemplar to the input, within the model's
masks. Two models are shipped: celeba_small for photographs of faces, drawn_faces for drawn faces.

  lomit-translate --model=celeba_small --input=photo.jpg --exemplar=star.jpg --output=out.png
      one picture; the face is found and framed, and everything outside of the masks stays as it was
  lomit-translate --model=celeba_small --input=photos --exemplar=star.jpg --output=results
      all pictures in a folder and its sub-folders; started again, it goes on with those that are missing
  lomit-translate --model=celeba_small --input=photo.jpg --exemplar=star.jpg --output=out.png --save_masks
      also the masks, as out.png.input_mask.<group>.png and out.png.exemplar_mask.<group>.png; edit them, and:
  lomit-translate --model=celeba_small --input=photo.jpg --exemplar=star.jpg --output=again.png \\
      --input_mask=out.png.input_mask.all.png
      white is changed, black stays
  cat photo.jpg | lomit-translate --model=celeba_small --input=- --exemplar=star.jpg --output=- > out.png
      from standard input to standard output

A JPEG is compressed anew when it is written: to keep what is outside of the masks to the bit, write PNG."""


def parser() -> argparse.ArgumentParser:
    """The flags of the command."""
    flags = _Parser(
        "lomit-translate",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="lomit-translate --model=M --input=I --exemplar=E --output=O [flags]",
        allow_abbrev=False,
    )
    endings = [ending[1:] for ending in ENDINGS.values()]

    def add(name: str, help: str, **options: Any) -> None:
        flags.add_argument(f"--{name}", help=help, **options)

    add(
        "model",
        "name of shipped weights, a --workdir of lomit_tf.train, or a checkpoint of one",
        required=True,
        metavar="M",
    )
    add("input", "picture, folder of pictures, or - for standard input", required=True, metavar="I")
    add(
        "exemplar",
        "picture, folder of pictures, or -; may be repeated: with several, the results of each lie in a sub-folder of "
        "its name below --output",
        required=True, metavar="E", action="append",
    )  # fmt: skip
    add(
        "output",
        "picture (png, jpg, webp, tif, bmp), - for standard output, or a folder, which mirrors the input's",
        required=True, metavar="O",
    )  # fmt: skip
    add(
        "input_mask",
        "where to change the input: white yes, black no, at the input's size; for a model of several groups name the "
        "group, and repeat the flag; for a folder, a folder of masks as --save_masks names them",
        metavar="[GROUP=]FILE", action="append", default=[],
    )  # fmt: skip
    add(
        "exemplar_mask", "what to take of the exemplar; the same way",
        metavar="[GROUP=]FILE", action="append", default=[],
    )  # fmt: skip
    add("groups", "take only these attribute groups from the exemplar (default: all that the model has)", metavar="A,B")
    add(
        "strength", "how much of the change to make: 0 none, 1 all, more exaggerates (default: 1)",
        metavar="X", type=float, default=1.0,
    )  # fmt: skip
    add(
        "crop",
        "what the model sees of the input: face (the largest; where there is none, the centre), center, none (all of "
        "it), or x,y,width,height in pixels (default: face)",
        metavar="HOW", default="face",
    )  # fmt: skip
    add(
        "exemplar_crop", "the same for the exemplar (default: as --crop where that is a word, else face)", metavar="HOW"
    )
    add(
        "keep_background",
        "leave everything outside of the masks as it was; without, see what the network itself paints (default: keep)",
        action=argparse.BooleanOptionalAction, default=True,
    )  # fmt: skip
    add("nokeep_background", argparse.SUPPRESS, dest="keep_background", action="store_false")
    add("save_masks", "also write the masks of input and exemplar, beside the output", action="store_true")
    add("compare", "also write input, exemplar and output side by side, as OUTPUT.compare.png", action="store_true")
    add(
        "format",
        f"of standard output, and in folders instead of each picture's own: {', '.join(endings)}",
        metavar="F", choices=endings,
    )  # fmt: skip
    add(
        "runner",
        "beam: with Apache Beam, for very many files; --input is then a folder or a pattern such as 'photos/**.jpg', "
        "what fails is listed in OUTPUT/failures.jsonl, and Beam's own flags follow after -- (default: local)",
        choices=("local", "beam"), default="local",
    )  # fmt: skip
    add("overwrite", "translate again what is there already (a single output always is)", action="store_true")
    return flags


class _Parser(argparse.ArgumentParser):
    """argparse with one line for each mistake, which names the near flags."""

    def error(self, message: str) -> NoReturn:
        if message.startswith("unrecognized arguments: "):
            word = message.removeprefix("unrecognized arguments: ").split()[0]
            known = [o for action in self._actions if action.help != argparse.SUPPRESS for o in action.option_strings]
            message = f"unknown flag {word}; {near(word.split('=')[0], known)}"
        self.exit(UNUSABLE, f"{self.prog}: {message}\n")


def plan(args: argparse.Namespace) -> list[FileJob] | Iterator[FileJob | OSError]:
    """The jobs that parsed flags ask for: a list for one picture, an iterator for a folder.

    Raises PlanError for flags that cannot be meant.
    """
    settings = settings_of(args)
    exemplars = expand_exemplars(args.exemplar)
    exemplar_mask = mask_files("exemplar_mask", args.exemplar_mask)
    if args.input != STREAM and os.path.isdir(args.input):
        masks = _one_folder_of_masks(args)
        return plan_folder(args.input, exemplars, args.output, settings, masks, exemplar_mask)
    settings = dataclasses.replace(settings, overwrite=True)
    return plan_one(
        args.input, exemplars, args.output, settings, mask_files("input_mask", args.input_mask), exemplar_mask
    )


def plan_beam(args: argparse.Namespace) -> dict[str, Any]:
    """The arguments of beam_jobs.Plan. Raises PlanError for flags that cannot be meant."""
    settings = settings_of(args)
    if STREAM in (args.input, args.output, *args.exemplar):
        raise PlanError("--runner=beam reads and writes files; - is for one picture, without it")
    return {
        "model": args.model, "input": args.input, "exemplars": tuple(expand_exemplars(args.exemplar)),
        "output": args.output, "settings": settings, "input_masks": _one_folder_of_masks(args),
        "exemplar_mask": mask_files("exemplar_mask", args.exemplar_mask),
    }  # fmt: skip


def _one_folder_of_masks(args: argparse.Namespace) -> str:
    if len(args.input_mask) > 1:
        raise PlanError("--input_mask: with a folder as --input, give one folder of masks")
    return "".join(args.input_mask)


def settings_of(args: argparse.Namespace) -> Settings:
    """How files are to be translated. Raises PlanError for a strength that cannot be meant."""
    if not (math.isfinite(args.strength) and args.strength >= 0):
        raise PlanError(f"--strength must be a number of at least 0; received {args.strength}")
    rectangle = "," in args.crop
    format = next((f for f, ending in ENDINGS.items() if ending[1:] == args.format), "")
    return Settings(
        crop=args.crop,
        exemplar_crop=args.exemplar_crop or ("face" if rectangle else args.crop),
        groups=None if args.groups is None else tuple(g.strip() for g in args.groups.split(",")),
        strength=args.strength,
        keep_background=args.keep_background,
        save_masks=args.save_masks,
        compare=args.compare,
        overwrite=args.overwrite,
        format=format,
    )


def mask_files(flag: str, values: Sequence[str]) -> MaskFiles:
    """(group, path) pairs of "path" or "group=path" values; group "" where none is named."""
    pairs = []
    for value in values:
        group, equals, path = value.partition("=")
        if not equals or os.path.exists(value):
            group, path = "", value
        if not os.path.isfile(path):
            raise PlanError(f"--{flag}={value}: no such file")
        pairs.append((group.strip(), path))
    if len({group for group, _ in pairs}) < len(pairs):
        raise PlanError(f"--{flag}: given more than once for a group; write --{flag}=GROUP=FILE, each group once")
    return tuple(pairs)
