"""A user study as one static page: people rank several methods' outputs, blind and in a shuffled order.

The page knows the methods by opaque codes, another one for each question; which code is which method is in a key
file of its own. `lomit_tf.evaluation.user_study.scores` reads the answers.
"""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lomit_tf.data.folders import IMAGE_SUFFIXES, pictures_in
from lomit_tf.data.host import decode
from lomit_tf.data.opening import CorruptImageError
from lomit_tf.evaluation.templates.render import data_uri, render
from lomit_tf.evaluation.user_study.options import MakeOptions, StudyError
from lomit_tf.evaluation.user_study.scores import Key
from lomit_tf.runtime.atomic import write_text


def write(options: MakeOptions) -> tuple[str, dict[str, Path]]:
    """Write the page and, beside it, its key; what to say of them, and their paths.

    Raises StudyError as `make` does, and where another study's key is there; OSError where a file cannot be written.
    """
    page, key = make(options)
    out, path = Path(options.out), Path(options.out).with_suffix(".key.json")
    if path.exists() and f'"study": "{key.study}"' not in path.read_text(encoding="utf-8", errors="replace"):
        raise StudyError(
            f"{path} is the key of another study, and without it that study's answers cannot be read; "
            "choose another --out, or remove the file"
        )
    write_text(path, key.model_dump_json(indent=1) + "\n")
    write_text(out, page)
    done = f"{len(key.questions)} questions, {len(key.methods)} methods; keep the key to yourself"
    return done, {"page": out, "key": path}


def make(options: MakeOptions) -> tuple[str, Key]:
    """The page's HTML, and the key that its answers are read with; the same files and seed give the same ones.

    Every image of the input folder is a question; exemplar and outputs are the files of the same name, whatever
    their suffix. Images are written anew as PNG, so that no comment or profile in a file tells where it is from.

    Raises:
      StudyError: a folder or file is missing, an image is unreadable, or there are fewer images than questions.
    """
    images = {flag: _images_by_name(flag, Path(folder)) for flag, folder in options.folders().items()}
    inputs = list(images["--input"])
    for flag, found in images.items():
        if missing := [name for name in inputs if name not in found]:
            shown = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
            raise StudyError(
                f"{flag} lacks {len(missing)} of the {len(inputs)} images of --input: {shown}; add them, or "
                "give an --input folder with only the images that all methods have"
            )
    if options.questions > len(inputs):
        raise StudyError(f"--questions={options.questions}, but {options.input} has {len(inputs)} images")

    random, methods = np.random.default_rng(options.seed), options.methods()
    chosen = [inputs[i] for i in random.permutation(len(inputs))[: options.questions or len(inputs)]]
    orders = shown_orders(len(chosen), len(methods), random)
    codes = iter(dict.fromkeys(random.bytes(4).hex() for _ in range(2 * orders.size)))  # no two alike
    asked: list[dict[str, Any]] = []
    questions: dict[str, Any] = {}
    for number, (image, order) in enumerate(zip(chosen, orders, strict=True), 1):
        of = {next(codes): methods[m] for m in order}
        uris = {flag: _data_uri(found[image], options.max_side) for flag, found in images.items()}
        results = [{"code": code, "image": uris[f"--method={name}"]} for code, name in of.items()]
        asked.append({"id": f"q{number}", "input": uris["--input"], "exemplar": uris["--exemplar"], "options": results})
        questions[f"q{number}"] = {"image": image, "methods": of}
    study = hashlib.sha256(json.dumps([asked, questions], sort_keys=True).encode()).hexdigest()[:12]
    key = {"study": study, "seed": options.seed, "methods": methods, "folders": options.folders()}
    page = render("user_study.html", study={"study": study, "questions": asked}, heading=options.title, ask=options.ask)
    return page, Key.model_validate({**key, "questions": questions})


def _images_by_name(flag: str, folder: Path) -> dict[str, Path]:
    """The images directly in a folder, by file name without suffix, sorted. StudyError where there are none."""
    found: dict[str, Path] = {}
    try:
        for path in sorted(pictures_in(folder)):
            if path.stem in found:
                raise StudyError(f"{flag}: {found[path.stem]} and {path.name} have the same name; keep one of them")
            found[path.stem] = path
    except OSError as error:
        raise StudyError(f"{flag}: cannot read the folder {folder}: {error.strerror}") from error
    if not found:
        raise StudyError(f"{flag}: no images in {folder} (looked for {', '.join(IMAGE_SUFFIXES)})")
    return found


def shown_orders(questions: int, methods: int, random: np.random.Generator) -> np.ndarray:
    """For each question, the methods' indices in the order shown: [questions, methods].

    Random Latin squares: among each `methods` questions in a row from the first, every method stands once at every
    place, so that a liking for the first picture favours none.
    """
    squares = []
    for _ in range(-(-questions // methods)):
        symbols, columns, rows = (random.permutation(methods) for _ in range(3))
        squares.append(symbols[np.add.outer(rows, columns) % methods])
    return np.concatenate([*squares, np.zeros((0, methods), int)])[:questions]


def _data_uri(path: Path, max_side: int) -> str:
    """An image file as a PNG data URI: upright, RGB, its longer side at most `max_side`, without metadata."""
    try:
        image = Image.fromarray(decode(path))
    except CorruptImageError as error:
        raise StudyError(str(error)) from error
    image.thumbnail((max_side, max_side), Image.Resampling.BICUBIC, reducing_gap=None)
    held = io.BytesIO()
    image.save(held, "PNG", optimize=True)
    return data_uri(held.getvalue(), "png")
