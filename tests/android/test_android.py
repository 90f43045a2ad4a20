"""The Android demo's files, as far as Python can tell; `bazel test //...` runs its own tests (docs/android.md)."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image

from lomit_tf.photos import portraits
from lomit_tf.zoo import names

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "android_demo"


def test_the_models_are_those_of_the_checksums():
    lines = (DEMO / "assets" / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    described = {"labels.txt", "model.properties", "colours.txt", "layouts.bin"}
    assert set(sums) == {"mask_net_int8.tflite", "generator_int8.tflite", *described}
    for name, digest in sums.items():
        assert hashlib.sha256((DEMO / "assets" / name).read_bytes()).hexdigest() == digest, name
    pair = sum((DEMO / "assets" / f"{part}_int8.tflite").stat().st_size for part in ("mask_net", "generator"))
    assert pair <= 4_000_000


def test_the_app_has_a_model_of_real_faces_and_says_its_terms():
    lines = (DEMO / "assets" / "model.properties").read_text().splitlines()
    model = dict(line.split("=", 1) for line in lines)
    assert model["faces"] == "true" and model["dataset"] == "celeb_a" and model["colour"] == "hair,lips"
    assert model["overlapping"] == "smile" and model["competing"] == "hair"
    assert model["face_parts"] == "lips,smile"
    assert model["model"] in names()
    terms = {"values": "non-commercial research", "values-ko": "비상업적 연구"}
    for folder, part in terms.items():
        assert part in texts(folder)[f"about_{model['dataset']}"]
        assert not any("does not know" in text for text in texts(folder).values())


def test_exemplars_are_the_portraits_in_the_public_domain():
    """Beside them lies what is known of their origin; whoever picks one reads whose it is."""
    found = {path.stem for path in (DEMO / "assets").glob("exemplar_*")}
    assert found == {"exemplar_" + name.lower().replace(" ", "_") for name in portraits.PORTRAITS}
    origin = (DEMO / "assets" / "portraits.md").read_text(encoding="utf-8")
    assert origin == (portraits.FOLDER / "README.md").read_text(encoding="utf-8")
    for name in found:
        assert "public domain" in texts("values")[name]
        with Image.open(DEMO / "assets" / f"{name}.jpg") as picture, Image.open(of_sample(name)) as sample:
            sample.thumbnail((512, 512))
            assert picture.size == sample.size
            difference = np.asarray(picture.convert("RGB"), int) - np.asarray(sample.convert("RGB"), int)
            assert np.abs(difference).mean() < 6


def of_sample(name: str) -> Path:
    return next(path for who, path in portraits.PORTRAITS.items() if name.endswith(who.lower().replace(" ", "_")))


def test_the_swatches_are_those_of_the_page_and_the_demo():
    lines = [line.split() for line in (DEMO / "assets" / "colours.txt").read_text().splitlines()]
    assert {name.replace("_", " "): colour for colour, name in lines} == portraits.SWATCHES
    for folder in ("values", "values-ko"):
        assert {f"colour_{name}" for _, name in lines} <= texts(folder).keys()


def texts(folder: str) -> dict[str, str]:
    tree = ElementTree.parse(DEMO / "res" / folder / "strings.xml")
    return {item.get("name", ""): item.text or "" for item in tree.getroot()}


def test_one_package_name_everywhere():
    """In folders, sources, both builds, the manifest, its provider, the layout and Robolectric's settings."""
    manifest = ElementTree.parse(DEMO / "AndroidManifest.xml").getroot()
    android = "{http://schemas.android.com/apk/res/android}"
    name = manifest.get("package")
    assert re.fullmatch(r"[a-z]+(\.[a-z][a-z_]*){3}", name or "")
    assert manifest.find("application/provider").get(f"{android}authorities") == f"{name}.pictures"
    sources = [path for path in DEMO.rglob("*.java")]
    assert len(sources) > 50
    for path in sources:
        package = re.search(r"^package (\S+);", path.read_text(), re.MULTILINE).group(1)
        assert package.startswith(name) and str(path.parent).endswith("/" + package.replace(".", "/")), path
    assert f'AUTHORITY = "{name}.pictures"' in next(DEMO.rglob("PicturesProvider.java")).read_text()
    assert f"android_custom_package={name}" in next(DEMO.rglob("test_config.properties")).read_text()
    assert set(re.findall(r"<(\S+)\.\w+View ", (DEMO / "res" / "layout" / "main.xml").read_text())) == {name}
    gradle = (DEMO / "build.gradle").read_text()
    assert re.findall(r'(?:namespace|applicationId) "(.+)"', gradle) == [name, name]
    for path in (DEMO, ROOT / "docs", ROOT / "tests"):
        for one in path.rglob("*"):
            if one.suffix in (".md", ".xml", ".java", ".py", ".gradle") or one.name == "BUILD":
                assert not re.search(r"\blomit[./]demo\b", one.read_text(encoding="utf-8")), one


def test_gradle_builds_what_bazel_builds():
    """What cannot be run here agrees with what is: SDKs, library, folders, native code, licences."""
    gradle, build = (DEMO / "build.gradle").read_text(), (DEMO / "BUILD").read_text()
    manifest = (DEMO / "AndroidManifest.xml").read_text()
    for name in ("minSdk", "targetSdk"):
        number = re.search(rf'android:{name}Version="(\d+)"', manifest).group(1)
        assert re.search(rf"^\s*{name} {number}$", gradle, re.MULTILINE), name
    for name in ("versionCode", "versionName"):
        value = re.search(rf'android:{name}="(.+?)"', manifest).group(1)
        assert re.search(rf'^\s*{name} "?{value}"?$', gradle, re.MULTILINE), name
    group, library, version = re.search(r'implementation "(\S+):(\S+):(\S+)"', gradle).groups()
    pinned = f"{group.replace('.', '/')}/{library}/{version}/{library}-{version}.aar"
    assert f" {pinned} " in (ROOT / "tools" / "android" / "artifacts.txt").read_text()
    for folders in re.findall(r"srcDirs = \[(.+)\]", gradle):
        for folder in re.findall(r'"(.+?)"', folders):
            assert (DEMO / folder).is_dir(), folder
    for file, name in re.findall(r'from\("(.+?)"\) \{ rename \{ "(.+?)" \} \}', gradle):
        assert (DEMO / file).is_file() and f'"{name}"' in build
    rule = (ROOT / "tools" / "bazel" / "apk.bzl").read_text()
    abis = re.search(r'"abis": attr.string_list\(default = \[(.+?)\]', rule).group(1)
    assert f"abiFilters {abis}" in gradle


def test_every_text_is_there_in_both_languages_with_the_same_places():
    english, korean = texts("values"), texts("values-ko")
    assert english.keys() == korean.keys()
    for name, text in english.items():
        assert re.findall(r"%\d\$\w", text) == re.findall(r"%\d\$\w", korean[name]), name


def test_the_core_has_no_android_in_it():
    sources = list((DEMO / "core").rglob("*.java"))
    assert len(sources) > 10
    for path in sources:
        assert not re.search(r"\bandroid\.\w|androidx", path.read_text()), path


def test_setup_says_what_is_missing(tmp_path):
    command = [ROOT / "tools" / "android" / "setup.sh"]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run([*command, "--check"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "missing" in done.stdout and "dalvik-dx" in done.stdout
    assert not (tmp_path / ".cache").exists()
    wrong = subprocess.run([*command, "--chek"], env=environment, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and "--chek" in wrong.stderr
