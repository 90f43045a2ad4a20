"""Folders of images: with a table of labels (`labelled_folder`), or of two domains (`two_domains`)."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from absl import logging

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data.host import decode
from lomit_tf.data.image_set import SPLITS, DataError, ImageSet, chosen_subset, label_columns
from lomit_tf.data.labels import Rows, check_columns, present, value_of
from lomit_tf.data.picture_names import PICTURES
from lomit_tf.data.places import find_images, is_hidden, read_image

IMAGE_SUFFIXES = tuple(sorted(PICTURES))  # those that cannot be read count as corrupt, and are named
IMAGE_COLUMNS = ("image", "file", "filename", "path")
SPLIT_COLUMNS = ("split", "partition")
SPLIT_WORDS = {
    "train": 0, "training": 0, "0": 0, "validation": 1, "valid": 1, "val": 1, "dev": 1, "1": 1,
    "test": 2, "testing": 2, "2": 2,
}  # fmt: skip
TWO_DOMAINS_LAYOUT = (
    "Expected trainA, trainB, testA and testB (and valA, valB if there are any) with images of domain A and of "
    "domain B, as CycleGAN's data sets have them; TensorFlow Datasets offers those as "
    "--dataset=cycle_gan/horse2zebra and cycle_gan/apple2orange"
)


def open_two_domains(config: DataConfig, split: str) -> ImageSet:
    """Folders trainA, trainB, testA, testB; validation is valA and valB, or testA and testB without those.

    Raises DataError when a folder is missing or holds no images.
    """
    root = Path(config.data_dir).expanduser()
    stem = {"train": "train", "validation": "val", "test": "test"}[split]
    if stem == "val" and not ((root / "valA").is_dir() and (root / "valB").is_dir()):
        stem = "test"
    sides = []
    for folder in (root / f"{stem}A", root / f"{stem}B"):
        if not folder.is_dir():
            present = ", ".join(sorted(p.name for p in root.iterdir())[:12]) or "nothing"
            raise DataError(f"no folder {folder}; {root} holds {present}. {TWO_DOMAINS_LAYOUT}")
        sides.append(sorted(map(str, pictures_in(folder))))
    chosen = chosen_of_domains(len(sides[0]), len(sides[1]), config.train_images if split == "train" else 0)
    paths = [side[i] for side, picks in zip(sides, chosen, strict=True) for i in picks]
    return two_domain_set(config, split, paths, len(chosen[0]), lambda index: decode(paths[index]))


def pictures_in(folder: Path) -> list[Path]:
    """The files of a folder that look like pictures; names that begin with a dot are none (macOS' `._` twins).

    Raises DataError where there are none, OSError where the folder cannot be read.
    """
    found = [p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not is_hidden(p.name)]
    if not found:
        raise DataError(f"no images in {folder} (looked for {', '.join(IMAGE_SUFFIXES)})")
    return found


def chosen_of_domains(count_a: int, count_b: int, at_most: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices within A and within B of the images to use: at_most in all, in proportion, at least one of each."""
    share = min(1.0, at_most / (count_a + count_b)) if at_most else 1.0
    picks = [chosen_subset(count, max(1, round(share * count))) for count in (count_a, count_b)]
    return picks[0], picks[1]


def two_domain_set(
    config: DataConfig, split: str, keys: Sequence[str], count_a: int, read: Callable[[int], np.ndarray]
) -> ImageSet:
    """An ImageSet whose first count_a images are domain A (label 0) and whose others are B (label 1)."""
    labels = (np.arange(len(keys)) >= count_a).astype(np.float32)[:, None]
    domains = (np.arange(count_a), np.arange(count_a, len(keys)))
    return ImageSet(config.dataset, split, labels, config.label_names, keys, read, domains)


def open_labelled(config: DataConfig, split: str) -> ImageSet:
    """Images with a CSV or TSV of labels.

    The column named image, file, filename or path (else the first) is the file, relative to data_dir or to
    data_dir/images. Labels may be 1/0, 1/-1, true/false, yes/no or intensities: whatever is above 0 counts as
    present, and EmotioNet's 999 (not annotated) as absent. A column split or partition says train, validation
    or test, or 0, 1 or 2; without one, a hash of the file name puts 90 of 100 in train, 5 in validation and 5 in
    test, the same ones always.

    Raises DataError, with file, row and column, for a table that cannot be read or contradicts itself, for
    probabilities, for a label that is the same in all training images, and where none of the images is found; and
    ConfigError for unknown attributes.
    """
    root = Path(config.data_dir).expanduser()
    table = _table_path(root, config.labels_file)
    header, rows = _read_table(table)
    lowered = [name.lower() for name in header]
    file_column = next((lowered.index(name) for name in IMAGE_COLUMNS if name in lowered), 0)
    split_column = next((lowered.index(name) for name in SPLIT_COLUMNS if name in lowered), None)
    known = [name for i, name in enumerate(header) if i not in (file_column, split_column)]
    columns = [header.index(known[i]) for i in label_columns(config.attributes, known, str(table))]

    files, values, hidden, seen = [], [], 0, Rows(str(table))
    for number, cells in rows:
        if len(cells) != len(header):
            raise DataError(f"{table}, row {number}: {len(cells)} cells under {len(header)} headings")
        name, where = cells[file_column], f"{table}, row {number}, column "
        if not name:
            raise DataError(f"{where}{header[file_column]}: no file name")
        part = _part(name, None if split_column is None else cells[split_column], where + header[split_column or 0])
        of_labels = [value_of(cells[c], where + header[c]) for c in columns] if SPLITS[part] == split else []
        if is_hidden(name):
            hidden += 1
        elif seen.is_new(name, number, (SPLITS[part], *of_labels)) and SPLITS[part] == split:
            files.append(name)
            values.append(of_labels)
    if hidden:
        logging.warning("%s: %d rows name files that begin with a dot, which are no pictures; left out", table, hidden)
    if not files:
        by = "the hash of the file names" if split_column is None else f"column {header[split_column]}"
        raise DataError(
            f"{table}: none of its {len(rows)} rows is in split {split}, by {by}; a column `split` decides it"
        )

    found = np.array(values, np.float64)
    check_columns(found, config.attributes, f"{table}, split {split}", vary=split == "train")
    places = find_images(files, (root, root / "images"), str(table))
    chosen = chosen_subset(len(files), config.train_images if split == "train" else 0)
    paths = [str(places(files[i])) for i in chosen]
    return ImageSet(
        "labelled_folder", split, present(found)[chosen], config.attributes, paths,
        lambda index: read_image(paths[index]),
    )  # fmt: skip


def _part(name: str, said: str | None, where: str) -> int:
    """0, 1 or 2, as the table says or, where it has no such column, by the name's hash."""
    part = hashed_part(name) if said is None else SPLIT_WORDS.get(said.lower())
    if part is None:
        raise DataError(f"{where}: expected train, validation or test, or 0, 1 or 2; received {said!r}")
    return part


def _table_path(root: Path, labels_file: str) -> Path:
    """The table named by --labels_file (absolute, or in data_dir or the working folder), or the only one."""
    if labels_file:
        places = list(dict.fromkeys((root / labels_file, Path(labels_file).expanduser())))
        for place in places:
            if place.is_file():
                return place
        raise DataError(f"--labels_file={labels_file}: no such file; looked for {', '.join(map(str, places))}")
    tables = sorted(p for p in root.iterdir() if p.suffix.lower() in (".csv", ".tsv") and not is_hidden(p.name))
    if not tables:
        raise DataError(f"no .csv or .tsv with the labels in {root}; name one with --labels_file")
    if len(tables) > 1:
        names = ", ".join(p.name for p in tables)
        raise ConfigError(f"{root} has more than one table: {names}; choose with --labels_file")
    return tables[0]


def _read_table(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The headings, and (row number in the file from 1, cells) of each row that is not blank."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not a UTF-8 text file ({error})") from error
    first = text.partition("\n")[0]
    delimiter = max("\t,;" if path.suffix.lower() == ".tsv" else ",;\t", key=first.count)
    reader = csv.reader(text.splitlines(), delimiter=delimiter)
    stripped = ((reader.line_num, [cell.strip() for cell in cells]) for cells in reader)
    rows = [(number, cells) for number, cells in stripped if any(cells)]
    if len(rows) < 2:
        raise DataError(f"{path}: expected a header and at least one image below; received {len(rows)} rows")
    header = rows[0][1]
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise DataError(f"{path}: the heading {doubled[0]!r} occurs more than once")
    return header, rows[1:]


def hashed_part(name: str) -> int:
    """0, 1 or 2 for 90, 5 and 5 of 100 file names. Not Python's hash(), which each process salts anew."""
    percent = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % 100
    return 0 if percent < 90 else 1 if percent < 95 else 2
