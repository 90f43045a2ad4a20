"""The Android demo built and tested by Bazel, and what is in its APK (docs/android.md). Skips without its tools."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "android_demo" / "assets"
ABIS = ("arm64-v8a", "x86_64")
MOST_BYTES = 25 * 10**6
pytestmark = pytest.mark.slow


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def bazel() -> Iterator[None]:
    """Bazel and everything that tools/android/setup.sh fetches; the server ends with the tests, for its memory."""
    if shutil.which("bazel") is None:
        pytest.skip("bazel is not installed; tools/android/setup.sh installs it and the rest")
    check = run("tools/android/setup.sh", "--check")
    if check.returncode:
        missing = [line for line in check.stdout.splitlines() if line.startswith("missing")]
        pytest.skip(f"tools/android/setup.sh would install: {'; '.join(missing) or check.stderr.strip()}")
    yield
    run("bazel", "shutdown")


@pytest.fixture(scope="module")
def apk(bazel) -> Path:
    done = run("bazel", "build", "//android_demo:lomit_demo")
    assert done.returncode == 0, done.stderr[-3000:]
    return ROOT / ".bazel" / "bin" / "android_demo" / "lomit_demo.apk"


def test_the_demos_own_tests_pass(apk):
    done = run("bazel", "test", "//...")
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    passed = set(re.findall(r"^(//\S+)\s.*PASSED", done.stdout, re.MULTILINE))
    assert passed >= {
        "//android_demo:screen_test", "//android_demo/core:core_test", "//android_demo/core:shipped_test",
        "//android_demo/desktop:inference_test",
    }  # fmt: skip


def test_the_apk_is_signed_and_says_what_it_is(apk):
    signed = run("apksigner", "verify", "--verbose", str(apk))
    assert signed.returncode == 0 and "Verified using v2 scheme (APK Signature Scheme v2): true" in signed.stdout
    assert run("zipalign", "-c", "4", str(apk)).returncode == 0
    badging = run("aapt", "dump", "badging", str(apk)).stdout
    for line in (
        "package: name='io.github.lomit_tf.demo'", "sdkVersion:'24'", "targetSdkVersion:'34'",
        "launchable-activity: name='io.github.lomit_tf.demo.MainActivity'", "application-label-ko:",
        "native-code: 'arm64-v8a' 'x86_64'",
    ):  # fmt: skip
        assert line in badging, line
    assert "uses-permission" not in badging


def test_the_apk_holds_models_libraries_and_licences(apk):
    assert apk.stat().st_size <= MOST_BYTES
    sums = dict(reversed(line.split()) for line in (ASSETS / "SHA256SUMS").read_text().splitlines())
    with zipfile.ZipFile(apk) as files:
        for name, digest in sums.items():
            inside = files.getinfo(f"assets/{name}")
            assert hashlib.sha256(files.read(inside)).hexdigest() == digest, name
            if name.endswith(".tflite"):  # mapped from the APK, which a compressed file cannot be
                assert inside.compress_type == zipfile.ZIP_STORED, name
        names = set(files.namelist())
        assert {f"lib/{abi}/libtensorflowlite_jni.so" for abi in ABIS} <= names
        assert {f"assets/licences/{name}.txt" for name in ("lomit", "tensorflow", "face_models", "weights")} <= names
        assert "non-commercial research only" in files.read("assets/licences/weights.txt").decode()
        assert "assets/portraits.md" in names
        assert "Apache License" in files.read("assets/licences/tensorflow.txt").decode()
