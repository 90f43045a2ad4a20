"""Put an exported model into the Android demo: `python tools/android/assets.py EXPORTED`, then golden.py.

EXPORTED is what `python -m export --formats=tflite --quantize=int8` wrote. Its int8 pair and labels.txt are copied into
android_demo/assets; model.properties says which part of a photograph the model is to see, as the Translator decides it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

from lomit_tf.imaging.framing import CELEBA_CROP
from lomit_tf.translator import FACE_DATASETS

ASSETS = Path(__file__).parents[2] / "android_demo" / "assets"
FILES = ("mask_net_int8.tflite", "generator_int8.tflite", "labels.txt")


def properties(manifest: dict) -> str:  # type: ignore[type-arg]
    """model.properties of an export.json: the framing that `Translator.__init__` derives from a configuration."""
    dataset, crop = manifest["config"]["dataset"], int(manifest["crop"])
    cropped = dataset == "celeb_a" and 0 < crop < CELEBA_CROP
    faces = str(dataset in FACE_DATASETS).lower()
    return f"model={manifest['model']}\nfaces={faces}\nzoom={crop / CELEBA_CROP if cropped else 1:.6g}\n"


def main(exported: Path, assets: Path = ASSETS) -> None:
    """Copy, describe, and write the checksums that tests/test_android.py compares."""
    for name in FILES:
        shutil.copyfile(exported / ("tflite" if name.endswith(".tflite") else "") / name, assets / name)
    manifest = json.loads((exported / "export.json").read_text(encoding="utf-8"))
    (assets / "model.properties").write_text(properties(manifest), encoding="utf-8")
    names = sorted((*FILES, "model.properties"))
    lines = [f"{hashlib.sha256((assets / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (assets / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
