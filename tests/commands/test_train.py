"""The command `lomit-train`: help, usage errors, where results are, exit codes. Nothing imports TensorFlow."""

from __future__ import annotations

import ast
import logging
import os
import re
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
from absl import logging as absl_logging

from lomit_tf import train
from lomit_tf.commands.training import PACKAGE
from lomit_tf.config import SECTIONS, ConfigError, LomitConfig, field_names
from lomit_tf.data.image_set import DataError

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.usefixtures("folder")


def test_help_has_all_flags_by_section_and_none_of_others(capsys):
    for word in ("--help", "-h", "--helpfull"):
        assert train.run([word, "--stepss"]) == 0
    shown = capsys.readouterr().out
    for name in [*field_names(), "flagfile", "preset", "workdir", "resume", "minutes"]:
        assert re.search(rf"^  --(\[no\])?{name}\b", shown, re.MULTILINE), name
    places = [shown.index(f"\n{section.capitalize()}: ") for section in SECTIONS]
    assert places == sorted(places)
    assert "python -m lomit_tf.train --flagfile=drawn_faces.cfg" in shown
    assert "alsologtostderr" not in shown


@pytest.mark.parametrize("argv", [["--stepss=5"], ["--flagfile=gone"], ["--image_size=65"], ["--steps=1", "--steps=2"]])
def test_usage_errors_are_one_message_and_exit_code_2(argv, capsys):
    assert train.run(argv) == 2
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("lomit-train: ") and err.count("\n") == 1


def test_usage_errors_come_before_tensorflow_and_leave_nothing_behind(folder):
    code = """
import sys
from lomit_tf.train import run
code = run(["--flagfile=drawn_faces.cfg", "--stepss=3"])
heavy = {"tensorflow", "keras", "numpy", "tensorflow_datasets"} & set(sys.modules)
assert not heavy, heavy
sys.exit(code)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = time.monotonic()
    shown = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert time.monotonic() - started < 5  # well below a second on an idle machine
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr == "lomit-train: --stepss is unknown; did you mean --steps?\n"
    as_module = subprocess.run(
        [sys.executable, "-m", "lomit_tf.train", "--masks=x"], env=environment, capture_output=True, text=True
    )
    assert as_module.returncode == 2 and "Traceback" not in as_module.stderr
    assert not list(folder.iterdir())


def record(message: str, level: int, path: Path) -> logging.LogRecord:
    return logging.LogRecord("absl", level, str(path), 1, message, None, None)


@pytest.fixture
def trained(monkeypatch):
    """Puts a stand-in in the place of the loop; gives what it is asked, and is told what to do."""
    state = types.SimpleNamespace(calls=[], outcome=None, done=False)

    def stand_in(config, workdir, *, resume):
        state.calls.append((config, workdir, resume))
        absl_logging.info("a line of another package")
        absl_logging.get_absl_logger().handle(
            record("going on from step 3", logging.INFO, PACKAGE / "training" / "loop.py")
        )
        absl_logging.warning("a warning of another package")
        if isinstance(state.outcome, BaseException):
            raise state.outcome
        return types.SimpleNamespace(
            workdir=workdir,
            step=7,
            grid=workdir / "samples/7.png",
            log=workdir / "log.jsonl",
            tensorboard=workdir / "tensorboard",
            checkpoint=str(workdir / "checkpoints/step-7"),
            interrupted=state.outcome,
            done=state.done,
        )

    heavy = types.ModuleType("lomit_tf.training.loop")
    heavy.train = stand_in  # type: ignore[attr-defined]
    import lomit_tf.training

    monkeypatch.setattr(lomit_tf.training, "loop", heavy, raising=False)
    monkeypatch.setitem(sys.modules, "lomit_tf.training.loop", heavy)
    return state


def test_the_end_of_a_run_says_where_the_results_are(trained, capsys):
    assert train.run(["--workdir=w", "--steps=7", "--resume=never"]) == 0
    assert trained.calls == [(LomitConfig.create(steps=7), Path("w"), "never")]
    out, err = capsys.readouterr()
    for place in ("w/samples/7.png", "w/log.jsonl", "w/tensorboard", "w/checkpoints/step-7", "7 generator steps"):
        assert place in out
    assert err == "going on from step 3\na warning of another package\n"


def test_what_cannot_begin_is_one_line_before_any_work(trained, capsys, tmp_path):
    (tmp_path / "a.txt").write_text("")
    cases = {
        (): "name what to train: --flagfile=drawn_faces.cfg does it on built-in drawn faces; see --help",
        (
            "--steps=7",
            "--workdir=/proc/no/w",
        ): "--workdir=/proc/no/w cannot be written: No such file or directory",
        ("--steps=7", f"--workdir={tmp_path}/a.txt/w"): f"{tmp_path}/a.txt is a file, not a folder; name another",
    }
    for given, says in cases.items():
        assert train.run(given) == 2
        err = capsys.readouterr().err
        assert says in err and err.count("\n") == 1
    assert not trained.calls


def test_minutes_want_tensorflow(trained, capsys, monkeypatch):
    monkeypatch.setattr(train, "backend_name", lambda: "jax")
    assert train.run(["--minutes=5"]) == 2
    assert capsys.readouterr().err == "lomit-train: --minutes needs Keras' backend tensorflow; on jax give --steps\n"
    assert not trained.calls


def test_exit_codes_of_runs_that_end_early(trained, capsys):
    from lomit_tf.training.callbacks import TrainingError

    cases = [
        (ConfigError("another configuration"), 2), (DataError("no images"), 2),
        (TrainingError("masks are dead"), 1), (KeyboardInterrupt(), 130), (2, 130), (15, 143),
    ]  # fmt: skip
    for outcome, code in cases:
        trained.outcome = outcome
        assert train.run(["--workdir=w"]) == code
        err = capsys.readouterr().err
        assert "\nlomit-train: " in err and "Traceback" not in err
        assert str(outcome) in err or not isinstance(outcome, ValueError | TrainingError)
    trained.outcome, trained.done = 15, True  # it was told to stop during its last step: nothing is left to go on with
    assert train.run(["--workdir=w"]) == 0
    assert "lomit-train" not in capsys.readouterr().err
    trained.outcome = ZeroDivisionError("a fault of ours")
    with pytest.raises(ZeroDivisionError):
        train.run(["--workdir=w"])


def test_the_names_that_the_command_takes_from_the_heavy_modules_exist():
    def names(path: str) -> set[str]:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        return imported | {getattr(node, "name", "") for node in tree.body}

    assert {"train", "TrainingError", "TrainingResult"} <= names("lomit_tf/training/loop.py")
    assert "DataError" in names("lomit_tf/data/sources.py")


def test_freed_memory_is_kept_by_glibc() -> None:
    """A buffer of 100 MB that is freed and taken again faults its pages in once, not every time."""
    script = (
        "import ctypes, resource\n"
        "from lomit_tf.runtime.allocator import keep_freed_memory\n"
        "if not keep_freed_memory():\n"
        "    print('no glibc'); raise SystemExit\n"
        "c = ctypes.CDLL(None)\n"
        "c.malloc.restype, c.malloc.argtypes, c.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]\n"
        "def faults():\n"
        "    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "    p = c.malloc(100 << 20); ctypes.memset(p, 1, 100 << 20); c.free(p)\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before\n"
        "faults()\n"
        "print(faults())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    if done.stdout.strip() == "no glibc":
        pytest.skip("the C library is not glibc: it has no mallopt")
    assert int(done.stdout) < 100  # 100 MB are 25,600 pages
