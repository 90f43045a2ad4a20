"""What people answered in a user study: mean reciprocal ranks with bootstrap intervals."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lomit_tf.config import ConfigError
from lomit_tf.evaluation.report.markdown import plain, table

HEADER = ("study", "participant", "question", "shown", "ranks")
LEVEL = 0.95
RESAMPLES = 10_000
SHOWN_ERRORS = 20


class StudyError(ConfigError):
    """A study or its answers cannot be used; the message names the file or flag and says what to do."""


@dataclass(frozen=True)
class Answers:
    """Ranks of every method: [participants, questions, methods], 1 is best, 0 in all methods where not answered."""

    participants: list[str]
    questions: list[str]
    methods: list[str]
    ranks: np.ndarray


def read_key(path: Path) -> dict[str, Any]:
    """The key that `user_study make` wrote beside the page. Raises StudyError where it is none."""
    try:
        key = json.loads(path.read_text(encoding="utf-8"))
        methods = sorted(key["methods"])
        whole = all(sorted(q["methods"].values()) == methods for q in key["questions"].values())
        if isinstance(key["study"], str) and len(methods) > 1 and key["questions"] and whole:
            return key
    except OSError as error:
        raise StudyError(f"--key={path}: {error.strerror}; `user_study make` writes it beside the page") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise StudyError(f"--key={path} is not a key that `user_study make` wrote")


def read_answers(paths: Sequence[Path], key: Mapping[str, Any]) -> Answers:
    """The answers of all files together.

    A row is one question of one participant: `shown` is the codes in the order shown, `ranks` the rank of each.

    Raises:
      StudyError: a file is missing or is no CSV of this study; or rows are wrong: each is named by file and line.
    """
    problems: list[str] = []
    found: dict[tuple[str, str], dict[str, int]] = {}
    for path in paths:
        for line, row in _rows(path):
            try:
                who, ranks = _row_ranks(row, key)
                if who in found:
                    raise StudyError(
                        f"participant {who[0]!r} answered {who[1]} already; each needs a name of their own"
                    )
                found[who] = ranks
            except StudyError as error:
                problems.append(f"{path}, line {line}: {error}")
    if problems:
        more = f"\n... and {len(problems) - SHOWN_ERRORS} more" if len(problems) > SHOWN_ERRORS else ""
        raise StudyError("\n".join(problems[:SHOWN_ERRORS]) + more)
    if not found:
        raise StudyError(f"no answers in {', '.join(map(str, paths))}")
    people = sorted({who for who, _ in found})
    questions = [question for question in key["questions"] if any(question == asked for _, asked in found)]
    nobody = dict.fromkeys(key["methods"], 0)
    ranks_of_all = [[[found.get((p, q), nobody)[m] for m in key["methods"]] for q in questions] for p in people]
    return Answers(people, questions, list(key["methods"]), np.array(ranks_of_all, np.int64))


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Line number and fields of each row below the header."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            head, *rows = [(0, next(reader, []))] + [(reader.line_num, row) for row in reader if row]
    except OSError as error:
        raise StudyError(f"--answers={path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{path} is not a text file in UTF-8") from error
    except csv.Error as error:
        raise StudyError(f"{path}, line {reader.line_num}: {error}") from error
    if tuple(head[1]) != HEADER:
        raise StudyError(f"{path}, line 1: must be {','.join(HEADER)}; received {','.join(head[1])[:80]!r}")
    return rows


def _row_ranks(row: Sequence[str], key: Mapping[str, Any]) -> tuple[tuple[str, str], dict[str, int]]:
    """Participant and question of one row, and method -> rank. Raises StudyError saying what is wrong with the row."""
    if len(row) != len(HEADER):
        raise StudyError(f"{len(row)} fields; must be {len(HEADER)}: {', '.join(HEADER)}")
    study, participant, question, shown, given = row
    methods = key["questions"].get(question, {"methods": {}})["methods"]
    codes, ranks = shown.split(), given.split()
    for wrong, message in (
        (study != key["study"], f"study {study!r} is not that of the key, {key['study']!r}"),
        (not participant.strip(), "participant is empty"),
        (not methods, f"question {question!r} is not in the key"),
        (sorted(codes) != sorted(methods), f"shown {shown!r} is not the codes of {question}, each once"),
        (
            sorted(ranks) != sorted(str(k + 1) for k in range(len(codes))),
            f"ranks {given!r} must be each of 1 to {len(codes)} once",
        ),
    ):
        if wrong:
            raise StudyError(message)
    of = {methods[code]: int(rank) for code, rank in zip(codes, ranks, strict=True)}
    return (participant.strip(), question), of


def mean_reciprocal_ranks(ranks: np.ndarray) -> np.ndarray:
    """MRR = mean over answers of 1 / rank; (..., P, Q, M) ranks, 0 where not answered -> (..., M) in 1/M..1."""
    answered = ranks > 0
    count = answered.sum(axis=(-3, -2))
    total = np.where(answered, 1 / np.maximum(ranks, 1), 0).sum(axis=(-3, -2))
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def bootstrap(
    ranks: np.ndarray, *, seed: int = 0, resamples: int = RESAMPLES, level: float = LEVEL
) -> np.ndarray | None:
    """Percentile intervals of the mean reciprocal ranks.

    Each resample draws P participants with replacement, then Q questions, the same ones for all participants, and
    counts an answer as often as both of its sides were drawn (the pigeonhole bootstrap: Owen 2007, "The pigeonhole
    bootstrap", Annals of Applied Statistics 1). So the interval speaks of other people and of other pictures. With
    one participant it ranges over questions only, with one question over participants only.

    Args:
      ranks: (P, Q, M), 1 is best, 0 where not answered.

    Returns:
      (M, 2) lower and upper ends; None where there is one participant and one question.
    """
    from scipy import stats

    drawn = [axis for axis in (0, 1) if ranks.shape[axis] > 1]
    if not drawn:
        return None

    def statistic(*indices: np.ndarray, axis: int) -> np.ndarray:
        """(N, P) and (N, Q) indices -> (M, N)."""
        every = [np.zeros((1, 1), int), np.zeros((1, 1), int)]
        for which, index in zip(drawn, indices, strict=True):
            every[which] = np.atleast_2d(index)
        people, questions = every
        return mean_reciprocal_ranks(ranks[people[:, :, None], questions[:, None, :]]).T

    samples = tuple(np.arange(ranks.shape[axis]) for axis in drawn)
    # Where few answered all, a resample may miss every answer: it says nothing, and is left out of the quantiles.
    with warnings.catch_warnings(action="ignore", category=stats.DegenerateDataWarning):
        found = stats.bootstrap(
            samples, statistic, n_resamples=resamples, batch=500, vectorized=True, axis=-1, method="percentile",
            rng=np.random.default_rng(seed),
        )  # fmt: skip
    tails = [(1 - level) / 2, (1 + level) / 2]
    return np.nanquantile(found.bootstrap_distribution, tails, axis=-1).T


def score(answers: Answers, study: str, *, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, Any]:
    """All numbers of a study, ready for JSON: for each method mean reciprocal rank and interval, mean rank, and the
    share of answers that rank it first."""
    ranks, names = answers.ranks, answers.methods
    given = ranks[(ranks > 0).all(axis=-1)]
    means, ends = mean_reciprocal_ranks(ranks), bootstrap(ranks, seed=seed, resamples=resamples)
    over = [word for word, count in zip(("participants", "questions"), ranks.shape, strict=False) if count > 1]
    return {
        "study": study, "participants": len(answers.participants), "questions": len(answers.questions),
        "answers": len(given), "level": LEVEL, "resamples": resamples, "seed": seed,
        "interval_over": " and ".join(over) or "nothing, as there is one answer",
        "chance": sum(1 / (k + 1) for k in range(len(names))) / len(names),
        "methods": {
            name: {
                "mean_reciprocal_rank": float(means[m]),
                "interval": None if ends is None else ends[m].tolist(),
                "mean_rank": float(given[:, m].mean()),
                "ranked_first": float((given[:, m] == 1).mean()),
            }
            for m, name in enumerate(names)
        },
    }  # fmt: skip


def markdown(scores: Mapping[str, Any]) -> str:
    """The scores as Markdown, which reads well as plain text too: a table, the best method first."""
    rows = []
    for name, of in sorted(scores["methods"].items(), key=lambda item: -item[1]["mean_reciprocal_rank"]):
        interval = "none" if of["interval"] is None else "{:.3f} to {:.3f}".format(*of["interval"])
        shown = f"{of['mean_reciprocal_rank']:.3f}", interval, f"{of['mean_rank']:.2f}", f"{of['ranked_first']:.0%}"
        rows.append([plain(name), *shown])
    head = ["method", "mean reciprocal rank", f"{scores['level']:.0%} interval", "mean rank", "ranked first"]
    return (
        f"# User study\n\n{table(head, rows)}\n\n"
        f"{scores['answers']} answers, {scores['participants']} participants, {scores['questions']} questions (study "
        f"{scores['study']}). The interval ranges over {scores['interval_over']} ({scores['resamples']} resamples, "
        f"seed {scores['seed']}). Ranking by chance gives a mean reciprocal rank of {scores['chance']:.3f}.\n"
    )
