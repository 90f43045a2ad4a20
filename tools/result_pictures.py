"""The README's pictures of real faces, made with the shipped weights of today.

    python tools/result_pictures.py --data_dir=/path/to/celebamask --half=odd --out=docs/images celeba_hair celeba

    python tools/result_pictures.py --data_dir=/path/to/celebamask --half=odd --out=docs/images --groups=smile celeba

Without --groups it writes OUT/portraits.jpg, Eileen Collins' portrait in the colours of COLOURS by the last model, and
OUT/MODEL.jpg, PAIRS faces with exemplars, drawn by a seed and not by hand: photograph, exemplar, mask, translation.
With --groups it writes OUT/MODEL_GROUP.jpg for each of them, transferred alone, and OUT/portraits_GROUP.jpg, two
portraits with each other's. README shows portraits.jpg, celeba_hair.jpg and portraits_smile.jpg of these two commands.
"""

from __future__ import annotations

import sys
from pathlib import Path

import celebamask
import numpy as np
from PIL import Image

from lomit_tf.photos.portraits import PORTRAITS, SWATCHES
from lomit_tf.photos.translator import FramedPhoto, Translator

COLOURS = ("Blond", "Auburn", "Black", "Blue", "Pink")
HEAD, GAP = (92, 0, 332, 240), 6  # of the portrait of 512 pixels
FACE = 240
PAIRS, SIDE, SEED, QUALITY = 12, 160, 3, 90


def portrait(translator: Translator) -> Image.Image:
    """The portrait as it is and in each colour, side by side."""
    framed = translator.prepare(PORTRAITS["Eileen Collins"])
    swatches = {name.lower(): colour for name, colour in SWATCHES.items()}
    colours = [translator.encode_colour(swatches[name.lower()]) for name in COLOURS]
    pictures = [framed.photo.rgb, *(translator.translate(framed, exemplar=colour).photo.rgb for colour in colours)]
    heads = [Image.fromarray(np.asarray(rgb)).crop(HEAD) for rgb in pictures]
    width, height = heads[0].size
    strip = Image.new("RGB", (len(heads) * (width + GAP) - GAP, height), "white")
    for i, head in enumerate(heads):
        strip.paste(head, (i * (width + GAP), 0))
    return strip


def exchanged(translator: Translator, group: str) -> Image.Image:
    """Each portrait's face, and with the group of the other: side by side."""
    framed = [translator.prepare(portrait) for portrait in PORTRAITS.values()]
    tiles = []
    for one, other in zip(framed, framed[::-1], strict=True):
        result = translator.translate(one, groups=[group], exemplar=translator.encode_exemplar(other))
        left, top, right, bottom = _face_of(one)
        for rgb in (one.photo.rgb, result.photo.rgb):
            face = Image.fromarray(np.asarray(rgb)).crop((left, top, right, bottom))
            tiles.append(face.resize((FACE, FACE), Image.Resampling.LANCZOS))
    strip = Image.new("RGB", (len(tiles) * (FACE + GAP) - GAP, FACE), "white")
    for i, tile in enumerate(tiles):
        strip.paste(tile, (i * (FACE + GAP), 0))
    return strip


def _face_of(framed: FramedPhoto) -> tuple[int, int, int, int]:
    """The middle of the window: left, top, right and bottom in the photograph."""
    window, margin = framed.window, framed.window.width // 6
    left, top = window.left + margin, window.top + 2 * margin
    return left, top, left + window.width - 2 * margin, top + window.width - 2 * margin


def faces(translator: Translator, paths: list[Path], group: str = "") -> Image.Image:
    """PAIRS of them, two to a row; with a group, that alone."""
    order = np.random.default_rng(SEED).permutation(len(paths))[: 2 * PAIRS].reshape(PAIRS, 2)
    half = 4 * SIDE
    sheet = Image.new("RGB", (2 * half + 15, PAIRS // 2 * SIDE), "white")
    for i, (photograph, exemplar) in enumerate(order):
        translator.set_exemplar(paths[exemplar])
        result = translator.translate(paths[photograph], groups=[group] if group else None)
        shown = [result.input_masks[group]] if group else list(result.input_masks.values())
        mask = (np.max(shown, axis=0) * 255).round().astype(np.uint8)
        pictures = (
            Image.open(paths[photograph]), Image.open(paths[exemplar]), Image.fromarray(mask),
            Image.fromarray(np.asarray(result.photo.rgb)),
        )  # fmt: skip
        for j, picture in enumerate(pictures):
            tile = picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
            sheet.paste(tile, (i % 2 * (half + 15) + j * SIDE, i // 2 * SIDE))
    return sheet


def main() -> None:
    given, paths = celebamask.asked(__doc__, out=True, add=lambda parser: parser.add_argument("--groups", default=""))
    if len(paths) < 2 * PAIRS:
        sys.exit(f"--faces: {PAIRS} pairs need {2 * PAIRS} faces; received {len(paths)}")
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.models:
        translator = Translator(name, log_notes=False)
        for group in filter(None, given.groups.split(",")):
            exchanged(translator, group).save(given.out / f"portraits_{group}.jpg", quality=QUALITY)
            faces(translator, paths, group).save(given.out / f"{Path(name).name}_{group}.jpg", quality=QUALITY)
        if given.groups:
            continue
        portrait(translator).save(given.out / "portraits.jpg", quality=QUALITY)
        faces(translator, paths).save(given.out / f"{Path(name).name}.jpg", quality=QUALITY)


if __name__ == "__main__":
    main()
