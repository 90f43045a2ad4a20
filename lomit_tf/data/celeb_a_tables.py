"""CelebA's lists, as text with spaces (the original archives) or as CSV (Kaggle's)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from absl import logging

from lomit_tf.data.image_set import DataError, label_columns
from lomit_tf.data.labels import Rows, value_of


def read_attributes(path: Path, labels: tuple[str, ...], name: str = "CelebA") -> tuple[list[str], np.ndarray]:
    """File names and the cells' values (N, len(labels)) float64 from list_attr_celeba.txt or .csv, or CelebA-HQ's list.

    The count on the first line may be missing, and so may the header's name for the first column.

    Raises DataError for a file that is malformed or contradicts itself, ConfigError for labels that it does not have.
    """
    lines = _lines(path)
    number, header = next(lines, (0, []))
    count = None
    if len(header) == 1 and header[0].isdigit():
        count = int(header[0])
        number, header = next(lines, (number + 1, []))
    if not header or header[-1].lstrip("+-").isdigit():
        received = " ".join(header)[:80]
        raise DataError(f"{path}, line {number}: expected the attribute names; received {received!r}")

    names: list[str] = []
    values: list[list[float]] = []
    columns: list[int] = []
    seen, repeated = Rows(str(path)), 0
    for number, cells in lines:
        if not columns:
            if len(header) == len(cells):  # the file names have a heading too
                header = header[1:]
            columns = [1 + c for c in label_columns(labels, header, f"{name} ({path})")]
        if len(cells) != len(header) + 1:
            raise DataError(f"{path}, line {number}: {len(cells) - 1} values for {len(header)} attributes")
        row = [_attribute(cells[c], f"{path}, line {number}, column {header[c - 1]}") for c in columns]
        if seen.is_new(cells[0], number, row):
            names.append(cells[0])
            values.append(row)
        else:
            repeated += 1
    if not names:
        raise DataError(f"{path}: no rows below the attribute names")
    if count is not None and count != len(names) + repeated:
        logging.warning("%s says it has %d rows; it has %d", path, count, len(names) + repeated)
    return names, np.array(values, np.float64)


def attribute_names(path: Path) -> tuple[str, ...]:
    """The labels that the header of a list of attributes names. Raises DataError where it has none."""
    lines = _lines(path)
    number, header = next(lines, (0, []))
    if len(header) == 1 and header[0].isdigit():
        number, header = next(lines, (number + 1, []))
    _, first = next(lines, (number + 1, []))
    if len(first) < 2 or len(header) not in (len(first), len(first) - 1):
        raise DataError(f"{path}, line {number}: expected the attribute names; received {' '.join(header)[:80]!r}")
    return tuple(header[len(header) - len(first) + 1 :])


def read_partition(path: Path) -> dict[str, int]:
    """File name -> 0 (train), 1 (validation) or 2 (test) from list_eval_partition.txt or .csv."""
    partition: dict[str, int] = {}
    seen = Rows(str(path))
    for number, cells in _lines(path):
        if number == 1 and len(cells) == 2 and cells[1].lower() in ("partition", "split"):
            continue  # the headings of Kaggle's
        if len(cells) != 2 or cells[1] not in ("0", "1", "2"):
            received = " ".join(cells)[:80]
            raise DataError(f"{path}, line {number}: expected a file name and 0, 1 or 2; received {received!r}")
        if seen.is_new(cells[0], number, (cells[1],)):
            partition[cells[0]] = int(cells[1])
    return partition


def read_mapping(path: Path) -> dict[str, str]:
    """CelebA-HQ's file name -> CelebA's, from CelebA-HQ-to-CelebA-mapping.txt: number, number and name in CelebA."""
    mapping = {}
    for number, cells in _lines(path):
        if number == 1 and not cells[0].isdecimal():
            continue  # the headings
        if len(cells) != 3 or not cells[0].isdecimal():
            received = " ".join(cells)[:80]
            raise DataError(f"{path}, line {number}: expected two numbers and a file name; received {received!r}")
        mapping[f"{cells[0]}.jpg"] = cells[2]
    return mapping


def _attribute(text: str, where: str) -> float:
    """1, 0 or -1. CelebA's lists say 1 and -1; 0, true, false, yes and no are understood too."""
    try:
        value = value_of(text, where)
    except DataError:
        value = 2.0
    if value not in (1, 0, -1):
        raise DataError(f"{where}: expected 1 or -1; received {text!r}")
    return value


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line numbers from 1 and the cells of each line that has any."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file) if path.suffix.lower() == ".csv" else (line.split() for line in file)
        for number, row in enumerate(rows, 1):
            if cells := [cell.strip() for cell in row if cell.strip() or len(row) > 1]:
                yield number, cells
