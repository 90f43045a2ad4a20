"""Long work that is kept in pieces beside the file that it becomes, so that an interrupted run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from absl import logging

from lomit_tf.config import ConfigError
from lomit_tf.runtime.atomic import write_text

SIZE = "piece"  # of a record: how many are in a piece, which the run that began says


class Recorded(Protocol):
    """What a file has: whatever was made, and what made it."""

    @property
    def record(self) -> dict[str, Any]:
        """What made it."""
        ...


Made = TypeVar("Made", bound=Recorded)


def finished(out: Path, record: dict[str, Any], load: Callable[[Path], Made]) -> Made | None:
    """What is in a file already, where the same settings made it; None where there is no such file.

    Raises ConfigError for a file of another kind, or one that other settings made: it is never written over.
    """
    if not out.exists():
        return None
    try:
        made = load(out)
    except ConfigError:
        raise ConfigError(f"{out} is a file of another kind; name another --out, or remove it") from None
    if lines := _differing(made.record, record):
        raise ConfigError(f"{out} was made otherwise ({lines}); name another --out, or remove it")
    logging.info("%s is there already, made with the same settings: nothing to do", out)
    return made


def take_up(parts: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Make the folder of pieces, or check that it is of the same run; the record, with the size of that run's pieces.

    Raises ConfigError for pieces of another run.
    """
    place = parts / "record.json"
    if not place.exists():
        write_text(place, json.dumps(record, indent=1) + "\n")
        return record
    before = json.loads(place.read_text(encoding="utf-8"))
    if lines := _differing(before, record):
        raise ConfigError(f"{parts} holds pieces of another run ({lines}); name another --out, or remove it")
    return record | {SIZE: before[SIZE]}


def _differing(before: dict[str, Any], record: dict[str, Any]) -> str:
    """What differs in words; how large pieces are does not count."""
    names = [name for name in record if name != SIZE and before.get(name) != record[name]]
    return ", ".join(f"{name} was {before.get(name)!r}, now {record[name]!r}" for name in names)


__all__ = ["finished", "take_up"]
