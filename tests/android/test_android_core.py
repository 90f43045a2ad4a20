"""The Android demo's core and its own tests on a desktop JVM: needs javac, and JUnit from Maven Central."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "android_demo" / "core"
CENTRAL = "https://repo1.maven.org/maven2"
NEEDED = ("junit/junit/", "org/hamcrest/hamcrest-core/")
LEAST_TESTS = 40
pytestmark = pytest.mark.slow


def jar(path: str, sha256: str, folder: Path) -> Path:
    """A jar of Maven's local repository, or fetched from Maven Central; its SHA-256 is checked."""
    local = Path(os.environ.get("MAVEN_REPOSITORY", Path.home() / ".m2" / "repository")) / path
    if not local.is_file():
        local = folder / Path(path).name
        try:
            with urllib.request.urlopen(f"{CENTRAL}/{path}", timeout=60) as answer:
                local.write_bytes(answer.read())
        except (urllib.error.URLError, TimeoutError) as error:
            pytest.skip(f"{path} is not in the local Maven repository, and Maven Central does not answer: {error}")
    assert hashlib.sha256(local.read_bytes()).hexdigest() == sha256, path
    return local


def test_the_cores_own_tests_pass(tmp_path):
    if shutil.which("javac") is None:
        pytest.skip("javac is not installed (JDK 11 or newer)")
    lines = (ROOT / "tools" / "android" / "artifacts.txt").read_text(encoding="utf-8").splitlines()
    listed = {path: sha256 for sha256, path, *_ in (line.split() for line in lines if not line.startswith("#"))}
    jars = [jar(path, sha256, tmp_path) for path, sha256 in listed.items() if path.startswith(NEEDED)]
    assert len(jars) == len(NEEDED)
    classes = tmp_path / "classes"
    classpath = os.pathsep.join(map(str, [classes, *jars]))
    sources = sorted((CORE / "java").rglob("*.java")) + sorted((CORE / "javatests").rglob("*.java"))
    compiled = subprocess.run(
        ["javac", "-nowarn", "-encoding", "UTF-8", "-d", str(classes), "-cp", classpath, *map(str, sources)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert compiled.returncode == 0, compiled.stderr[-3000:]
    tests = sorted((CORE / "javatests").rglob("*Test.java"))
    names = [".".join(test.relative_to(CORE / "javatests").with_suffix("").parts) for test in tests]
    done = subprocess.run(
        ["java", "-Xmx288m", "-Djava.awt.headless=true", f"-Dlomit.testdata={CORE / 'testdata'}",
         f"-Dlomit.outputs={tmp_path}", "-cp", classpath, "org.junit.runner.JUnitCore", *names],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]
    passed = re.search(r"^OK \((\d+) tests\)", done.stdout, re.MULTILINE)
    assert passed and int(passed[1]) >= LEAST_TESTS, done.stdout[-2000:]
