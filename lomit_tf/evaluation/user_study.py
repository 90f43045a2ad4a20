"""A user study as one static page: people rank several methods' outputs, blind and in a shuffled order.

The page knows the methods by opaque codes, another one for each question; which code is which method is in a key
file of its own. `lomit_tf.evaluation.user_study_scores` reads the answers.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from pathlib import Path
from string import ascii_uppercase
from typing import Any

import numpy as np
from PIL import Image

from lomit_tf.atomic import write_text
from lomit_tf.data.folders import IMAGE_SUFFIXES
from lomit_tf.data.preprocess import CorruptImageError, decode
from lomit_tf.evaluation.user_study_scores import StudyError, key_path

ASK = (
    "The example shows the look that the input should take on. Rank the results by quality: first the one that "
    "took on the example's look best, looks real, and leaves the rest of the input as it was."
)
TITLE = "Which picture is best?"


@dataclass(frozen=True)
class Study:
    """A page, and the key that its answers are read with."""

    html: str
    key: dict[str, Any]


def make(
    input_dir: Path,
    exemplar_dir: Path,
    methods: Mapping[str, Path],
    *,
    questions: int = 0,
    seed: int = 0,
    max_side: int = 384,
    title: str = TITLE,
    ask: str = ASK,
) -> Study:
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
      title, ask: what the page says first.

    Raises:
      StudyError: a folder or file is missing, an image is unreadable, or an argument is out of range.
    """
    if not 2 <= len(methods) <= len(ascii_uppercase):
        raise StudyError(f"--method was given {len(methods)} times; give 2 to {len(ascii_uppercase)} methods")
    if questions < 0 or max_side < 16 or seed < 0:
        raise StudyError(
            f"--questions and --seed must be 0 or more and --max_side 16 or more; "
            f"received {questions}, {seed} and {max_side}"
        )
    inputs = images_by_name(input_dir, "--input")
    folders = {"--exemplar": images_by_name(exemplar_dir, "--exemplar")}
    folders |= {f"--method={name}": images_by_name(folder, f"--method={name}") for name, folder in methods.items()}
    for flag, found in folders.items():
        missing = [name for name in inputs if name not in found]
        if missing:
            shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            raise StudyError(
                f"{flag} lacks {len(missing)} of the {len(inputs)} images of --input: {shown}; add them, or give an "
                "--input folder with only the images that all methods have"
            )
    if questions > len(inputs):
        raise StudyError(f"--questions={questions}, but {input_dir} has {len(inputs)} images")

    random = np.random.default_rng(seed)
    chosen = [list(inputs)[i] for i in random.permutation(len(inputs))[: questions or len(inputs)]]
    names = list(methods)
    orders = shown_orders(len(chosen), len(names), random)
    codes = opaque_codes(len(chosen) * len(names), random)
    asked, keys = [], {}
    for q, (name, order) in enumerate(zip(chosen, orders, strict=True), 1):
        mine = [codes.pop() for _ in order]
        options = [
            {"code": code, "image": data_uri(folders[f"--method={names[m]}"][name], max_side)}
            for code, m in zip(mine, order, strict=True)
        ]
        asked.append(
            {
                "id": f"q{q}",
                "input": data_uri(inputs[name], max_side),
                "exemplar": data_uri(folders["--exemplar"][name], max_side),
                "options": options,
            }
        )
        keys[f"q{q}"] = {"image": name, "methods": {c: names[m] for c, m in zip(mine, order, strict=True)}}
    content = json.dumps([asked, keys], sort_keys=True, ensure_ascii=True).encode()
    study = hashlib.sha256(content).hexdigest()[:12]
    places = {"input": str(input_dir), "exemplar": str(exemplar_dir), **{n: str(f) for n, f in methods.items()}}
    key = {"study": study, "seed": seed, "methods": names, "folders": places, "questions": keys}
    return Study(page({"study": study, "questions": asked}, title, ask), key)


def write(study: Study, out: Path) -> dict[str, Path]:
    """Write the page to `out` and its key beside it, as `NAME.key.json`; the paths under "page" and "key".

    Raises StudyError where `out` is no .html file, or another study's key is there: its answers would be lost.
    """
    if out.suffix.lower() not in (".html", ".htm"):
        raise StudyError(f"--out={out}: name a file that ends in .html")
    path = key_path(out)
    if path.exists():
        try:
            before = json.loads(path.read_text(encoding="utf-8")).get("study")
        except (ValueError, AttributeError):
            before = None
        if before != study.key["study"]:
            raise StudyError(
                f"{path} is the key of another study, and without it that study's answers cannot be read; "
                "choose another --out, or remove the file"
            )
    write_text(path, json.dumps(study.key, indent=1, ensure_ascii=False) + "\n")
    write_text(out, study.html)
    return {"page": out, "key": path}


def images_by_name(folder: Path, flag: str) -> dict[str, Path]:
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
        for row in random.permutation(methods):
            orders.append([int(symbols[(row + column) % methods]) for column in columns])
    return orders[:questions]


def opaque_codes(count: int, random: np.random.Generator) -> list[str]:
    """Different codes of 8 hexadecimal digits, in no order that tells anything."""
    found: dict[str, None] = {}
    while len(found) < count:
        found[random.bytes(4).hex()] = None
    return list(found)


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


def page(data: Mapping[str, Any], title: str, ask: str) -> str:
    """The template with the study's questions in it."""
    # "<" written as an escape cannot end the script element, whatever the texts hold.
    held = json.dumps(data).replace("<", "\\u003c")
    template = files("lomit_tf.evaluation").joinpath("user_study.html").read_text(encoding="utf-8")
    return fill(template, {"title": escape(title), "ask": escape(ask), "data": held})


def fill(template: str, values: Mapping[str, str]) -> str:
    """Replace each `{{name}}` of the template once; values are not searched for further names."""
    pieces: Sequence[str] = template.split("{{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}}")
        filled.extend([values[name], rest])
    return "".join(filled)
