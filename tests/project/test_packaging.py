"""What a stranger meets first: metadata, lock file, README, Makefile, wheel. Nothing imports TensorFlow."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import setuptools
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.quick

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("LOMIT_SHARED", ROOT.parent / "shared"))
# Never beside `tensorflow`: docs/dependencies.md says why.
UNWANTED = {"tensorflow-cpu", "tf-keras", "tensorflow-serving-api", "tensorflow-addons", "tflite-support"}
PYTHONS = ("3.11", "3.12", "3.13")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def declared() -> dict[str, object]:
    """The arguments that setup.py gives to setup()."""
    received: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        patch.setattr(setuptools, "setup", lambda **arguments: received.update(arguments))
        exec(compile(read("setup.py"), "setup.py", "exec"), {"__file__": str(ROOT / "setup.py")})
    return received


@pytest.fixture(scope="module")
def requirements(declared) -> list[Requirement]:
    """Every requirement of the package and of its extras."""
    lines = [*declared["install_requires"]]
    for extra in declared["extras_require"].values():
        lines.extend(extra)
    return [Requirement(line) for line in lines]


def pins(python: str) -> dict[str, str]:
    """Canonical name -> version in constraints.txt, for one Python on Linux x86-64."""
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": "linux",
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }
    found: dict[str, str] = {}
    for line in read("constraints.txt").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        requirement = Requirement(line)
        assert not requirement.extras and not requirement.url, f"pip takes no {line!r} as a constraint"
        if requirement.marker is None or requirement.marker.evaluate(environment):
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", line
            assert canonicalize_name(requirement.name) not in found, f"two pins for {requirement.name}"
            found[canonicalize_name(requirement.name)] = specifier.version
    return found


def test_metadata_says_who_where_and_which_python(declared):
    assert declared["name"] == "lomit_tf"
    assert declared["python_requires"] == ">=3.11,<3.14"
    for python in PYTHONS:
        assert f"Programming Language :: Python :: {python}" in declared["classifiers"]
    assert declared["long_description"] == read("README.md")
    assert f"## [{declared['version']}]" in read("CHANGELOG.md")


def test_console_scripts_name_functions_that_exist(declared):
    for line in declared["entry_points"]["console_scripts"]:
        module, _, function = line.partition("=")[2].strip().partition(":")
        tree = ast.parse(read(module.replace(".", "/") + ".py"))
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, line


def test_installed_metadata_is_that_of_setup_py(declared):
    try:
        found = importlib.metadata.distribution("lomit_tf")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("lomit_tf is not installed; `make test` installs it")
    assert found.version == declared["version"]
    scripts = {f"{e.name} = {e.value}" for e in found.entry_points if e.group == "console_scripts"}
    assert scripts == set(declared["entry_points"]["console_scripts"])


def test_only_tensorflow_itself_is_wanted(requirements):
    names = {canonicalize_name(requirement.name) for requirement in requirements}
    assert "tensorflow" in names
    assert not names & UNWANTED
    for python in PYTHONS:
        assert not pins(python).keys() & UNWANTED


@pytest.mark.parametrize("python", PYTHONS)
def test_lock_file_covers_every_declared_requirement(requirements, python):
    locked = pins(python)
    for requirement in requirements:
        version = locked.get(canonicalize_name(requirement.name))
        assert version, f"{requirement} is not in constraints.txt: run `make lock`"
        assert requirement.specifier.contains(version), f"{requirement}, locked {version}: run `make lock`"


def test_lock_file_covers_what_the_installed_packages_ask_for(declared):
    locked = pins(f"{sys.version_info.major}.{sys.version_info.minor}")
    waiting, seen = [Requirement(line).name for line in declared["install_requires"]], set()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in seen:
            continue
        seen.add(name)
        try:
            asked = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        assert name in locked, f"{name} is not in constraints.txt: run `make lock`"
        for line in asked:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)


def test_dependency_document_gives_the_locked_versions(requirements):
    rows = [line for line in read("docs/dependencies.md").splitlines() if line.startswith("|")]
    locked = pins("3.11")
    for requirement in requirements:
        version = locked[canonicalize_name(requirement.name)]
        given = [row for row in rows if requirement.name in row and version in row]
        assert given, f"docs/dependencies.md does not say {requirement.name} {version}"


def makefile_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", ".ci/run"])
def test_documented_make_commands_exist(document):
    blocks = "\n".join(re.findall(r"```.*?```|`[^`\n]+`|^make .*$", read(document), re.DOTALL | re.MULTILINE))
    used = set(re.findall(r"\bmake ([a-z]+)", blocks))
    assert {"test"} <= used
    assert used <= makefile_targets()


def test_make_help_lists_every_target():
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^  make ([a-z]+)", shown.stdout, re.MULTILINE)) == makefile_targets()


def test_readme_and_configs_agree():
    listed = set(re.findall(r"^\| `(\w+\.cfg)`", read("README.md"), re.MULTILINE))
    used = set(re.findall(r"--flagfile=(\w+\.cfg)", read("README.md") + read("Makefile")))
    present = {path.name for path in (ROOT / "configs").glob("*.cfg")}
    assert used <= listed
    assert listed == present


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#]+)\)", read(document)):
        if not target.startswith("http"):
            assert (ROOT / target).is_file(), target


def test_benchmarks_of_the_readme_exist():
    named = set(re.findall(r"`python -m benchmarks\.(\w+)", read("README.md")))
    assert len(named) >= 3
    for name in named:
        assert (ROOT / "benchmarks" / f"{name}.py").is_file(), name


def test_ci_is_executable():
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_find_python_passes_over_what_does_not_work(tmp_path):
    broken = tmp_path / "python3.13"
    broken.write_text("#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    broken.chmod(0o755)
    finder = str(ROOT / "tools/find_python.sh")

    found = subprocess.run([finder, str(broken), sys.executable], capture_output=True, text=True)
    assert (found.returncode, found.stdout.strip()) == (0, sys.executable)

    none = subprocess.run([finder, str(broken)], capture_output=True, text=True)
    assert none.returncode == 1
    assert not none.stdout
    assert "needs Python 3.11, 3.12 or 3.13" in none.stderr
    assert "command not found" in none.stderr


def tracked_files() -> list[Path]:
    answer = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if answer.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in answer.stdout.split("\0") if name]


def test_nothing_is_tracked_that_is_made_or_borrowed():
    for path in tracked_files():
        top = path.relative_to(ROOT).parts[0]
        assert top not in {"shared", "data", "runs", "build", "dist"}, path
        assert not top.startswith(".venv"), path
        assert not path.resolve().is_relative_to(SHARED.resolve()), path


@pytest.mark.shared
def test_no_tracked_file_is_a_copy_of_shared_data():
    if not SHARED.is_dir():
        pytest.skip(f"no development data at {SHARED}; set LOMIT_SHARED")
    tracked: dict[int, list[Path]] = {}
    for path in tracked_files():
        if path.is_file() and path.stat().st_size:
            tracked.setdefault(path.stat().st_size, []).append(path)
    for folder, _, names in os.walk(SHARED):
        for name in names:
            theirs = Path(folder, name)
            for ours in tracked.get(theirs.stat().st_size, ()):
                assert digest(ours) != digest(theirs), f"{ours} is a copy of {theirs}"


def digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()
