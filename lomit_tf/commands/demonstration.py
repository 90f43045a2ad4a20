"""What `lomit-demo` shows: portraits in colours and in each other's style, or drawn faces."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lomit_tf import zoo
from lomit_tf.commands import report
from lomit_tf.photos import portraits

if TYPE_CHECKING:
    from lomit_tf.model import Lomit
    from lomit_tf.photos.translator import Exemplar, FramedPhoto, Translator

AROUND = 0.62  # what the overview shows around the middle of a face, in sides of its window to each side


@dataclasses.dataclass(frozen=True)
class Trial:
    """One translation of a portrait: its name, which groups it changes, and after what."""

    name: str
    groups: tuple[str, ...]
    exemplar: Exemplar


def show_portraits(name: str, out: Path) -> None:
    """The portraits after colours, if the model can, and after each other; says so while it goes on."""
    from lomit_tf.imaging import overview
    from lomit_tf.imaging.writing import save
    from lomit_tf.photos.translator import Translator

    translator = Translator(name, log_notes=False)
    if notice := zoo.notice(name):
        print(notice)
    print(f"portraits: {portraits.CREDIT}", flush=True)
    folder = out.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    faces = {person: translator.prepare(path) for person, path in portraits.PORTRAITS.items()}
    if not translator.colour_groups:
        print("this model paints no colours by curves: the portraits take each other's look only")
    rows = []
    for person, face in faces.items():
        shown = list(trials(translator, faces, person))
        if not shown:
            able = ", ".join(translator.groups)
            print(f"{person}: left out; this model changes {able}, of which the portrait has nothing")
            continue
        row = [overview.Tile(_around(face, face.photo.rgb), person)]
        for trial in shown:
            start = time.perf_counter()
            result = translator.translate(face, groups=trial.groups, exemplar=trial.exemplar)
            path = folder / f"{portraits.PORTRAITS[person].stem}_{trial.name.replace(' ', '_').lower()}.png"
            save(result.photo, path)
            print(f"  {path}  ({time.perf_counter() - start:.1f} s)", flush=True)
            colour = trial.exemplar.colour
            row.append(overview.Tile(_around(face, result.photo.rgb), f"{trial.name} {colour}".strip(), colour))
        rows.append(row)
    overview.write(rows, out)
    report(
        "two portraits, outside of the masks unchanged to the bit: first as they are, then in colours and each other's "
        "style",
        {"overview, of their faces": out, "each at full size": folder},
    )


def trials(translator: Translator, faces: dict[str, FramedPhoto], person: str) -> Iterator[Trial]:
    """What is shown of a portrait: each group that it has in colours, then the others' hair and smiles."""
    has = [group for group in translator.groups if group not in portraits.WITHOUT[person]]
    for group in translator.colour_groups:
        named = portraits.LIPSTICKS if group == "lips" else portraits.SWATCHES
        for word, colour in named.items() if group in has else ():
            yield Trial(f"{word} {group}", (group,), translator.encode_colour(colour, [group]))
    for other, face in faces.items():
        shared = tuple(group for group in has if group not in ("lips", *portraits.WITHOUT[other]))
        if other != person and shared:
            what = " and ".join(group.replace("_", " ") for group in shared)
            yield Trial(f"{what} as {other}", shared, translator.encode_exemplar(face))


def _around(face: FramedPhoto, rgb: np.ndarray) -> np.ndarray:
    """The part of a photograph around a face, (h, w, 3)."""
    middle, reach = face.window.inverse @ [0.5, 0.5, 1], AROUND * face.window.width
    (left, top), (right, bottom) = (np.clip(middle + sign * reach, 0, rgb.shape[1::-1]).astype(int) for sign in (-1, 1))
    return rgb[top:bottom, left:right]


def show_drawn_faces(model: Lomit, out: Path, pairs: int, seed: int) -> None:
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
