"""A data set as one small file for a machine that trains: squared images as WebP, with their labels, in a zip.

Unpacked, it is a folder that the same flagfile reads: CelebA's layout, a folder with a table of labels, or two domains.
Packing goes on where it was stopped: images are encoded in parts, each of them a file beside the result.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data import host
from lomit_tf.data.image_set import SPLITS, DataError, ImageSet, Split
from lomit_tf.data.opening import CorruptImageError
from lomit_tf.data.sources import open_set
from lomit_tf.runtime.atomic import replacing, write_bytes, write_text

RECORD = "packed.json"
PART_IMAGES = 500
ENTRY_BYTES = 76  # of a file in a zip beside its bytes and, twice, its name
TABLE_BYTES = 120  # that an image may take in the tables, more than it does
Say = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True)
class Picture:
    """One image of the data set: where it goes, what the tables say of it, and how it is read."""

    name: str  # of the file in the folder, with /
    split: str
    labels: tuple[int, ...]
    read: Callable[[], np.ndarray]
    key: str


@dataclasses.dataclass(frozen=True)
class PackingSummary:
    """What was packed: images written, those of the data set, bytes of the file, and why images were left out."""

    images: int
    total: int
    size: int
    corrupt: tuple[str, ...]


def pictures_of(config: DataConfig) -> list[Picture]:
    """Every image of a data set, in an order that is drawn once for all, so that a part of them is a fair sample.

    Raises ConfigError and DataError as `open_set`.
    """
    splits: tuple[Split, ...] = ("train", "test") if config.two_domains else SPLITS
    found = [picture for split in splits for picture in _of_split(open_set(config, split), config)]
    return [found[i] for i in np.random.default_rng(0).permutation(len(found))]


def _of_split(images: ImageSet, config: DataConfig) -> Iterator[Picture]:
    for i, key in enumerate(images.keys):
        label = tuple(int(value) for value in images.labels[i])
        stem = PurePosixPath(key.replace("\\", "/")).stem
        if config.two_domains:
            name = f"{images.split}{'AB'[label[0]]}/{stem}.webp"
        elif config.dataset == "celeb_a":
            name = f"img_align_celeba/{stem}.webp"
        else:
            name = f"images/{images.split}-{i:06d}.webp"
        yield Picture(name, images.split, label, lambda i=i: images.read(i), key)  # type: ignore[misc]


def pack(
    config: DataConfig, out: Path, *, max_bytes: int = 0, quality: int = 90, say: Say | None = None
) -> PackingSummary:
    """Write a data set into one file, or as many of its images as fit.

    Args:
        config: the data set; image_size, crop and attributes say what becomes of images and which labels go along.
        out: the file, a zip. Beside it `out`.parts holds what is done, until all of it is.
        max_bytes: what the file may take; 0 for no limit.
        quality: of WebP, from 1 to 100.
        say: told how many images are done, and of how many.

    Raises:
        ConfigError: the parts beside `out` are of other settings, or not one image fits.
        DataError: the data cannot be used, or not one image can be read.
    """
    pictures = pictures_of(config)
    record = {
        "dataset": config.dataset, "image_size": config.image_size, "crop": config.crop, "quality": quality,
        "attributes": list(config.label_names), "images": len(pictures),
    }  # fmt: skip
    parts = out.with_name(out.name + ".parts")
    _prepare(parts, record)
    room = max_bytes or 1 << 62
    chosen: list[tuple[Picture, Path]] = []
    corrupt: list[str] = []
    size = 1024 + 2 * len(json.dumps(record))
    for start in range(0, len(pictures), PART_IMAGES):
        part, path = pictures[start : start + PART_IMAGES], parts / f"{start:08d}.zip"
        sizes = _encoded(part, path, config, quality)
        for picture in part:
            if picture.name not in sizes:
                corrupt.append(picture.key)
                continue
            size += sizes[picture.name] + ENTRY_BYTES + 2 * len(picture.name) + TABLE_BYTES
            if size > room:
                break
            chosen.append((picture, path))
        if say is not None:
            say(len(chosen), len(pictures))
        if size > room:
            break
    if not chosen:
        if corrupt:
            raise DataError(f"not one of {len(corrupt)} images can be read, {corrupt[0]} among them")
        raise ConfigError(f"--max_mb={max_bytes / 2**20:g} does not hold one image; give more")
    _join(chosen, out, config, record | {"images": len(chosen)})
    shutil.rmtree(parts)
    return PackingSummary(len(chosen), len(pictures), out.stat().st_size, tuple(corrupt))


def _prepare(parts: Path, record: dict[str, object]) -> None:
    """Make the folder of parts, or check that those in it are of the same settings."""
    place = parts / RECORD
    if place.exists() and json.loads(place.read_text(encoding="utf-8")) != record:
        raise ConfigError(f"{parts} holds parts of other settings; remove it, or give another --out")
    write_text(place, json.dumps(record) + "\n")


def _encoded(part: Sequence[Picture], path: Path, config: DataConfig, quality: int) -> dict[str, int]:
    """Name -> bytes of the images of a part that can be read; encodes them where the part is not there yet."""
    if not path.exists():
        with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
            data = list(pool.map(lambda picture: _webp(picture, config, quality), part))
        with replacing(path, sync=True) as file, zipfile.ZipFile(file, "w") as archive:
            for picture, encoded in zip(part, data, strict=True):
                if encoded is not None:
                    archive.writestr(picture.name, encoded)
    with zipfile.ZipFile(path) as archive:
        return {info.filename: info.file_size for info in archive.infolist()}


def _webp(picture: Picture, config: DataConfig, quality: int) -> bytes | None:
    try:
        image = picture.read()
    except CorruptImageError:
        return None
    buffer = io.BytesIO()
    Image.fromarray(host.square(image[None], config.crop, config.image_size)[0]).save(buffer, "WEBP", quality=quality)
    return buffer.getvalue()


def _join(chosen: Sequence[tuple[Picture, Path]], out: Path, config: DataConfig, record: dict[str, object]) -> None:
    """One zip of the record, the tables and the chosen images."""
    with replacing(out, sync=True) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(RECORD, json.dumps(record) + "\n")
        for name, text in tables([picture for picture, _ in chosen], config).items():
            archive.writestr(name, text, zipfile.ZIP_DEFLATED)
        opened: tuple[Path, zipfile.ZipFile] | None = None
        for picture, path in chosen:
            if opened is None or opened[0] != path:
                if opened is not None:
                    opened[1].close()
                opened = path, zipfile.ZipFile(path)
            archive.writestr(picture.name, opened[1].read(picture.name))
        if opened is not None:
            opened[1].close()


def tables(pictures: Sequence[Picture], config: DataConfig) -> dict[str, str]:
    """The tables of labels and splits, by name: CelebA's two, one of a labelled folder, none of two domains."""
    if config.two_domains:
        return {}
    ordered = sorted(pictures, key=lambda picture: picture.name)
    if config.dataset != "celeb_a":
        rows = [[p.name, p.split, *p.labels] for p in ordered]
        return {"labels.csv": _csv(["image", "split", *config.label_names], rows)}
    names = [PurePosixPath(p.name).name for p in ordered]
    labels = [[name, *(2 * v - 1 for v in p.labels)] for name, p in zip(names, ordered, strict=True)]
    splits = [[name, SPLITS.index(p.split)] for name, p in zip(names, ordered, strict=True)]  # type: ignore[arg-type]
    return {
        "list_attr_celeba.csv": _csv(["image_id", *config.label_names], labels),
        "list_eval_partition.csv": _csv(["image_id", "partition"], splits),
    }


def _csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def unpack(packed: Path, folder: Path, say: Say | None = None) -> int:
    """Unpack into a folder, going on where it was stopped; how many files there are.

    Raises ConfigError: not a file of `pack`, damaged, or with names that lead out of the folder.
    """
    try:
        with zipfile.ZipFile(packed) as archive:
            if RECORD not in archive.namelist():
                raise ConfigError(f"{packed}: not a file of lomit-pack; it has no {RECORD}")
            infos = archive.infolist()
            for done, info in enumerate(infos, 1):
                place = PurePosixPath(info.filename)
                if place.is_absolute() or ".." in place.parts:
                    raise ConfigError(f"{packed}: {info.filename!r} leads out of --out; nothing such is unpacked")
                target = folder / place
                if not (target.is_file() and target.stat().st_size == info.file_size):
                    target.parent.mkdir(parents=True, exist_ok=True)
                    write_bytes(target, archive.read(info))
                if say is not None and (done % PART_IMAGES == 0 or done == len(infos)):
                    say(done, len(infos))
            return len(infos)
    except FileNotFoundError as error:
        if error.filename and Path(error.filename) != packed:
            raise
        raise ConfigError(f"{packed}: no such file") from error
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        if isinstance(error, OSError) and error.filename and Path(error.filename) != packed:
            raise  # what cannot be written
        raise ConfigError(f"{packed}: cannot be unpacked ({error}); copy it once more") from error
