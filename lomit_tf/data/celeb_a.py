"""CelebA in its own archive's layout: img_align_celeba/, list_attr_celeba.txt, list_eval_partition.txt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from absl import logging

from lomit_tf.config import DataConfig
from lomit_tf.data.image_set import SPLITS, DataError, ImageSet, chosen_subset, label_columns
from lomit_tf.data.preprocess import decode

WHERE_TO_GET = (
    "Get CelebA (non-commercial research only) from its site, mmlab.ie.cuhk.edu.hk/projects/CelebA.html: "
    "img_align_celeba.zip (unpacked), list_attr_celeba.txt and list_eval_partition.txt, in one folder, and give "
    "that folder as --data_dir"
)
# Where the parts lie: side by side, as in the original archive, or in a doubled folder, as some archives unpack.
IMAGE_FOLDERS = ("img_align_celeba/img_align_celeba", "img_align_celeba", "Img/img_align_celeba")
ATTRIBUTE_FILES = ("list_attr_celeba.txt", "Anno/list_attr_celeba.txt")
PARTITION_FILES = ("list_eval_partition.txt", "Eval/list_eval_partition.txt")
PARTS = (IMAGE_FOLDERS, ATTRIBUTE_FILES, PARTITION_FILES)


def has_folder_layout(data_dir: str) -> bool:
    """Whether any part of CelebA's folder layout lies there (all of them are then expected)."""
    return bool(data_dir) and any(_found(data_dir, places) for places in PARTS)


def open_celeb_a(config: DataConfig, split: str) -> ImageSet:
    """The CelebA folder at `config.data_dir`.

    Raises DataError when a part is missing or malformed and ConfigError for an unknown attribute. Images that
    the lists name and the folder lacks are no error here: they count as corrupt when read.
    """
    parts: list[Path] = []
    for places in PARTS:
        path = _found(config.data_dir, places)
        if path is None:
            looked = ", ".join(str(Path(config.data_dir, place)) for place in places)
            raise DataError(f"CelebA lacks {Path(places[0]).name}; looked for {looked}. {WHERE_TO_GET}")
        parts.append(path)
    folder, attribute_file, partition_file = parts

    names, labels = read_attributes(attribute_file, config.attributes)
    row_of = {name: row for row, name in enumerate(names)}
    partition = read_partition(partition_file)
    members = [name for name, part in partition.items() if part == SPLITS.index(split)]  # type: ignore[arg-type]
    if not members:
        counts = ", ".join(f"{list(partition.values()).count(i)} {name}" for i, name in enumerate(SPLITS))
        raise DataError(f"{partition_file}: no {split} images; it lists {counts}")
    unlabelled = [name for name in members if name not in row_of]
    if unlabelled:
        raise DataError(
            f"{attribute_file}: no row for {unlabelled[0]} (and {len(unlabelled) - 1} others), which "
            f"{partition_file} lists"
        )

    chosen = chosen_subset(len(members), config.train_images if split == "train" else 0)
    rows = np.array([row_of[members[i]] for i in chosen])
    paths = [str(folder / members[i]) for i in chosen]
    return ImageSet(
        "celeb_a", split, labels[rows], config.attributes, paths, lambda index: decode(paths[index])
    )


def read_attributes(path: Path, wanted: tuple[str, ...]) -> tuple[list[str], np.ndarray]:
    """File names and labels (N, len(wanted)) float32 in {0, 1} from list_attr_celeba.txt.

    The count on the first line may be missing, and so may the header's name for the first column.
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
    values: list[list[str]] = []
    columns: list[int] = []
    for number, cells in lines:
        if not names:
            if len(header) == len(cells):  # the file names have a heading too
                header = header[1:]
            columns = [1 + c for c in label_columns(wanted, header, f"CelebA ({path})")]
        if len(cells) != len(header) + 1:
            raise DataError(f"{path}, line {number}: {len(cells) - 1} values for {len(header)} attributes")
        row = [cells[c] for c in columns]
        for column, value in zip(columns, row, strict=True):
            if value not in ("1", "-1", "0", "+1"):
                where = f"{path}, line {number}, column {header[column - 1]}"
                raise DataError(f"{where}: expected 1 or -1; received {value!r}")
        names.append(cells[0])
        values.append(row)
    if not names:
        raise DataError(f"{path}: no rows below the attribute names")
    if count is not None and count != len(names):
        logging.warning("%s says it has %d rows; it has %d", path, count, len(names))
    return names, np.array([[value in ("1", "+1") for value in row] for row in values], np.float32)


def read_partition(path: Path) -> dict[str, int]:
    """File name -> 0 (train), 1 (validation) or 2 (test) from list_eval_partition.txt."""
    partition = {}
    for number, cells in _lines(path):
        if len(cells) != 2 or cells[1] not in ("0", "1", "2"):
            received = " ".join(cells)[:80]
            raise DataError(f"{path}, line {number}: expected a file name and 0, 1 or 2; received {received!r}")
        partition[cells[0]] = int(cells[1])
    return partition


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Line numbers from 1 and the words of each line that has any."""
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            if cells := line.split():
                yield number, cells


def _found(data_dir: str, places: tuple[str, ...]) -> Path | None:
    """The first of the places below data_dir that exists."""
    paths = (Path(data_dir).expanduser() / place for place in places)
    return next((path for path in paths if path.exists()), None)
