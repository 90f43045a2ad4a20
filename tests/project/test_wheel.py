"""`pip wheel .` gives a wheel that is whole and works by itself, in an empty environment and from another folder.

The environment sees only what `pip install lomit_tf` would bring: links to those packages of the environment that runs
the tests which the wheel asks for, and what these ask for in turn. What the extras bring is not there.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("setup.py", "pyproject.toml", "README.md", "LICENSE", "lomit_tf", "configs", "export", "tests")
CHECK = """
import hashlib, json, sys
from pathlib import Path
import lomit_tf
from lomit_tf import zoo
from lomit_tf.commands import flagfiles
for name in zoo.names():
    record = json.loads((zoo.FOLDER / name / "model.json").read_text())
    assert hashlib.sha256((zoo.FOLDER / name / "generator.npz").read_bytes()).hexdigest() == record["sha256"], name
configs = {path.name for path in (Path(lomit_tf.__file__).parent / "configs").glob("*.cfg")}
assert "tensorflow" not in sys.modules
print(json.dumps([lomit_tf.__file__, list(zoo.names()), sorted(configs)]))
"""


def closure(requirements: list[Requirement]) -> dict[str, importlib.metadata.Distribution]:
    """The installed distributions that these ask for, directly or not, without extras but those they name."""
    found: dict[str, importlib.metadata.Distribution] = {}
    plain = (r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""}))
    waiting = [(r.name, frozenset(r.extras)) for r in plain]
    done = set()
    while waiting:
        name, extras = waiting.pop()
        if (canonicalize_name(name), extras) in done:
            continue
        done.add((canonicalize_name(name), extras))
        distribution = found[canonicalize_name(name)] = importlib.metadata.distribution(name)
        for line in distribution.requires or []:
            asked = Requirement(line)
            if asked.marker is None or any(asked.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                waiting.append((asked.name, frozenset(asked.extras)))
    return found


def link(distribution: importlib.metadata.Distribution, target: Path) -> None:
    """Links in `target` to what a distribution installed; folders that several share are made anew."""
    for file in distribution.files or []:
        source = Path(str(distribution.locate_file("")))
        place = Path()
        if ".." in file.parts or file.parts[0] == "__pycache__":
            continue
        for part in file.parts:
            place /= part
            shared = (source / place).is_dir() and place.suffix not in (".dist-info", ".libs", ".data")
            if not shared or (source / place / "__init__.py").exists():
                break
        if (source / place).exists() and not (target / place).exists():
            (target / place).parent.mkdir(parents=True, exist_ok=True)
            (target / place).symlink_to(source / place)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy of the sources, as `pip wheel .` in a clone does."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(ROOT / name, folder / "source" / name)
    command = "pip wheel . --no-deps --no-build-isolation --quiet --wheel-dir=../made"
    done = subprocess.run(
        [sys.executable, "-m", *command.split()], cwd=folder / "source", capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = (folder / "made").glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The folder of commands of an environment that has the wheel, and what it asks for."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True)
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = scripts / Path(sys.executable).name
    pip = [sys.executable, "-m", "pip", f"--python={python}"]
    # A PYTHONPATH that names the sources would show pip an installed lomit_tf.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--quiet", str(wheel)],
        env=plain, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    library = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv"), "platbase": str(folder / "venv")}))
    (metadata,) = library.glob("lomit_tf-*.dist-info")
    asked = [Requirement(line) for line in importlib.metadata.Distribution.at(metadata).requires or []]
    (folder / "others").mkdir()
    for distribution in closure(asked).values():
        if distribution.files is None:
            pytest.skip(f"{distribution.metadata['Name']} does not say what it installed (no RECORD)")
        link(distribution, folder / "others")
    (library / "others.pth").write_text(str(folder / "others"), encoding="utf-8")
    return scripts


@pytest.fixture
def call(installed, tmp_path):
    """call(command, arguments...) from a folder of its own, with nothing of the sources on any path."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"PATH": f"{installed}{os.pathsep}{os.environ['PATH']}", "TF_CPP_MIN_LOG_LEVEL": "3"}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        program = shutil.which(command[0], path=str(installed)) or command[0]
        return subprocess.run([program, *command[1:]], cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


def test_it_carries_the_code_the_flagfiles_and_the_pages(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    code = {
        path.relative_to(ROOT).as_posix() for part in ("lomit_tf", "export") for path in (ROOT / part).rglob("*.py")
    }
    flagfiles = {f"lomit_tf/configs/{path.name}" for path in (ROOT / "configs").glob("*.cfg")}
    assert code <= names
    assert flagfiles <= names
    templates = ("page.html", "report.html", "user_study.html", "user_study.md")
    assert {f"lomit_tf/evaluation/templates/{name}" for name in templates} <= names
    page = {
        f.relative_to(ROOT).as_posix()
        for f in (ROOT / "lomit_tf/webapp").iterdir()
        if f.suffix in (".css", ".html", ".js")
    }
    assert page and page <= names
    assert not [name for name in names if name.startswith("tests")]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_code_weights_and_configs_are_the_wheels_own(call, installed):
    done = call(Path(sys.executable).name, "-c", CHECK)
    assert done.returncode == 0, done.stderr
    file, weights, configs = json.loads(done.stdout)
    assert Path(file).is_relative_to(installed.parent)
    assert weights == sorted(path.parent.name for path in (ROOT / "lomit_tf/weights").glob("*/model.json"))
    assert configs == sorted(path.name for path in (ROOT / "configs").glob("*.cfg"))


def test_every_command_is_there(call, installed):
    entries = importlib.metadata.Distribution.at(next(installed.parent.rglob("lomit_tf-*.dist-info"))).entry_points
    names = sorted(entry.name for entry in entries if entry.group == "console_scripts")
    assert len(names) >= 11
    for name in names:
        done = call(name, "--help")
        assert done.returncode == 0, f"{name}: {done.stderr}"
        assert "--" in done.stdout and not done.stderr, name


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (("lomit-app",), "app"),
        (("lomit-serve", "--model=celeba_hair"), "serve"),
        (("lomit-evaluate", "--checkpoint=celeba_hair", "--out=out"), "evaluate"),
        (
            (
                "lomit-translate",
                *["--model=celeba_hair", "--runner=beam", "--input=in", "--output=out", "--colour=red"],
            ),
            "beam",
        ),
        ((Path(sys.executable).name, "-m", "export", "--model=celeba_hair", "--out=out"), "export"),
    ],
)
def test_optional_parts_say_which_extra_they_want(call, command, extra):
    done = call(*command)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1 and f"pip install 'lomit_tf[{extra}]'" in done.stderr


def test_a_photograph_is_translated(call, tmp_path):
    portrait = ROOT / "lomit_tf" / "samples" / "astronaut.png"
    shutil.copyfile(portrait, tmp_path / "me.png")
    done = call("lomit-translate", "--model=celeba_hair", "--input=me.png", "--colour=#2b6fd6", "--output=blue.png")
    assert done.returncode == 0, done.stderr
    before, after = (hashlib.sha256(path.read_bytes()).digest() for path in (portrait, tmp_path / "blue.png"))
    assert before != after
