"""Put a model into the Android demo: `python tools/android/assets.py --model=celeba_mobile`, then golden.py.

    --model=M     a model's name, a --workdir of lomit_tf.train, or a checkpoint: it is exported first, as
                  `python -m export --formats=tflite --quantize=int8` does, within the same tolerances
    --data_dir=D  with --model: the model's data set, to calibrate with (default: drawn faces)
    EXPORTED      instead of --model: a folder that `python -m export` wrote

The int8 pair and labels.txt are copied into android_demo/assets. model.properties says of the model what its files do
not: the part of a photograph that it sees, as the Translator decides it; which groups are painted by colour curves,
which have masks of one connected region, which lie on others, and which compete by a picture's own colours; and the
data set, for which the app has a text with the licence's terms. layouts.bin says where the regions of faces lie, which
compete. The exemplars are the portraits of lomit_tf/samples for models of faces, with their origin in portraits.md, and
drawn faces for others. colours.txt has the swatches of lomit_tf.photos.portraits.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from PIL import Image

from lomit_tf.imaging import competing
from lomit_tf.imaging.face_layouts import Layouts
from lomit_tf.imaging.framing import CELEBA_CROP
from lomit_tf.photos import portraits
from lomit_tf.photos.translator import FACE_DATASETS
from lomit_tf.settings.close_ups import parse_boxes

ASSETS = Path(__file__).parents[2] / "android_demo" / "assets"
DRAWN = (12, 14, 15)  # seeds of the drawn exemplars
SIDE, QUALITY = 512, 92  # longest side of an exemplar, and of the JPEG
FILES = ("mask_net_int8.tflite", "generator_int8.tflite", "labels.txt")
ORIGIN, SWATCHES, LAYOUTS = "portraits.md", "colours.txt", "layouts.bin"


def properties(manifest: dict) -> str:  # type: ignore[type-arg]
    """model.properties of an export.json.

    model: its name. dataset: what it was trained on. faces, zoom: the framing that `Translator.__init__` derives from a
    configuration. colour: the groups that are painted by colour curves, separated by commas. connected: those whose
    masks are one connected region. overlapping: those that are painted from near, whose masks lie on those of others.
    competing: those whose masks compete by a picture's own colours. face_parts: those that only faces have.
    """
    config = manifest["config"]
    dataset, crop = config["dataset"], int(manifest["crop"])
    cropped = dataset == "celeb_a" and 0 < crop < CELEBA_CROP
    parts = [*parse_boxes(config.get("close_ups", "")), *config.get("unfiltered_groups", ())]  # as Steps.parts_of_faces
    lines = {
        "model": Path(manifest["model"]).name, "dataset": dataset, "faces": str(dataset in FACE_DATASETS).lower(),
        "zoom": f"{crop / CELEBA_CROP if cropped else 1:.6g}",
        "colour": ",".join(name for name in manifest["groups"] if name in config["colour_groups"]),
        "connected": ",".join(name for name in manifest["groups"] if name in config.get("connected_groups", ())),
        "overlapping": ",".join(parse_boxes(config.get("close_ups", ""))),
        "competing": ",".join(name for name in manifest["groups"] if name in config.get("competing_groups", ())),
        "face_parts": ",".join(name for name in manifest["groups"] if name in parts),
    }  # fmt: skip
    return "".join(f"{name}={value}\n" for name, value in lines.items())


def write_exemplars(faces: bool, assets: Path) -> None:
    """Write exemplar_NAME.jpg, which the app offers by their names, in the place of those that are there."""
    for old in (*assets.glob("exemplar_*"), assets / ORIGIN):
        old.unlink(missing_ok=True)
    pictures: dict[str, Image.Image] = {}
    if faces:
        for name, path in portraits.PORTRAITS.items():
            with Image.open(path) as picture:
                pictures[name.lower().replace(" ", "_")] = picture.convert("RGB")
        shutil.copyfile(portraits.FOLDER / "README.md", assets / ORIGIN)
    else:
        from lomit_tf.data.drawn_faces import draw

        drawn = draw(DRAWN, size=256).images
        pictures = {f"drawn_face_{i}": Image.fromarray(one) for i, one in enumerate(drawn, 1)}
    for name, picture in pictures.items():
        picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        picture.save(assets / f"exemplar_{name}.jpg", quality=QUALITY, optimize=True)


def write_colours(assets: Path) -> None:
    """Write a line for each swatch: its colour and its name, which the app's texts are found by."""
    lines = [f"{colour} {name.replace(' ', '_')}\n" for name, colour in portraits.SWATCHES.items()]
    (assets / SWATCHES).write_text("".join(lines), encoding="utf-8")


def write_layouts(assets: Path) -> None:
    """Write lomit_tf's layouts of faces as `Layouts.java` reads them."""
    layouts = Layouts.from_bytes(competing.LAYOUTS.read_bytes())
    (assets / LAYOUTS).write_bytes(layouts.to_plain())


def write_checksums(assets: Path) -> None:
    """Write SHA256SUMS, which tests/android/test_android.py compares."""
    names = sorted((*FILES, "model.properties", SWATCHES, LAYOUTS))
    lines = [f"{hashlib.sha256((assets / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (assets / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def copy(exported: Path, assets: Path = ASSETS) -> None:
    """Copy, describe, and write the checksums."""
    manifest = json.loads((exported / "export.json").read_text(encoding="utf-8"))
    for name in FILES:
        shutil.copyfile(exported / ("tflite" if name.endswith(".tflite") else "") / name, assets / name)
    (assets / "model.properties").write_text(properties(manifest), encoding="utf-8")
    write_exemplars(manifest["config"]["dataset"] in FACE_DATASETS, assets)
    write_colours(assets)
    write_layouts(assets)
    write_checksums(assets)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exported", nargs="?", type=Path, metavar="EXPORTED", help="what `python -m export` wrote")
    parser.add_argument("--model", default="", help="export this one first")
    parser.add_argument("--data_dir", default="", help="the model's data set, to calibrate with")
    given = parser.parse_args()
    if (given.exported is None) == (not given.model):
        parser.error("give either EXPORTED or --model")
    if given.exported:
        copy(given.exported)
        return
    from export import exporting

    exporting.quieten()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "exported"
        report = exporting.export(
            exporting.Options(given.model, out, ("tflite",), ("int8",), data_dir=given.data_dir, latency=False)
        )
        for threshold in report["acceptance"]:
            print(threshold["text"])
        copy(out)


if __name__ == "__main__":
    main()
