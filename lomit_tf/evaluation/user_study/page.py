"""A user study as one static page: people rank several methods' outputs, blind and in a shuffled order.

The page does not know the methods' names, only their results in the order shown; whose each is stands in a key file.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import string
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from lomit_tf.config import NEEDED, ConfigError, option
from lomit_tf.data.folders import pictures_in
from lomit_tf.data.host import decode
from lomit_tf.evaluation.templates.render import data_uri, render
from lomit_tf.evaluation.user_study.scores import Key

MOST = 26  # methods: each result has a letter


@dataclasses.dataclass(frozen=True)
class MakeOptions:
    """The page to make. Raises ConfigError for methods or an `out` that cannot be meant."""

    input: str = option(NEEDED, "the images that were translated", form="DIR")
    exemplar: str = option(NEEDED, "the exemplar of each", form="DIR")
    method: tuple[str, ...] = option(
        NEEDED, "a method and the folder of its outputs; give it twice or more", form="NAME=DIR", repeated=True
    )
    out: str = option(NEEDED, "the page; the key goes beside it", form="FILE.html")
    questions: int = option(0, "how many to draw; 0 takes all", least=0)
    seed: int = option(0, "of the draw and of the orders", least=0)
    max_side: int = option(384, "shrink larger images to so many pixels", least=16)
    title: str = option("", "the page's heading (default: Which picture is best?)")
    ask: str = option("", "what people are asked to do (default: to rank by the example's look, and by quality)")

    def __post_init__(self) -> None:
        if not 2 <= len(self.methods()) == len(self.method) <= MOST or not all(map(all, self.methods().items())):
            raise ConfigError(
                f"--method must be NAME=DIR, 2 to {MOST} times, each with a name of its own; received "
                f"{' '.join(self.method)}"
            )
        if Path(self.out).suffix.lower() not in (".html", ".htm"):
            raise ConfigError(f"--out={self.out}: name a file that ends in .html")

    def methods(self) -> dict[str, str]:
        """Each method's name -> the folder of its outputs."""
        return {name: folder for name, _, folder in (value.partition("=") for value in self.method)}


def make(options: MakeOptions) -> tuple[str, dict[Path, str]]:
    """What to say of the study, and its files: the page and its key. The same images and seed give the same ones.

    Every image of the input folder is a question; exemplar and outputs are the files of the same name, whatever
    their suffix. Images are written anew as PNG, so that no comment or profile in a file tells where it is from.

    Raises:
      ConfigError: an image is missing, two have the same name, or another study's key is in the way.
      OSError, DataError, CorruptImageError: a folder or an image cannot be read, or a folder has no image.
    """
    folders = {f"--method={name}": folder for name, folder in options.methods().items()}
    folders = {"--input": options.input, "--exemplar": options.exemplar, **folders}
    images = {flag: _by_name(flag, Path(folder)) for flag, folder in folders.items()}
    inputs = list(images["--input"])
    for flag, found in images.items():
        if missing := [name for name in inputs if name not in found]:
            raise ConfigError(
                f"{flag} lacks {len(missing)} of the {len(inputs)} images of --input: {', '.join(missing[:5])}; add "
                "them, or give an --input folder with only the images that all have"
            )
    if options.questions > len(inputs):
        raise ConfigError(f"--questions={options.questions}, but {options.input} has {len(inputs)} images")

    random, methods = np.random.default_rng(options.seed), list(options.methods())
    names = random.permutation(inputs).tolist()[: options.questions or None]
    chosen = {f"q{number}": name for number, name in enumerate(names, 1)}
    shown = dict(zip(chosen, shown_orders(len(chosen), methods, random).tolist(), strict=True))
    uris = {
        question: {flag: _data_uri(found[name], options.max_side) for flag, found in images.items()}
        for question, name in chosen.items()
    }
    study = hashlib.sha256(f"{chosen}{shown}{uris}".encode()).hexdigest()[:12]
    key, page, place = Key(study, methods, chosen, shown), Path(options.out), Path(options.out).with_suffix(".key.json")
    if place.exists() and Key.read(place).study != study:
        raise ConfigError(f"{place} is the key of another study, whose answers need it; choose another --out")
    html = render("user_study.html", key=key, uris=uris, options=options, letters=string.ascii_uppercase)
    said = f"{len(chosen)} questions, {len(methods)} methods; keep the key to yourself"
    return said, {page: html, place: json.dumps(dataclasses.asdict(key), indent=1) + "\n"}


def shown_orders(questions: int, methods: Sequence[str], random: np.random.Generator) -> np.ndarray:
    """For each question, the methods in the order shown: [questions, methods].

    Random Latin squares: among each M questions in a row from the first, every one of M methods stands once at every
    place, so that a liking for the first picture favours none.
    """
    squares = []
    for _ in range(0, questions, len(methods)):
        columns, rows = random.permutation(len(methods)), random.permutation(len(methods))
        squares.append(random.permutation(methods)[np.add.outer(rows, columns) % len(methods)])
    return np.concatenate(squares)[:questions]


def _by_name(flag: str, folder: Path) -> dict[str, Path]:
    """The images directly in a folder, by file name without suffix, sorted; ConfigError where two have one name."""
    paths = sorted(pictures_in(folder))
    found = {path.stem: path for path in paths}
    if twins := [path for path in paths if path not in found.values()]:
        raise ConfigError(f"{flag}: {twins[0]} and {found[twins[0].stem].name} have the same name; keep one of them")
    return found


def _data_uri(path: Path, max_side: int) -> str:
    """An image file as a PNG data URI: upright, RGB, its longer side at most `max_side`, without metadata."""
    image, held = Image.fromarray(decode(path)), io.BytesIO()
    image.thumbnail((max_side, max_side), Image.Resampling.BICUBIC, reducing_gap=None)
    image.save(held, "PNG", optimize=True)
    return data_uri(held.getvalue(), "png")
