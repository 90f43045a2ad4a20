"""Data sets of TensorFlow Datasets: `celeb_a` and `cycle_gan/*`.

A split is read through once and kept in memory, still encoded (CelebA's training part: 1.1 GB): batches that depend
on nothing but their step need random access, and TFDS has none to TFRecords.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from lomit_tf.config import DataConfig
from lomit_tf.data import celeb_a
from lomit_tf.data.folders import TWO_DOMAINS_LAYOUT, chosen_of_domains, two_domain_set
from lomit_tf.data.host import decode
from lomit_tf.data.image_set import DataError, ImageSet, chosen_subset, label_columns
from lomit_tf.data.places import is_hidden
from lomit_tf.runtime.backend import backend_name

HOSTS = {"celeb_a": "drive.google.com", "cycle_gan": "efrosgans.eecs.berkeley.edu"}  # that TFDS downloads from
NETWORK_SECONDS = 8.0
TFDS_PROXIES = ("TFDS_HTTP_PROXY", "TFDS_HTTPS_PROXY", "TFDS_FTP_PROXY")
VERSION = re.compile(r"\d+\.\d+\.\d+")  # TFDS names its folders so
SHOWN = 5  # names that a message lists


def open_celeb_a(config: DataConfig, split: str) -> ImageSet:
    """TFDS celeb_a; raises DataError when it is neither prepared nor can be downloaded."""
    builder = _prepared("celeb_a", config, celeb_a.WHERE_TO_GET)
    known = sorted(builder.info.features["attributes"].keys())
    columns = [known[i] for i in label_columns(config.attributes, known, "celeb_a (TFDS)")]
    picks = chosen_subset(_count(builder, split), config.train_images if split == "train" else 0)
    encoded, labels = [], []
    for example in _examples(builder, split, picks):
        encoded.append(example["image"])
        labels.append([example["attributes"][name] for name in columns])
    keys = [f"celeb_a/{split}/{i}" for i in picks]
    values = np.array(labels, np.float32)
    return ImageSet("celeb_a", split, values, config.attributes, keys, _reader(encoded, keys))


def open_cycle_gan(config: DataConfig, split: str) -> ImageSet:
    """TFDS cycle_gan/<name>: trainA, trainB, testA, testB; validation is test. Errors as of open_celeb_a."""
    builder = _prepared(config.dataset, config, TWO_DOMAINS_LAYOUT)
    stem = "train" if split == "train" else "test"
    counts = _count(builder, stem + "A"), _count(builder, stem + "B")
    picks = chosen_of_domains(*counts, config.train_images if split == "train" else 0)
    encoded, keys = [], []
    for side, chosen in zip("AB", picks, strict=True):
        encoded += [example["image"] for example in _examples(builder, stem + side, chosen)]
        keys += [f"{config.dataset}/{stem}{side}/{i}" for i in chosen]
    return two_domain_set(config, split, keys, len(picks[0]), _reader(encoded, keys))


def _prepared(name: str, config: DataConfig, where_to_get: str) -> Any:
    """The TFDS builder, downloading and preparing the data where they are not there yet.

    Never into a folder of --data_dir that holds anything but TFDS' own, and never without saying so.
    """
    if backend_name() != "tensorflow":
        raise DataError(
            f"{name} through TensorFlow Datasets needs Keras' backend tensorflow, and this is {backend_name()}: "
            f"{where_to_get}"
        )
    import tensorflow_datasets as tfds  # slow to import, and not needed by the other sources

    data_dir = str(Path(config.data_dir).expanduser()) if config.data_dir else None
    looked = Path(data_dir or str(tfds.core.constants.DATA_DIR))
    try:
        builder = tfds.builder(name, data_dir=data_dir)
        if not builder.is_prepared():  # type: ignore[attr-defined]
            if data_dir and (foreign := foreign_to_tfds(looked, name)):
                raise DataError(
                    f"--data_dir={config.data_dir} holds neither {name} as TensorFlow Datasets prepares it nor the "
                    f"files that are expected, but {foreign}; nothing was downloaded into it. {where_to_get}; or give "
                    "an empty folder, and TensorFlow Datasets will download the set into it"
                )
            _reach(HOSTS[name.partition("/")[0]])
            logging.warning("%s is not in %s: downloading it there, through TensorFlow Datasets", name, looked)
            builder.download_and_prepare()
    except DataError:
        raise
    except Exception as error:  # anything may fail below: network, quota, disk, checksums, versions
        detail = " ".join(str(error).split())[:300]
        raise DataError(
            f"{name} is neither in {looked / name} nor can it be downloaded there. {where_to_get}. "
            f"The download by TensorFlow Datasets failed with {type(error).__name__}: {detail}"
        ) from error
    return builder


def foreign_to_tfds(folder: Path, name: str) -> str:
    """What a folder holds that TensorFlow Datasets did not put there, in words; empty for nothing of that kind."""
    own = {"downloads", name.partition("/")[0]}

    def is_own(path: Path) -> bool:
        if not path.is_dir():
            return False
        inside = [p for pattern in ("*", "*/*") for p in path.glob(pattern)]
        return any(p.name == "dataset_info.json" or VERSION.match(p.name) for p in inside) or (
            path.name in own and (path.name == "downloads" or not inside)
        )

    found = sorted(p.name for p in folder.iterdir() if not is_hidden(p.name) and not is_own(p))
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more


def _reach(host: str) -> None:
    """Ask the host for anything. Raises OSError where it does not answer within NETWORK_SECONDS.

    TensorFlow Datasets itself tries for minutes. In a thread, as looking up a name takes no time limit.
    """
    import requests

    if any(os.environ.get(name) for name in TFDS_PROXIES):  # its own settings, which the question here does not know
        return
    failed: list[OSError] = []

    def ask() -> None:
        try:
            requests.head(f"https://{host}", timeout=NETWORK_SECONDS)
        except OSError as error:  # every error of requests is one
            failed.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(NETWORK_SECONDS)
    if thread.is_alive():
        raise TimeoutError(f"{host} did not answer within {NETWORK_SECONDS:g} s")
    if failed:
        raise failed[0]


def _count(builder: Any, split: str) -> int:
    if split not in builder.info.splits:
        known = ", ".join(builder.info.splits)
        raise DataError(f"{builder.info.full_name} in {builder.data_dir} has no split {split}; it has {known}")
    return int(builder.info.splits[split].num_examples)


def _examples(builder: Any, split: str, picks: np.ndarray) -> Iterator[dict[str, Any]]:
    """The picked examples in stored order, images still encoded."""
    import tensorflow_datasets as tfds

    picked = set(picks.tolist())
    still_encoded = {"image": tfds.decode.SkipDecoding()}
    stored = builder.as_dataset(split=split, decoders=still_encoded, shuffle_files=False)
    for number, example in enumerate(tfds.as_numpy(stored)):
        if number in picked:
            yield example


def _reader(encoded: list[bytes], keys: list[str]) -> Callable[[int], np.ndarray]:
    return lambda index: decode(encoded[index], keys[index])
