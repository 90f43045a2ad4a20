"""A user study as one static page, blind and in a shuffled order, and what people answered: mean reciprocal ranks.

The page does not know the methods' names, only their results in the order shown; whose each is stands in a key file.
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import string
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lomit_tf.config import NEEDED, ConfigError, option
from lomit_tf.data.folders import pictures_in
from lomit_tf.data.host import decode
from lomit_tf.evaluation.templates.render import data_uri, render

LETTERS = string.ascii_uppercase  # of the results of a question
HEADER = ["study", "participant", "question", "ranks"]
LEVEL, RESAMPLES = 0.95, 10_000


@dataclasses.dataclass(frozen=True)
class MakeOptions:
    """The page to make. Raises ConfigError for invalid methods or an invalid `out`."""

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
        methods = self.methods()
        if not 2 <= len(methods) == len(self.method) <= len(LETTERS) or "" in {*methods, *methods.values()}:
            rule = f"--method must be NAME=DIR, 2 to {len(LETTERS)} times, each with a name of its own"
            raise ConfigError(f"{rule}; received {' '.join(self.method)}")
        if Path(self.out).suffix.lower() not in (".html", ".htm"):
            raise ConfigError(f"--out={self.out}: name a file that ends in .html")

    def methods(self, before: str = "") -> dict[str, str]:
        """Each method's name, with something before it -> the folder of its outputs."""
        return {before + name: folder for name, _, folder in (value.partition("=") for value in self.method)}


@dataclasses.dataclass(frozen=True)
class ScoreOptions:
    """The answers to read; they may be given without their flag."""

    answers: tuple[str, ...] = option(
        NEEDED, "the files that people downloaded; --answers= may be left out", form="FILE.csv", repeated=True
    )
    key: str = option(NEEDED, "the key that make wrote", form="FILE.key.json")
    out: str = option("", "the result; Markdown goes beside it (default: beside the key)", form="FILE.json")
    seed: int = option(0, "of the bootstrap", least=0)

    def __post_init__(self) -> None:
        if self.result().suffix != ".json" or self.result().resolve() == Path(self.key).resolve():
            raise ConfigError(f"--out={self.out}: name a file that ends in .json and is not the key")

    def result(self) -> Path:
        """The file of the scores."""
        return Path(self.out or self.key.removesuffix(".json").removesuffix(".key") + ".scores.json")


@dataclasses.dataclass(frozen=True)
class Key:
    """Which picture is whose: what `user_study make` writes beside the page. Raises ValueError for what is no study."""

    study: str
    methods: list[str]
    images: dict[str, str]  # of each question
    shown: dict[str, list[str]]  # for each question, the methods in the order in which it shows their results

    def __post_init__(self) -> None:
        every = {question: sorted(self.methods) for question in self.images}
        if len(self.methods) < 2 or not every or every != {q: sorted(shown) for q, shown in self.shown.items()}:
            raise ValueError("each question has an image, and shows each of two or more methods once")

    @classmethod
    def read(cls, path: Path) -> Key:
        """The key in a file. Raises ConfigError where it is none, OSError where it cannot be read."""
        from pydantic import TypeAdapter

        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except ValueError as error:
            raise ConfigError(f"{path} is not a key that `user_study make` wrote") from error


def make(options: MakeOptions) -> tuple[str, dict[Path, str]]:
    """What to say of the study, and its files: the page and its key. The same images and seed give the same ones.

    Every image of the input folder is a question; exemplar and outputs are the files of the same name, whatever
    their suffix. Images are written anew as PNG, so that no comment or profile in a file tells where it is from.

    Raises:
      ConfigError: an image is missing, two have the same name, or another study's key is in the way.
      OSError, DataError, CorruptImageError: a folder or an image cannot be read, or a folder has no image.
    """
    folders = {"--input": options.input, "--exemplar": options.exemplar, **options.methods("--method=")}
    methods, images = list(options.methods()), dict[str, dict[str, Path]]()
    for flag, folder in folders.items():
        paths = sorted(pictures_in(Path(folder)))
        images[flag] = {path.stem: path for path in paths}
        inputs = list(images["--input"])
        if twins := [path for path in paths if path != images[flag][path.stem]]:
            raise ConfigError(f"{flag}: {twins[0]} and another image have the same name; keep one of them")
        if missing := [name for name in inputs if name not in images[flag]]:
            raise ConfigError(
                f"{flag} lacks {len(missing)} of the {len(inputs)} images of --input: {', '.join(missing[:5])}; add "
                "them, or give an --input folder with only the images that all have"
            )
    if options.questions > len(inputs):
        raise ConfigError(f"--questions={options.questions}, but {options.input} has {len(inputs)} images")

    random = np.random.default_rng(options.seed)
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
    html = render("user_study.html", key=key, uris=uris, options=options, letters=LETTERS)
    texts = {place: json.dumps(dataclasses.asdict(key), indent=1) + "\n", page: html}
    return f"{len(chosen)} questions, {len(methods)} methods; keep the key to yourself", texts


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


def _data_uri(path: Path, max_side: int) -> str:
    """An image file as a PNG data URI: upright, RGB, its longer side at most `max_side`, without metadata."""
    image, held = Image.fromarray(decode(path)), io.BytesIO()
    image.thumbnail((max_side, max_side), Image.Resampling.BICUBIC, reducing_gap=None)
    image.save(held, "PNG", optimize=True)
    return data_uri(held.getvalue(), "png")


def scores(options: ScoreOptions) -> tuple[str, dict[Path, str]]:
    """The scores as Markdown, to be shown, and the files to write: JSON and the same Markdown. Raises ConfigError and
    OSError for a key or answers that cannot be used."""
    key = Key.read(Path(options.key))
    found = score(read_answers([Path(path) for path in options.answers], key), key, seed=options.seed)
    shown, out = render("user_study.md", **found), options.result()
    return shown, {out: json.dumps(found, indent=1, ensure_ascii=False) + "\n", out.with_suffix(".md"): shown}


def read_answers(paths: Sequence[Path], key: Key) -> np.ndarray:
    """The ranks that people gave, 1 is best: [participants, questions, methods], all 0 where one did not answer.

    Participants are sorted; questions that anyone answered, and methods, stand in the key's order. Raises ConfigError
    where a file is no CSV of this study, or for wrong rows, each by file and line.
    """
    problems: list[str] = []
    found: dict[tuple[str, str], list[int]] = {}
    every = [str(k + 1) for k in range(len(key.methods))]
    for place, row in (read for path in paths for read in _rows(path)):
        who, question, ranks = row["participant"].strip(), row["question"], row["ranks"].split()
        checks = {
            f"study {row['study']!r} is not that of the key, {key.study!r}": row["study"] == key.study,
            "participant is empty": bool(who),
            f"question {question!r} is not in the key": question in key.images,
            f"ranks {row['ranks']!r} must be each of 1 to {len(every)} once": sorted(ranks) == sorted(every),
            f"participant {who!r} answered {question} already; each needs a name": (who, question) not in found,
        }
        problems += [f"{place}: {problem}" for problem, fine in checks.items() if not fine][:1]
        if all(checks.values()):
            found[who, question] = [int(ranks[key.shown[question].index(method)]) for method in key.methods]
    if problems or not found:
        raise ConfigError("\n".join(problems) or f"no answers in {', '.join(map(str, paths))}")
    people = sorted({who for who, _ in found})
    ranks_of_all = np.array([[found.get((who, q), [0] * len(every)) for q in key.images] for who in people])
    return ranks_of_all[:, ranks_of_all.any(axis=(0, 2))]


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """File and line, and the fields by name, of each row; a missing field is empty."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            if reader.fieldnames != HEADER:
                raise ConfigError(f"{path}, line 1: must be {','.join(HEADER)}; received {reader.fieldnames}")
            yield from ((f"{path}, line {reader.line_num}", row) for row in reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} is not a CSV file in UTF-8: {error}") from error


def score(ranks: np.ndarray, key: Key, *, seed: int = 0) -> dict[str, Any]:
    """All numbers of a study from the ranks of `read_answers`, ready for JSON."""
    given, ends = ranks[ranks.any(axis=-1)], bootstrap(ranks, seed=seed)
    over = [word for word, count in zip(("participants", "questions"), ranks.shape, strict=False) if count > 1]
    numbers = {
        "mean_reciprocal_rank": (1 / given).mean(axis=0).tolist(),
        "interval": [None] * len(key.methods) if ends is None else ends.tolist(),
        "mean_rank": given.mean(axis=0).tolist(),
        "ranked_first": (given == 1).mean(axis=0).tolist(),
    }
    return {
        "study": key.study, "participants": ranks.shape[0], "questions": ranks.shape[1],
        "answers": len(given), "level": LEVEL, "resamples": RESAMPLES, "seed": seed,
        "interval_over": " and ".join(over) or "nothing, as there is one answer",
        "chance": float(np.mean([1 / (k + 1) for k in range(len(key.methods))])),
        "methods": {name: {what: of[m] for what, of in numbers.items()} for m, name in enumerate(key.methods)},
    }  # fmt: skip


def bootstrap(ranks: np.ndarray, *, seed: int = 0, resamples: int = RESAMPLES) -> np.ndarray | None:
    """Percentile intervals of the mean reciprocal ranks of `read_answers`: (M, 2), or None for a single answer.

    Each resample draws P participants with replacement, then Q questions, the same ones for all participants, and
    counts an answer as often as both of its sides were drawn (the pigeonhole bootstrap: Owen 2007, "The pigeonhole
    bootstrap", Annals of Applied Statistics 1): with one participant only questions, with one question participants.
    """
    from scipy import stats

    if ranks.shape[:2] == (1, 1):
        return None
    for axis in (0, 1):  # SciPy draws from two or more; one participant and a copy vary as little as the one
        ranks = ranks.repeat(2 if ranks.shape[axis] == 1 else 1, axis)

    def means(people: np.ndarray, questions: np.ndarray, axis: int) -> np.ndarray:
        """(N, P) and (N, Q) indices that were drawn -> (M, N) mean reciprocal ranks; NaN without an answer."""
        drawn = np.ma.masked_equal(ranks[people[..., :, None], questions[..., None, :]], 0)
        return np.ma.filled((1 / drawn).mean(axis=(-3, -2)), np.nan).T

    with warnings.catch_warnings(action="ignore", category=stats.DegenerateDataWarning):  # the NaN, left out below
        found = stats.bootstrap(
            [np.arange(size) for size in ranks.shape[:2]], means, n_resamples=resamples, batch=500,
            vectorized=True, method="percentile", rng=np.random.default_rng(seed),
        )  # fmt: skip
    return np.nanquantile(found.bootstrap_distribution, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=-1).T
