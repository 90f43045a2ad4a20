"""Translated pictures without training: `python -m lomit_tf.demo`, with the shipped weights.

Exit codes: 0 done; 1 a picture cannot be written; 2 a flag or model that cannot be used; 130 or 143 interrupted.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lomit_tf import zoo
from lomit_tf.commands import Command, FlagSet, report, writing
from lomit_tf.commands.models import check_model
from lomit_tf.config import ConfigError, option
from lomit_tf.runtime.places import check_file

if TYPE_CHECKING:
    from lomit_tf.model import Lomit

INTRO = """\
Translate two portraits after colours and after each other, with the shipped weights.

  python -m lomit_tf.demo
      writes an overview, runs/demo.png, and each result at its full size into runs/demo
  python -m lomit_tf.demo --model=drawn_faces
      drawn faces that were not in the training data, as runs/demo.png"""


@dataclasses.dataclass(frozen=True)
class DemoFlags:
    """What a command line asks for."""

    model: str = option(zoo.DEFAULT, "shipped weights or a workdir, trained on faces or drawn faces", form="M")
    out: str = option(
        "runs/demo.png", "the picture; for portraits an overview, beside a folder of its name", form="FILE.png"
    )
    pairs: int = option(8, "how many drawn faces, 1 to 64")
    seed: int = option(0, "which drawn faces", least=0)


FLAGS = FlagSet(DemoFlags, INTRO)


def run(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code (see the module)."""
    return Command("lomit-demo", FLAGS.help_text, FLAGS.parse, _demo, "what is written stays", check=_check).run(argv)


def _check(flags: DemoFlags) -> None:
    from lomit_tf.imaging.formats import ImageError, format_of
    from lomit_tf.photos.steps import FACE_DATASETS

    if not 1 <= flags.pairs <= 64:
        raise ConfigError(f"--pairs lies between 1 and 64; received {flags.pairs}")
    dataset = check_model("model", flags.model).data.dataset
    if dataset not in (*FACE_DATASETS, "drawn_faces"):
        raise ConfigError(f"--model={flags.model} was trained on {dataset}; the demo shows faces and drawn faces only")
    try:
        format_of(flags.out)
    except ImageError as error:
        raise ConfigError(f"--out={error}") from error
    check_file("out", Path(flags.out))
    print(f"loading {flags.model} ...", flush=True)


def _demo(flags: DemoFlags) -> None:
    from lomit_tf.photos.steps import FACE_DATASETS

    model, out = zoo.load(flags.model), Path(flags.out)
    with writing(f"--out={flags.out}"):
        if model.config.data.dataset in FACE_DATASETS:
            _portraits(model, flags.model, out)
        else:
            _drawn_faces(model, out, flags.pairs, flags.seed)


def _portraits(model: Lomit, name: str, out: Path) -> None:
    """The portraits after every colour, if the model can, and after each other; says so while it goes on."""
    from lomit_tf.imaging import overview
    from lomit_tf.imaging.writing import save
    from lomit_tf.photos import portraits
    from lomit_tf.photos.translator import Translator

    translator = Translator(model, log_notes=False)
    if notice := zoo.notice(name):
        print(notice)
    print(f"portraits: {portraits.CREDIT}", flush=True)
    folder = out.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    faces = {person: translator.prepare(path) for person, path in portraits.PORTRAITS.items()}
    colours = portraits.SWATCHES if translator.colour_groups else {}
    if not colours:
        print("this model paints no colours by curves: the portraits take each other's look only")
    styles = {person: translator.encode_exemplar(face) for person, face in faces.items()}
    rows = []
    for person, face in faces.items():
        row = [overview.Tile(face.photo.rgb, person)]
        exemplars = {word: translator.encode_colour(colour) for word, colour in colours.items()}
        exemplars |= {f"as {other}": style for other, style in styles.items() if other != person}
        for word, exemplar in exemplars.items():
            start = time.perf_counter()
            result = translator.translate(face, exemplar=exemplar)
            path = folder / f"{portraits.PORTRAITS[person].stem}_{word.replace(' ', '_').lower()}.png"
            save(result.photo, path)
            print(f"  {path}  ({time.perf_counter() - start:.1f} s)", flush=True)
            row.append(overview.Tile(result.photo.rgb, f"{word} {exemplar.colour}".strip(), exemplar.colour))
        rows.append(row)
    overview.write(rows, out)
    report(
        "two portraits, outside of the masks unchanged to the bit: first as they are, then in each colour and style",
        {"overview": out, "each at full size": folder},
    )


def _drawn_faces(model: Lomit, out: Path, pairs: int, seed: int) -> None:
    """`pairs` drawn faces of the test split with exemplars, as one grid."""
    import tensorflow as tf

    from lomit_tf.data.pairs import sample_pairs
    from lomit_tf.data.sources import open_set
    from lomit_tf.training import grid

    data = model.config.data
    drawn = sample_pairs(open_set(data, "test"), data, pairs, seed)
    found = model.translate(tf.constant(drawn["x1"]), tf.constant(drawn["x2"]))
    rows = {
        "input": grid.picture(drawn["x1"]),
        "its mask": grid.mask_picture(found["image_masks"].numpy()),
        "exemplar": grid.picture(drawn["x2"]),
        "its mask ": grid.mask_picture(found["exemplar_masks"].numpy()),
        "input in the\nexemplar's style": grid.picture(found["image"]),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    grid.save_png(grid.draw_grid(rows), out)
    report("each column: a face, its mask, an exemplar, its mask, the face in the exemplar's style", {"picture": out})


if __name__ == "__main__":
    sys.exit(run())
