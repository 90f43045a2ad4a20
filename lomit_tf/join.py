"""Put models together: `python -m lomit_tf.join --base=celeba_colours --part=runs/smile --out=celeba`, or `lomit-join`.

Exit codes: 0 done; 2 models that do not fit together, or flags that cannot be used.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from lomit_tf import zoo
from lomit_tf.commands import UNUSABLE, Command, Failure, FlagSet
from lomit_tf.commands.models import check_model
from lomit_tf.config import NEEDED, ConfigError, option

INTRO = """\
Put a model of whole pictures and models that see a part of them from near together into one.

  python -m lomit_tf.join --base=celeba_colours --part=runs/celeba_smile --part=runs/celeba_facial_hair --out=celeba_all
  python -m lomit_tf.translate --model=celeba_all --groups=smile --input=me.jpg --exemplar=star.jpg --output=out.jpg

The base paints all its groups by colour curves. A part has one group and was trained as configs/celeba_smile.cfg says:
--close_up, --preset=near, --free_change, --relative_styles, --mask_feather=4, --mask_contrast=1, --style_margin=4;
with or without --displacement.
The result is a folder of weights, which everything takes that takes the name of a model."""


@dataclasses.dataclass(frozen=True)
class Options:
    """The models, and where the result goes."""

    base: str = option(NEEDED, "model of whole pictures: a name, a workdir or a checkpoint", form="M")
    part: tuple[str, ...] = option(
        NEEDED, "model that was trained with --close_up; may be given several times", form="M", repeated=True
    )
    out: str = option(NEEDED, "new folder for the weights", form="DIR")
    overwrite: bool = option(False, "also when the folder has weights already")


FLAGS = FlagSet(Options, INTRO)


def run(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code (see the module)."""
    return COMMAND.run(argv)


def _check(options: Options) -> None:
    from lomit_tf.training.joining import joint_config

    check_model("base", options.base)
    for name in options.part:
        _check_part(name)
        if options.part.count(name) > 1:
            raise ConfigError(f"--part={name} is given {options.part.count(name)} times; give each part once")
    if not options.overwrite and (Path(options.out).expanduser() / zoo.MANIFEST).exists():
        raise ConfigError(f"--out={options.out}: there are weights already; give another folder, or --overwrite")
    parts = {f"--part={name}": zoo.config_of(name) for name in options.part}
    joint_config(zoo.config_of(options.base), parts, f"--base={options.base}")


def _check_part(name: str) -> None:
    """Raise ConfigError for a part that is not there: shipped weights, which are none, are not named as near to it."""
    from lomit_tf.training.checkpoints import find
    from lomit_tf.training.joining import A_PART

    if not name:
        raise ConfigError(f"--part is empty; give {A_PART}")
    if zoo.folder_of(name) is None:
        try:
            find(name)
        except ConfigError as error:
            raise ConfigError(f"--part={name}: {str(error).partition(';')[0]}; give {A_PART}") from error
    check_model("part", name)


def _join(options: Options) -> None:
    import lomit_tf
    from lomit_tf.training.joining import joined

    folder = Path(options.out).expanduser()
    try:
        model = joined(lomit_tf.load(options.base), {name: lomit_tf.load(name) for name in options.part})
        command = " ".join(
            ["python -m lomit_tf.join", f"--base={options.base}", *(f"--part={p}" for p in options.part)]
        )
        notices = [note for note in (zoo.notice(name) for name in (options.base, *options.part)) if note]
        zoo.save_folder(model, folder, {"command": command} | ({"notice": notices[0]} if notices else {}))
    except (ConfigError, OSError) as error:
        raise Failure(str(error), UNUSABLE) from error
    print(f"{folder}: {', '.join(model.group_names)}")


COMMAND = Command("lomit-join", FLAGS.help_text, FLAGS.parse, _join, check=_check)

if __name__ == "__main__":
    sys.exit(run())
