"""What people answered in a user study: mean reciprocal ranks with bootstrap intervals."""

from __future__ import annotations

import csv
import dataclasses
import json
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lomit_tf.config import NEEDED, ConfigError, option
from lomit_tf.evaluation.templates.render import render

HEADER = ["study", "participant", "question", "ranks"]
LEVEL = 0.95
RESAMPLES = 10_000


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


def make(options: ScoreOptions) -> tuple[str, dict[Path, str]]:
    """The scores as Markdown, to be shown, and the files to write: JSON and the same Markdown.

    Raises ConfigError and OSError for a key or answers that cannot be used.
    """
    from lomit_tf.evaluation.report.markdown import plain

    key = Key.read(Path(options.key))
    found = score(read_answers([Path(path) for path in options.answers], key), key, seed=options.seed)
    shown, out = render("user_study.md", plain=plain, **found), options.result()
    return shown, {out: json.dumps(found, indent=1, ensure_ascii=False) + "\n", out.with_suffix(".md"): shown}


def read_answers(paths: Sequence[Path], key: Key) -> np.ndarray:
    """The ranks that people gave, 1 is best: [participants, questions, methods], all 0 where one did not answer.

    Participants are sorted; questions that anyone answered, and methods, stand in the key's order. Raises ConfigError
    for a file that is no CSV of this study, and for wrong rows: each is named by file and line.
    """
    problems: list[str] = []
    found: dict[tuple[str, str], list[int]] = {}
    every = [str(k + 1) for k in range(len(key.methods))]
    for place, row in (read for path in paths for read in _rows(path)):
        who, question, ranks = row["participant"].strip(), row["question"], row["ranks"].split()
        checks = {
            f"study {row['study']!r} is not that of the key, {key.study!r}": row["study"] != key.study,
            "participant is empty": not who,
            f"question {question!r} is not in the key": question not in key.images,
            f"ranks {row['ranks']!r} must be each of 1 to {len(every)} once": sorted(ranks) != sorted(every),
            f"participant {who!r} answered {question} already; each needs a name of their own": (who, question)
            in found,
        }
        wrong = [problem for problem, holds in checks.items() if holds]
        problems += [f"{place}: {problem}" for problem in wrong[:1]]
        if not wrong:
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
    """All numbers of a study from the ranks of `read_answers`, ready for JSON; for each method its mean reciprocal
    rank and interval, its mean rank, and the share of answers that rank it first."""
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
    bootstrap", Annals of Applied Statistics 1). So the interval speaks of other people and of other pictures. With
    one participant it ranges over questions only, with one question over participants only.
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
