"""What people answered in a user study: mean reciprocal ranks with bootstrap intervals, and win rates."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HEADER = ("study", "participant", "question", "shown", "ranks")
LEVEL = 0.95
RESAMPLES = 10_000
SHOWN_ERRORS = 20


class StudyError(ValueError):
    """A study or its answers cannot be used; the message names the file or flag and says what to do."""


@dataclass(frozen=True)
class Answers:
    """Ranks of every method: [participants, questions, methods], 1 is best, 0 in all methods where not answered."""

    participants: list[str]
    questions: list[str]
    methods: list[str]
    ranks: np.ndarray


def key_path(page: Path) -> Path:
    """study.html -> study.key.json"""
    return page.with_suffix(".key.json")


def read_key(path: Path) -> dict[str, Any]:
    """The key that `user_study make` wrote beside the page. Raises StudyError where it is none."""
    try:
        key = json.loads(path.read_text(encoding="utf-8"))
        methods = key["methods"]
        whole = all(sorted(q["methods"].values()) == sorted(methods) for q in key["questions"].values())
        usable = isinstance(key["study"], str) and len(methods) > 1 and key["questions"] and whole
    except OSError as error:
        raise StudyError(f"--key={path}: {error.strerror}; `user_study make` writes it beside the page") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        usable = False
    if not usable:
        raise StudyError(f"--key={path} is not a key that `user_study make` wrote")
    return key


def read_answers(paths: Sequence[Path], key: Mapping[str, Any]) -> Answers:
    """The answers of all files together.

    A row is one question of one participant: `shown` is the codes in the order shown, `ranks` the rank of each.

    Raises:
      StudyError: a file is missing or is no CSV of this study; or rows are wrong: each is named by file and line.
    """
    problems: list[str] = []
    found: dict[tuple[str, str], tuple[str, dict[str, int]]] = {}
    for path in paths:
        for line, row in _rows(path):
            place = f"{path}, line {line}"
            try:
                ranks = row_ranks(row, key)
            except StudyError as error:
                problems.append(f"{place}: {error}")
                continue
            who = (row[1].strip(), row[2])
            if who in found:
                problems.append(
                    f"{place}: participant {who[0]!r} answered {who[1]} in {found[who][0]} already; give each person "
                    "an id of their own, and each file once"
                )
                continue
            found[who] = (place, ranks)
    if problems:
        more = f"\n... and {len(problems) - SHOWN_ERRORS} more" if len(problems) > SHOWN_ERRORS else ""
        raise StudyError("\n".join(problems[:SHOWN_ERRORS]) + more)
    if not found:
        raise StudyError(f"no answers in {', '.join(map(str, paths))}")
    participants = sorted({who for who, _ in found})
    answered = {question for _, question in found}
    questions = [question for question in key["questions"] if question in answered]
    methods = list(key["methods"])
    ranks_of_all = np.zeros((len(participants), len(questions), len(methods)), np.int64)
    for (participant, question), (_, ranks) in found.items():
        ranks_of_all[participants.index(participant), questions.index(question)] = [ranks[method] for method in methods]
    return Answers(participants, questions, methods, ranks_of_all)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Line number and fields of each row below the header. Takes the semicolons that a spreadsheet may write."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=";" if ";" in first and "," not in first else ",", strict=True)
            head = next(reader, [])
            if tuple(head) != HEADER:
                raise StudyError(f"{path}, line 1: must be {','.join(HEADER)}; received {','.join(head)[:80]!r}")
            rows, line = [], reader.line_num + 1
            for row in reader:
                if row:
                    rows.append((line, row))
                line = reader.line_num + 1
    except OSError as error:
        raise StudyError(f"--answers={path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StudyError(f"{path} is not a text file in UTF-8") from error
    except csv.Error as error:
        raise StudyError(f"{path}, line {reader.line_num}: {error}") from error
    return rows


def row_ranks(row: Sequence[str], key: Mapping[str, Any]) -> dict[str, int]:
    """Method -> rank of one row. Raises StudyError saying what is wrong with the row."""
    if len(row) != len(HEADER):
        raise StudyError(f"{len(row)} fields; must be {len(HEADER)}: {', '.join(HEADER)}")
    study, participant, question, shown, ranks = row
    if study != key["study"]:
        raise StudyError(f"study {study!r} is not that of the key, {key['study']!r}")
    if not participant.strip():
        raise StudyError("participant is empty")
    if question not in key["questions"]:
        raise StudyError(f"question {question!r} is not in the key")
    methods = key["questions"][question]["methods"]
    codes = shown.split()
    if sorted(codes) != sorted(methods):
        raise StudyError(f"shown {shown!r} is not the codes of {question}, each once")
    given = ranks.split()
    if sorted(given) != sorted(str(k + 1) for k in range(len(codes))):
        raise StudyError(f"ranks {ranks!r} must be each of 1 to {len(codes)} once")
    return {methods[code]: int(rank) for code, rank in zip(codes, given, strict=True)}


def mean_reciprocal_ranks(ranks: np.ndarray) -> np.ndarray:
    """MRR = mean over answers of 1 / rank; (P, Q, M) ranks, 0 where not answered -> (M,) in 1/M..1."""
    answers = ranks[(ranks > 0).all(axis=-1)]
    return (1.0 / answers).mean(axis=0)


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
    participants, questions, methods = ranks.shape
    if participants == 1 and questions == 1:
        return None
    random = np.random.default_rng(seed)
    people = random.multinomial(participants, np.full(participants, 1 / participants), resamples).astype(float)
    pictures = random.multinomial(questions, np.full(questions, 1 / questions), resamples).astype(float)
    answered = (ranks > 0).all(axis=-1)
    counts = ((people @ answered) * pictures).sum(axis=1)
    drawn = counts > 0  # where few answered all, a resample may miss every answer
    tails = [(1 - level) / 2, (1 + level) / 2]
    ends = []
    for m in range(methods):
        reciprocal = np.where(answered, 1.0 / np.maximum(ranks[..., m], 1), 0.0)
        sums = ((people @ reciprocal) * pictures).sum(axis=1)
        ends.append(np.quantile(sums[drawn] / counts[drawn], tails))
    return np.array(ends)


def win_rates(ranks: np.ndarray) -> np.ndarray:
    """(M, M): the share of answers that rank method i before method j; nan on the diagonal."""
    answers = ranks[(ranks > 0).all(axis=-1)]
    rates = (answers[:, :, None] < answers[:, None, :]).mean(axis=0)
    np.fill_diagonal(rates, np.nan)
    return rates


def score(answers: Answers, study: str, *, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, Any]:
    """All numbers of a study, ready for JSON: for each method mean reciprocal rank and interval, mean rank, how often
    it had each rank, and its win rate against each other method."""
    ranks = answers.ranks
    given = ranks[(ranks > 0).all(axis=-1)]
    count = len(answers.methods)
    means, ends, wins = mean_reciprocal_ranks(ranks), bootstrap(ranks, seed=seed, resamples=resamples), win_rates(ranks)
    return {
        "study": study,
        "participants": len(answers.participants),
        "questions": len(answers.questions),
        "answers": len(given),
        "level": LEVEL,
        "resamples": resamples,
        "seed": seed,
        "interval_over": interval_over(*ranks.shape[:2]),
        "chance": sum(1 / (k + 1) for k in range(count)) / count,
        "methods": {
            name: {
                "mean_reciprocal_rank": float(means[m]),
                "interval": None if ends is None else [float(end) for end in ends[m]],
                "mean_rank": float(given[:, m].mean()),
                "rank_counts": [int((given[:, m] == rank + 1).sum()) for rank in range(count)],
                "wins": {other: float(wins[m, k]) for k, other in enumerate(answers.methods) if k != m},
            }
            for m, name in enumerate(answers.methods)
        },
    }


def interval_over(participants: int, questions: int) -> str:
    """In words, what the interval ranges over."""
    if participants > 1 and questions > 1:
        return "participants and questions"
    if questions > 1:
        return "questions only: there is one participant, so it says nothing about other people"
    if participants > 1:
        return "participants only: there is one question, so it says nothing about other pictures"
    return "nothing: there is one answer, so there is no interval"
