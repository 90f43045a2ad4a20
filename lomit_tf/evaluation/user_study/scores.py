"""What people answered in a user study: mean reciprocal ranks with bootstrap intervals."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, Field, model_validator
from scipy import stats

from lomit_tf.evaluation.report.markdown import plain, table
from lomit_tf.evaluation.user_study.options import ScoreOptions, StudyError
from lomit_tf.runtime.atomic import write_text

HEADER = ["study", "participant", "question", "shown", "ranks"]
LEVEL = 0.95
RESAMPLES = 10_000
SHOWN_ERRORS = 20


class Question(BaseModel):
    """One image: its name, and code -> method in the order shown."""

    image: str
    methods: dict[str, str]


class Key(BaseModel):
    """Which picture is whose: what `user_study make` writes beside the page."""

    study: str
    seed: int
    methods: Annotated[list[str], Field(min_length=2)]
    folders: dict[str, str]
    questions: Annotated[dict[str, Question], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> Key:
        if any(sorted(question.methods.values()) != sorted(self.methods) for question in self.questions.values()):
            raise ValueError("a question has other methods than the study")
        return self


def write(options: ScoreOptions) -> tuple[str, dict[str, Path]]:
    """Write the scores as JSON and as Markdown; the Markdown, and the paths. Raises OSError where that fails, and
    StudyError as `read_key` and `read_answers` do."""
    key = read_key(Path(options.key))
    found = score(read_answers([Path(path) for path in options.answers], key), key, seed=options.seed)
    places = {"scores": options.result(), "tables": options.result().with_suffix(".md")}
    write_text(places["scores"], json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    write_text(places["tables"], markdown(found))
    return markdown(found), places


def read_key(path: Path) -> Key:
    """The key that `user_study make` wrote beside the page. Raises StudyError where it is none."""
    try:
        return Key.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StudyError(f"--key={path}: {error.strerror}; `user_study make` writes it beside the page") from error
    except ValueError as error:
        raise StudyError(f"--key={path} is not a key that `user_study make` wrote") from error


def read_answers(paths: Sequence[Path], key: Key) -> np.ndarray:
    """The ranks that people gave, 1 is best: [participants, questions, methods], all 0 where one did not answer.

    Participants are sorted; questions that anyone answered, and methods, stand in the key's order. Raises StudyError
    for a file that is no CSV of this study, and for wrong rows: each is named by file and line.
    """
    problems: list[str] = []
    found: dict[tuple[str, str], list[int]] = {}
    for place, row in (read for path in paths for read in _rows(path)):
        if problem := _problem(row, key, found):
            problems.append(f"{place}: {problem}")
        else:
            _, participant, question, shown, ranks = row
            of = dict(zip(shown.split(), map(int, ranks.split()), strict=True))
            code = {method: code for code, method in key.questions[question].methods.items()}
            found[participant.strip(), question] = [of[code[method]] for method in key.methods]
    if problems:
        more = [f"... and {len(problems) - SHOWN_ERRORS} more"] if len(problems) > SHOWN_ERRORS else []
        raise StudyError("\n".join(problems[:SHOWN_ERRORS] + more))
    if not found:
        raise StudyError(f"no answers in {', '.join(map(str, paths))}")
    people = sorted({person for person, _ in found})
    ranks_of_all = np.array([[found.get((p, q), [0] * len(key.methods)) for q in key.questions] for p in people])
    return ranks_of_all[:, ranks_of_all.any(axis=(0, 2))]


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """File and line, and the fields, of each row below the header."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            if (head := next(reader, [])) != HEADER:
                raise StudyError(f"{path}, line 1: must be {','.join(HEADER)}; received {','.join(head)[:80]!r}")
            yield from ((f"{path}, line {reader.line_num}", row) for row in reader if row)
    except OSError as error:
        raise StudyError(f"--answers={path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{path} is not a text file in UTF-8") from error
    except csv.Error as error:
        raise StudyError(f"{path}, line {reader.line_num}: {error}") from error


def _problem(row: Sequence[str], key: Key, found: Container[tuple[str, str]]) -> str:
    """What is wrong with a row of answers, beside those found before; empty where nothing is."""
    if len(row) != len(HEADER):
        return f"{len(row)} fields; must be {len(HEADER)}: {', '.join(HEADER)}"
    study, participant, question, shown, ranks = row
    who, codes = participant.strip(), key.questions[question].methods if question in key.questions else {}
    checks = {
        f"study {study!r} is not that of the key, {key.study!r}": study != key.study,
        "participant is empty": not who,
        f"question {question!r} is not in the key": not codes,
        f"shown {shown!r} is not the codes of {question}, each once": sorted(shown.split()) != sorted(codes),
        f"ranks {ranks!r} must be each of 1 to {len(codes)} once":
            sorted(ranks.split()) != sorted(str(k + 1) for k in range(len(codes))),
        f"participant {who!r} answered {question} already; each needs a name of their own": (who, question) in found,
    }  # fmt: skip
    return next((message for message, wrong in checks.items() if wrong), "")


def mean_reciprocal_ranks(ranks: np.ndarray) -> np.ndarray:
    """MRR = mean over answers of 1 / rank; (..., P, Q, M) ranks, 0 where not answered -> (..., M) in 1/M..1 or NaN."""
    return np.ma.filled((1 / np.ma.masked_equal(ranks, 0)).mean(axis=(-3, -2)), np.nan)


def bootstrap(ranks: np.ndarray, *, seed: int = 0, resamples: int = RESAMPLES) -> np.ndarray | None:
    """Percentile intervals of the mean reciprocal ranks of `read_answers`: (M, 2), or None for a single answer.

    Each resample draws P participants with replacement, then Q questions, the same ones for all participants, and
    counts an answer as often as both of its sides were drawn (the pigeonhole bootstrap: Owen 2007, "The pigeonhole
    bootstrap", Annals of Applied Statistics 1). So the interval speaks of other people and of other pictures. With
    one participant it ranges over questions only, with one question over participants only.
    """
    drawn = [axis for axis in (0, 1) if ranks.shape[axis] > 1]
    if not drawn:
        return None

    def statistic(*indices: np.ndarray, axis: int) -> np.ndarray:
        """(N, P) and (N, Q) indices, without the axis that is not drawn -> (M, N)."""
        of = dict(zip(drawn, map(np.atleast_2d, indices), strict=True))
        people, questions = (of.get(side, np.zeros((1, 1), int)) for side in (0, 1))
        return mean_reciprocal_ranks(ranks[people[:, :, None], questions[:, None, :]]).T

    # Where few answered all, a resample may miss every answer: it says nothing, and is left out of the quantiles.
    with warnings.catch_warnings(action="ignore", category=stats.DegenerateDataWarning):
        found = stats.bootstrap(
            [np.arange(ranks.shape[side]) for side in drawn], statistic, n_resamples=resamples, batch=500,
            vectorized=True, axis=-1, method="percentile", rng=np.random.default_rng(seed),
        )  # fmt: skip
    return np.nanquantile(found.bootstrap_distribution, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=-1).T


def score(ranks: np.ndarray, key: Key, *, seed: int = 0) -> dict[str, Any]:
    """All numbers of a study from the ranks of `read_answers`, ready for JSON: for each method mean reciprocal rank
    and interval, mean rank, and the share of answers that rank it first."""
    given = ranks[(ranks > 0).all(axis=-1)]
    means, ends = mean_reciprocal_ranks(ranks), bootstrap(ranks, seed=seed)
    over = [word for word, count in zip(("participants", "questions"), ranks.shape, strict=False) if count > 1]
    return {
        "study": key.study, "participants": ranks.shape[0], "questions": ranks.shape[1],
        "answers": len(given), "level": LEVEL, "resamples": RESAMPLES, "seed": seed,
        "interval_over": " and ".join(over) or "nothing, as there is one answer",
        "chance": sum(1 / (k + 1) for k in range(len(key.methods))) / len(key.methods),
        "methods": {
            name: {
                "mean_reciprocal_rank": float(means[m]), "interval": None if ends is None else ends[m].tolist(),
                "mean_rank": float(given[:, m].mean()), "ranked_first": float((given[:, m] == 1).mean()),
            }
            for m, name in enumerate(key.methods)
        },
    }  # fmt: skip


def markdown(scores: Mapping[str, Any]) -> str:
    """The scores as Markdown, which reads well as plain text too: a table, the best method first."""
    head = ["method", "mean reciprocal rank", f"{scores['level']:.0%} interval", "mean rank", "ranked first"]
    rows = []
    for name, of in sorted(scores["methods"].items(), key=lambda item: -item[1]["mean_reciprocal_rank"]):
        interval = "{:.3f} to {:.3f}".format(*of["interval"]) if of["interval"] else "none"
        shown = f"{of['mean_reciprocal_rank']:.3f}", interval, f"{of['mean_rank']:.2f}", f"{of['ranked_first']:.0%}"
        rows.append([plain(name), *shown])
    return (
        f"# User study\n\n{table(head, rows)}\n\n"
        f"{scores['answers']} answers, {scores['participants']} participants, {scores['questions']} questions (study "
        f"{scores['study']}). The interval ranges over {scores['interval_over']} ({scores['resamples']} resamples, "
        f"seed {scores['seed']}). Ranking by chance gives a mean reciprocal rank of {scores['chance']:.3f}.\n"
    )
