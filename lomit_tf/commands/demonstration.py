"""What `lomit-demo` shows: portraits in colours and in each other's style, or drawn faces."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from lomit_tf import zoo
from lomit_tf.commands import report

if TYPE_CHECKING:
    from lomit_tf.model import Lomit


def show_portraits(model: Lomit, name: str, out: Path) -> None:
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
