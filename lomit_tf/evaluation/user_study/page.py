"""A user study as one static page: people rank several methods' outputs, blind and in a shuffled order.

The page knows the methods by opaque codes, another one for each question; which code is which method is in a key
file of its own. `lomit_tf.evaluation.user_study.scores` reads the answers.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lomit_tf.data.folders import IMAGE_SUFFIXES
from lomit_tf.data.preprocess import CorruptImageError, decode
from lomit_tf.evaluation.templates.render import render
from lomit_tf.evaluation.user_study.scores import StudyError
from lomit_tf.runtime.atomic import write_text

MOST = 26  # methods: each result has a letter


@dataclass(frozen=True)
class Study:
    """A page, and the key that its answers are read with."""

    html: str
    key: dict[str, Any]


def make(
    input_dir: Path, exemplar_dir: Path, methods: Mapping[str, Path], *, questions: int = 0, seed: int = 0,
    max_side: int = 384, title: str = "", ask: str = "",
) -> Study:  # fmt: skip
    """The page of a study, and its key.

    Every image of `input_dir` is a question; exemplar and outputs are the files of the same name, whatever their
    suffix. Images are written anew as PNG, so that no comment or profile in a file tells where it is from.

    Args:
      input_dir, exemplar_dir: folders of images.
      methods: at least two names, each with the folder of its outputs.
      questions: how many to draw, without repetition; 0 takes all.
      seed: of the draw, the order of the questions, the codes and the order of the outputs. The same files and seed
        give the same page.
      max_side: images with a longer side, in pixels, are shrunk to it.
      title, ask: what the page says first; the template's own texts where they are empty.

    Raises:
      StudyError: a folder or file is missing, an image is unreadable, or there are fewer images than questions.
    """
    if not 2 <= len(methods) <= MOST:
        raise StudyError(f"--method was given {len(methods)} times; give 2 to {MOST} methods")
    places = {"--input": input_dir, "--exemplar": exemplar_dir, **{f"--method={n}": f for n, f in methods.items()}}
    images = _images_of_the_same_names(places)
    inputs = list(images["--input"])
    if questions > len(inputs):
        raise StudyError(f"--questions={questions}, but {input_dir} has {len(inputs)} images")

    random = np.random.default_rng(seed)
    chosen = [inputs[i] for i in random.permutation(len(inputs))[: questions or len(inputs)]]
    names = list(methods)
    orders = shown_orders(len(chosen), len(names), random)
    codes = iter(dict.fromkeys(random.bytes(4).hex() for _ in range(2 * len(chosen) * len(names))))  # no two alike
    asked, keys = [], {}
    for number, (image, order) in enumerate(zip(chosen, orders, strict=True), 1):
        of = {next(codes): names[m] for m in order}
        uris = {flag: data_uri(found[image], max_side) for flag, found in images.items()}
        options = [{"code": code, "image": uris[f"--method={name}"]} for code, name in of.items()]
        asked.append({"id": f"q{number}", "input": uris["--input"], "exemplar": uris["--exemplar"], "options": options})
        keys[f"q{number}"] = {"image": image, "methods": of}
    study = hashlib.sha256(json.dumps([asked, keys], sort_keys=True).encode()).hexdigest()[:12]
    folders = {flag: str(place) for flag, place in places.items()}
    key = {"study": study, "seed": seed, "methods": names, "folders": folders, "questions": keys}
    data = {"study": study, "questions": asked}
    return Study(render("user_study.html", study=data, heading=title, ask=ask), key)


def write(study: Study, out: Path) -> dict[str, Path]:
    """Write the page to `out` and its key beside it, as `NAME.key.json`; the paths under "page" and "key".

    Raises StudyError where `out` is no .html file, or another study's key is there: its answers would be lost.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise StudyError(f"--out={out}: name a file that ends in .html")
    path, text = out.with_suffix(".key.json"), json.dumps(study.key, indent=1, ensure_ascii=False) + "\n"
    if path.exists() and f'"study": "{study.key["study"]}"' not in path.read_text(encoding="utf-8", errors="replace"):
        raise StudyError(
            f"{path} is the key of another study, and without it that study's answers cannot be read; "
            "choose another --out, or remove the file"
        )
    write_text(path, text)
    write_text(out, study.html)
    return {"page": out, "key": path}


def _images_of_the_same_names(places: Mapping[str, Path]) -> dict[str, dict[str, Path]]:
    """For each flag the images in its folder by name. Raises StudyError where one lacks an image of --input."""
    images = {flag: _images_by_name(folder, flag) for flag, folder in places.items()}
    for flag, found in images.items():
        missing = [name for name in images["--input"] if name not in found]
        if missing:
            shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            raise StudyError(
                f"{flag} lacks {len(missing)} of the {len(images['--input'])} images of --input: {shown}; add them, or "
                "give an --input folder with only the images that all methods have"
            )
    return images


def _images_by_name(folder: Path, flag: str) -> dict[str, Path]:
    """The images directly in a folder, by file name without suffix, sorted. StudyError where there are none."""
    try:
        paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith("."))
    except OSError as error:
        raise StudyError(f"{flag}: cannot read the folder {folder}: {error.strerror}") from error
    if not paths:
        raise StudyError(f"{flag}: no images in {folder} (looked for {', '.join(IMAGE_SUFFIXES)})")
    found: dict[str, Path] = {}
    for path in paths:
        if path.stem in found:
            raise StudyError(f"{flag}: {found[path.stem]} and {path.name} have the same name; keep one of them")
        found[path.stem] = path
    return found


def shown_orders(questions: int, methods: int, random: np.random.Generator) -> list[list[int]]:
    """For each question, the methods' indices in the order shown.

    Random Latin squares: among each `methods` questions in a row from the first, every method stands once at every
    place, so that a liking for the first picture favours none.
    """
    orders: list[list[int]] = []
    while len(orders) < questions:
        symbols, columns = random.permutation(methods), random.permutation(methods)
        orders += [
            [int(symbols[(row + column) % methods]) for column in columns] for row in random.permutation(methods)
        ]
    return orders[:questions]


def data_uri(path: Path, max_side: int) -> str:
    """An image file as a PNG data URI: upright, RGB, its longer side at most `max_side`, without metadata."""
    try:
        image = Image.fromarray(decode(path))
    except CorruptImageError as error:
        raise StudyError(str(error)) from error
    image.thumbnail((max_side, max_side), Image.Resampling.BICUBIC, reducing_gap=None)
    held = io.BytesIO()
    image.save(held, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(held.getvalue()).decode()}"
