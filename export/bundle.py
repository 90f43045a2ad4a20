"""A folder of exported artefacts and its manifest, export.json."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from export.artefacts import PARTS, VARIANTS, file_name
from lomit_tf.config import ConfigError, LomitConfig

MANIFEST = "export.json"


@dataclasses.dataclass(frozen=True)
class Variant:
    """Both parts of one format in one precision; for a SavedModel they are the same folder."""

    name: str
    format: str
    variant: str
    paths: dict[str, Path]

    @property
    def bytes(self) -> int:
        """Size of all of its files."""
        files = {f for path in self.paths.values() for f in ([path] if path.is_file() else path.rglob("*"))}
        return sum(file.stat().st_size for file in files if file.is_file())


def variants(folder: Path) -> Iterator[Variant]:
    """What is there, in the order: SavedModel, ONNX, TFLite from float32 to int8."""
    saved = folder / "saved_model" / "1"
    if (saved / "saved_model.pb").is_file():
        yield Variant("SavedModel", "savedmodel", "float32", dict.fromkeys(PARTS, saved))
    found = {part: folder / "onnx" / f"{part}.onnx" for part in PARTS}
    if all(path.is_file() for path in found.values()):
        yield Variant("ONNX", "onnx", "float32", found)
    for variant in VARIANTS.values():
        found = {part: folder / "tflite" / file_name(part, variant) for part in PARTS}
        if all(path.is_file() for path in found.values()):
            yield Variant(f"TFLite {variant}", "tflite", variant, found)


def write_manifest(folder: Path, model: str, config: LomitConfig, versions: dict[str, str]) -> None:
    """Write export.json: where the model is, what it is, the versions that exported it, and every file's SHA-256."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    content = {
        "model": model, "image_size": config.data.image_size, "crop": config.data.crop,
        "groups": {name: list(labels) for name, labels in config.data.group_labels.items()},
        "versions": versions, "config": config.flat(),
        "files": {
            p.relative_to(folder).as_posix(): {
                "bytes": p.stat().st_size, "sha256": hashlib.sha256(p.read_bytes()).hexdigest()
            } for p in files
        },
    }  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """export.json of an exported folder. Raises ConfigError where there is none, or files have changed or gone."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = content["files"]
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"{folder} is no folder that `python -m export` wrote: {MANIFEST}: {error}") from error
    for name, known in files.items():
        path = folder / name
        if not path.is_file():
            raise ConfigError(f"{path} is missing; {MANIFEST} names it. Export again")
        if hashlib.sha256(path.read_bytes()).hexdigest() != known["sha256"]:
            raise ConfigError(f"{path} is not the file that was exported: its SHA-256 differs. Export again")
    return content
