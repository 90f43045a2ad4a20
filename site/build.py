"""Build the page that translates in the visitor's own browser: `make site`, or `python site/build.py --out=DIR`.

Everything lands in one folder that any web server can serve, under any path: the modules of site/js, the components of
the page that lomit-app serves (lomit_tf/webapp), LiteRT from npm as package-lock.json pins it, and the networks.

Exit codes: 0 built; 2 flags that cannot be used, or npm or a package that is missing; 1 npm failed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lomit_tf import zoo
from lomit_tf.commands import FAILED, UNUSABLE, Command, Failure, FlagSet, report, require_extra
from lomit_tf.config import ConfigError, option
from lomit_tf.imaging import competing
from lomit_tf.imaging.face_layouts import Layouts
from lomit_tf.photos import portraits

SITE = Path(__file__).resolve().parent
ROOT = SITE.parent
WEBAPP = ROOT / "lomit_tf" / "webapp"
FACES = ROOT / "lomit_tf" / "imaging" / "face_models"
PARTS = ("mask_brush", "colour", "strip")  # of the page that lomit-app serves
LITERT = ("litert_wasm_compat_internal.js", "litert_wasm_compat_internal.wasm")
LARGE = (".tflite", ".wasm", ".bin")  # the worker fetches these, checks them and keeps them
OURS = "lomit-page.json"  # tells a built page from another folder
DEFAULT = "celeba"  # hair, lips, smile and facial hair
INTRO = """\
Build the page that translates in the visitor's own browser into one folder.

  python site/build.py --out=build/page
      with celeba: hair, lips, smile and facial hair
  python site/build.py --out=build/page --model=celeba_hair
      with hair alone, which is smaller and faster"""


@dataclasses.dataclass(frozen=True)
class BuildFlags:
    """What a command line asks for."""

    out: str = option("build/page", "folder to write; one that was built before is replaced", form="DIR")
    model: str = option(DEFAULT, "a model in which at least one group is painted by colour curves", form="M")


FLAGS = FlagSet(BuildFlags, INTRO)


def install() -> Path:
    """What package-lock.json names, in site/node_modules; installed only where it is not there yet."""
    modules, lock = SITE / "node_modules", SITE / "package-lock.json"
    stamp = modules / ".lomit-lock"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        return modules
    npm = shutil.which("npm")
    if npm is None:
        raise Failure("needs npm, which comes with Node.js 20 or newer (https://nodejs.org): not found", UNUSABLE)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    done = subprocess.run(command, cwd=SITE, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["it said nothing"]
        raise Failure(f"`npm ci` failed in {SITE}: {' '.join(said[:4])}", FAILED)
    stamp.write_text(digest, encoding="utf-8")
    return modules


def read(path: Path) -> str:
    """A text file."""
    return path.read_text(encoding="utf-8")


def copy_static(out: Path) -> None:
    """Modules, styles, pictures and licences, as they are."""
    for name in ("page.css", "icon.svg", "worker.js", "NOTICES.txt"):
        shutil.copyfile(SITE / name, out / name)
    shutil.copyfile(ROOT / "LICENSE", out / "LICENSE.txt")
    shutil.copyfile(WEBAPP / "page.css", out / "brush.css")
    shutil.copytree(SITE / "js", out / "js")
    (out / "samples").mkdir()
    for path in portraits.PORTRAITS.values():
        shutil.copyfile(path, out / "samples" / path.name)


def write_parts(out: Path) -> None:
    """The components' scripts as functions of what Gradio gives them."""
    (out / "js" / "parts").mkdir()
    for part in PARTS:
        text = f"export function {part}(element, props, trigger, watch) {{\n{read(WEBAPP / f'{part}.js')}}}\n"
        (out / "js" / "parts" / f"{part}.js").write_text(text, encoding="utf-8")


def write_litert(modules: Path, out: Path) -> None:
    """LiteRT's module and its WebAssembly; its one import gets a path, which a browser needs."""
    folder, core = out / "litert", modules / "@litertjs" / "core"
    folder.mkdir()
    bare = 'from "@litertjs/wasm-utils"'
    text = read(core / "dist" / "index.js")
    if text.count(bare) != 1:
        raise Failure(
            f"@litertjs/core: expected one {bare}, found {text.count(bare)}; site/build.py has to follow", FAILED
        )
    text = re.sub(r"\n//# sourceMappingURL=.*", "", text.replace(bare, 'from "./wasm_utils.js"'))
    (folder / "core.js").write_text(text, encoding="utf-8")
    utils = read(modules / "@litertjs" / "wasm-utils" / "dist" / "index.js")
    (folder / "wasm_utils.js").write_text(re.sub(r"\n//# sourceMappingURL=.*", "", utils), encoding="utf-8")
    for name in LITERT:
        shutil.copyfile(core / "wasm" / name, folder / name)


def write_networks(model_name: str, out: Path) -> dict[str, Any]:
    """The networks' files, the layouts that competing masks need, and what the page has to know of the model."""
    require_extra("export", "ai_edge_litert")
    import models  # beside this file

    import lomit_tf

    model = lomit_tf.load(model_name)
    (out / "models").mkdir()
    try:
        (out / "models" / "lomit.tflite").write_bytes(models.file_of(model))
    except ValueError as error:
        raise ConfigError(f"--model={model_name}: {error}") from error
    for kind in ("short", "full"):
        shutil.copyfile(FACES / f"face_detection_{kind}_range.tflite", out / "models" / f"face_{kind}.tflite")
    shutil.copyfile(FACES / "framing.tflite", out / "models" / "framing.tflite")
    facts = models.facts_of(model)
    if facts["competing"]:
        layouts = Layouts.from_bytes(competing.LAYOUTS.read_bytes())
        (out / "models" / "layouts.bin").write_bytes(layouts.to_plain())
    return {"name": Path(model_name).name, **facts, "swatches": portraits.SWATCHES}


def write_page(out: Path, model_name: str, several: bool) -> None:
    """index.html, with the components' own HTML in it; `several` says whether the model has more than one group."""
    text = read(SITE / "index.html")
    for part in PARTS:
        text = text.replace(f"{{{{{part}.html}}}}", read(WEBAPP / f"{part}.html").rstrip())
    words = {"NOTICE": zoo.notice(model_name), "CREDIT": portraits.CREDIT, "MODEL": Path(model_name).name,
             "MASKS": "masks" if several else "mask"}  # fmt: skip
    for name, value in words.items():
        text = text.replace(f"{{{{{name}}}}}", html.escape(value))
    (out / "index.html").write_text(text, encoding="utf-8")


def known(out: Path) -> dict[str, dict[str, object]]:
    """{path: {bytes, sha256}} of all files so far."""
    paths = sorted(path for path in out.rglob("*") if path.is_file())
    return {
        path.relative_to(out).as_posix(): {
            "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()
        }
        for path in paths
    }  # fmt: skip


def write_lists(out: Path, model: dict[str, Any]) -> str:
    """js/build.js and sw.js: what there is to load, and the version, which is made of all files."""
    files = known(out)
    version = hashlib.sha256(json.dumps([files, model, read(SITE / "sw.js")], sort_keys=True).encode()).hexdigest()[:16]
    large = {name: facts for name, facts in files.items() if name.endswith(LARGE)}
    examples = [{"file": f"samples/{path.name}", "name": name} for name, path in portraits.PORTRAITS.items()]
    lines = {"VERSION": version, "FILES": large, "MODEL": model, "EXAMPLES": examples}
    text = "// Written by site/build.py.\n\n"
    text += "".join(f"export const {name} = {json.dumps(value, indent=2)};\n" for name, value in lines.items())
    (out / "js" / "build.js").write_text(text, encoding="utf-8")
    small = sorted({"./", "js/build.js", *(name for name in files if name not in large)})
    script = read(SITE / "sw.js").replace("{{VERSION}}", version).replace('["{{FILES}}"]', json.dumps(small, indent=2))
    (out / "sw.js").write_text(script, encoding="utf-8")
    (out / OURS).write_text(json.dumps({"version": version, "model": model["name"]}) + "\n", encoding="utf-8")
    return version


def build(flags: BuildFlags) -> None:
    """Build into a folder beside `out`, and give it that name when all of it is there."""
    out = Path(flags.out).expanduser().absolute()
    if out.exists() and not (out / OURS).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(
            f"--out={flags.out} holds something else than a page that was built here; name another folder"
        )
    modules = install()
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        copy_static(partial)
        write_parts(partial)
        write_litert(modules, partial)
        model = write_networks(flags.model, partial)
        write_page(partial, flags.model, len(model["groups"]) > 1)
        write_lists(partial, model)
        shutil.rmtree(out, ignore_errors=True)
        os.replace(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    total = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    report(f"built, {total / 1e6:.1f} MB:", {"folder": out, "to look at it": f"python -m http.server -d {flags.out}"})


def run(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code (see the module)."""
    return Command("site", FLAGS.help_text, FLAGS.parse, build, "the folder was not made").run(argv)


if __name__ == "__main__":
    sys.exit(run())
