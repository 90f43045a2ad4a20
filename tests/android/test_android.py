"""The Android demo's files, as far as Python can tell; `bazel test //...` runs its own tests (docs/android.md)."""

from __future__ import annotations

import hashlib
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "android_demo"


def test_the_models_are_those_of_the_checksums():
    lines = (DEMO / "assets" / "SHA256SUMS").read_text().splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    assert set(sums) == {"mask_net_int8.tflite", "generator_int8.tflite", "labels.txt", "model.properties"}
    for name, digest in sums.items():
        assert hashlib.sha256((DEMO / "assets" / name).read_bytes()).hexdigest() == digest, name


def test_every_text_is_there_in_both_languages_with_the_same_places():
    def texts(folder: str) -> dict[str, str]:
        tree = ElementTree.parse(DEMO / "res" / folder / "strings.xml")
        return {item.get("name", ""): item.text or "" for item in tree.getroot()}

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
