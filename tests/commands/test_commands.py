"""What all commands share: flags of a dataclass, help, errors, signals and exit codes. Nothing imports TensorFlow."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from absl import flags as absl_flags

from lomit_tf.commands import UNUSABLE, Command, Failure, FlagSet, report, require_extra, unusable
from lomit_tf.commands import command as commands_module
from lomit_tf.config import NEEDED, ConfigError, LomitConfig, option
from lomit_tf.runtime.signals import heard_signals

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "lomit_tf.train": "lomit-train", "lomit_tf.evaluate": "lomit-evaluate", "lomit_tf.translate": "lomit-translate",
    "lomit_tf.app": "lomit-app", "lomit_tf.serve": "lomit-serve", "lomit_tf.demo": "lomit-demo",
    "lomit_tf.distill": "lomit-distill", "lomit_tf.train_classifier": "lomit-train-classifier",
    "lomit_tf.refine_masks": "lomit-refine-masks", "lomit_tf.teach_masks": "lomit-teach-masks",
    "lomit_tf.find_movements": "lomit-find-movements", "lomit_tf.teach_movements": "lomit-teach-movements",
    "lomit_tf.pack": "lomit-pack", "lomit_tf.user_study": "lomit-user-study",
    "lomit_tf.convert_run": "lomit-convert-run", "lomit_tf.compare": "lomit-compare",
    "lomit_tf.compare_all": "lomit-compare-all", "lomit_tf.join": "lomit-join",
    "export.__main__": "export", "export.parity": "export.parity", "export.light": "export.light",
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Tour:
    """Flags of every kind."""

    city: str = option(NEEDED, "where to go", form="CITY")
    days: int = option(3, "how long", least=1, most=30)
    price: float = option(9.5, "what it costs", least=0)
    alone: bool = option(False, "without company")
    guide: str = option("none", "who explains", ("none", "book", "person"))
    stops: tuple[str, ...] = option((), "on the way, separated by commas")
    photo: tuple[str, ...] = option((), "what to photograph", repeated=True, form="THING")
    limit: int | None = option(None, "how far, at most")


FLAGS = FlagSet(Tour, "Plan a tour.", words="photo")


def refused(*argv: str) -> str:
    with pytest.raises(ConfigError) as error:
        FLAGS.parse(argv)
    return str(error.value)


def test_flags_become_the_dataclass():
    assert FLAGS.parse(["--city=Rome"]) == Tour("Rome")
    given = ["--city", "Rome", "--days=5", "--price=1e2", "--alone", "--guide=book", "--stops=a, b", "--limit=7"]
    assert FLAGS.parse([*given, "--photo=x", "y"]) == Tour("Rome", 5, 100.0, True, "book", ("a", "b"), ("x", "y"), 7)
    for word in ("--noalone", "--no-alone", "--alone=false"):
        assert not FLAGS.parse(["--city=Rome", word]).alone


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "--city is missing; give --city=CITY: where to go"),
        (["--city="], "--city is empty"),
        (["--city=a", "--days=0"], "--days must be at least 1; received 0"),
        (["--city=a", "--days=31"], "--days must be at most 30; received 31"),
        (["--city=a", "--days=x"], "--days must be a whole number; received 'x'"),
        (["--city=a", "--price=-1"], "--price must be at least 0; received -1"),
        (["--city=a", "--price=nan"], "--price must be a finite number"),
        (["--city=a", "--guide=bok"], "--guide must be one of none, book, person; received 'bok'; did you mean book?"),
        (["--city=a", "--citi=b"], "--citi is unknown; did you mean --city?"),
        (["--city=a", "--city=b"], "--city is given twice, as 'a' and as 'b'"),
    ],
)
def test_mistakes_name_the_flag_and_what_was_received(argv, words):
    assert words in refused(*argv)


def test_a_flagfile_gives_flags_and_its_mistakes_name_file_and_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tour.cfg").write_text("# a tour\n--city=Rome\n--photo=x\n--photo=y\n--days=4\n")
    assert FLAGS.parse(["--flagfile=tour.cfg", "--days=5"]) == Tour("Rome", 5, photo=("x", "y"))
    assert FLAGS.parse(["--flagfile=tour.cfg", "z"]).photo == ("z",)  # the command line wins
    Path("tour.cfg").write_text("--city=Rome\n\n--days=99\n")
    assert refused("--flagfile=tour.cfg") == "tour.cfg:3: --days must be at most 30; received 99"


def test_help_has_every_flag_with_its_default_and_none_of_others():
    lines = FLAGS.help_text().splitlines()
    assert lines[0] == "Plan a tour."
    forms = [line.split()[0] for line in lines if line.startswith("  --")]
    assert forms == ["--city=CITY", "--days=N", "--price=X", "--[no]alone", "--guide=none|book|person",
                     "--stops=A,B,C", "--photo=THING", "--limit=N", "--flagfile=FILE"]  # fmt: skip
    text = " ".join(" ".join(lines).split())
    for said in (
        "where to go (needed)",
        "how long (default: 3)",
        "by commas (default: empty)",
        "at most (default: none)",
    ):
        assert said in text


def run(main, capsys, argv: tuple[str, ...] = ()) -> tuple[int, str, str]:
    code = Command("tour", lambda: "help", lambda words: list(words), main, "nothing was planned").run(argv)
    return code, *capsys.readouterr()


def test_ends_of_a_command(capsys):
    def failing(error: BaseException):
        def main(_: list[str]) -> None:
            raise error

        return main

    def losing(error: BaseException | None):
        """As compiled code that swallows the KeyboardInterrupt, or makes another error of it."""

        def main(_: list[str]) -> None:
            with contextlib.suppress(KeyboardInterrupt):
                os.kill(os.getpid(), signal.SIGTERM)
            if error:
                raise error

        return main

    def heard_twice(_: list[str]) -> None:
        with heard_signals():
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGTERM)

    assert run(lambda words: None, capsys) == (0, "", "")
    assert run(lambda words: len(words), capsys, ("a", "b", "c")) == (3, "", "")
    assert run(failing(Failure("no train")), capsys) == (1, "", "tour: no train\n")
    assert run(failing(Failure("no ticket", 7)), capsys) == (7, "", "tour: no ticket\n")
    assert run(failing(ConfigError("--days")), capsys) == (2, "", "tour: --days\n")
    assert run(failing(KeyboardInterrupt()), capsys) == (130, "", "tour: interrupted; nothing was planned\n")
    assert run(lambda words: os.kill(os.getpid(), signal.SIGTERM), capsys) == (
        143, "", "tour: terminated; nothing was planned\n",
    )  # fmt: skip
    assert run(losing(None), capsys) == (143, "", "tour: terminated; nothing was planned\n")
    assert run(losing(ImportError("initialization failed")), capsys)[0] == 143
    assert run(heard_twice, capsys) == (143, "", "tour: terminated; nothing was planned\n")
    assert run(failing(ZeroDivisionError()), capsys, ("--help",)) == (0, "help\n", "")
    with pytest.raises(ZeroDivisionError):  # a fault of ours keeps its traceback
        run(failing(ZeroDivisionError()), capsys)


def test_signals_are_as_before_afterwards_and_ignored_ones_stay_ignored(capsys):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run(lambda words: os.kill(os.getpid(), signal.SIGINT), capsys)[0] == 0
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_closed_standard_output_is_one_line():
    code = "import sys; from lomit_tf.demo import run; sys.exit(run(['--help']))"
    done = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    done.stdout.close()
    error = done.stderr.read()
    assert done.wait() == 1 and error == "lomit-demo: standard output was closed before everything was written\n"


def test_what_the_user_gave_is_told_apart_from_faults_and_missing_extras(capsys):
    class GoneError(Exception):
        pass

    with pytest.raises(ConfigError, match="gone"), unusable(GoneError, OSError):
        raise GoneError("gone")
    with pytest.raises(KeyError), unusable(GoneError):
        raise KeyError("a")
    require_extra("none", "json")
    with pytest.raises(Failure, match=r"needs no_such_module: pip install 'lomit_tf\[app\]'") as error:
        require_extra("app", "json", "no_such_module")
    assert error.value.code == UNUSABLE
    report("done", {"a": Path("b"), "long": None})
    assert capsys.readouterr().out == "done\n  a:    b\n  long: none\n"


@pytest.mark.parametrize("module", COMMANDS)
def test_every_command_refuses_an_unknown_flag_in_one_line(module, capsys):
    words = ["make"] if module == "lomit_tf.user_study" else []
    assert importlib.import_module(module).run([*words, "--nosuchflag"]) == 2
    out, err = capsys.readouterr()
    assert not out and err == f"{COMMANDS[module]}: --nosuchflag is unknown; --help lists all flags\n"


def test_no_command_has_another_ones_flags_or_touches_absls_own(capsys):
    before = set(absl_flags.FLAGS)
    own = {"app": "share", "serve": "max_queue", "translate": "input_mask", "evaluate": "segmenter", "demo": "pairs"}
    for name, flag in own.items():
        module = importlib.import_module(f"lomit_tf.{name}")
        assert module.run(["--help"]) == 0
        shown = capsys.readouterr().out
        assert f"--{flag}=" in shown or f"--[no]{flag} " in shown
        for other in set(own.values()) - {flag, "pairs"}:
            assert f"--{other}=" not in shown and f"--[no]{other} " not in shown
        assert "alsologtostderr" not in shown
    assert set(absl_flags.FLAGS) == before


def test_commands_answer_without_heavy_imports():
    code = f"""
import importlib, sys
for name in {list(COMMANDS)!r}:
    words = ["make"] if name.endswith("user_study") else []
    assert importlib.import_module(name).run([*words, "--help"]) == 0, name
heavy = {{"tensorflow", "keras", "gradio", "uvicorn", "matplotlib", "jinja2", "pydantic", "scipy"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


MODEL, TRANSLATE = "--model={stargan}", "lomit_tf.translate"
REFUSED = [  # command, flags, what is said: nothing of it needs TensorFlow
    ("lomit_tf.app", ["--model=nope"], "--model: 'nope' is neither the name of shipped weights"),
    ("lomit_tf.serve", ["--model={empty}", "--port=0"], "--model: no trained model at {empty}"),
    ("lomit_tf.demo", ["--model=nope"], "--model: 'nope' is neither"),
    ("lomit_tf.demo", ["--model="], "lomit-demo: --model is empty; give celeba, "),
    ("lomit_tf.demo", ["--out=/proc/a.png"], "--out=/proc/a.png cannot be written: "),
    ("lomit_tf.demo", ["--out=a"], "--out=a has no ending"),
    ("lomit_tf.distill", ["--teacher={empty}/nope"], "--teacher: there is nothing at {empty}/nope"),
    ("lomit_tf.distill", ["--teacher=drawn_faces", "--workdir=/proc/w"], "--workdir=/proc/w cannot be written: "),
    ("lomit_tf.teach_masks", ["--model=nope", "--refined_masks=m", "--workdir={empty}"], "--model: 'nope' is"),
    ("lomit_tf.refine_masks", ["--model=nope", "--out={empty}/m.npz"], "--model: 'nope' is"),
    ("lomit_tf.find_movements", ["--model=nope", "--out={empty}/m.npz"], "--model: 'nope' is"),
    ("lomit_tf.teach_movements", ["--model=nope", "--movements=m", "--workdir={empty}"], "--model: 'nope' is"),
    ("lomit_tf.train_classifier", ["--out=/proc/x"], "--out=/proc/x cannot be written: "),
    ("lomit_tf.train_classifier", [f"--out={ROOT}/lomit_tf/weights/celeba_classifier"], "holds a classifier already"),
    ("lomit_tf.evaluate", ["--checkpoint=drawn_faces", "--out={empty}", "--dataset=celebamsk"],
     "--dataset=celebamsk is unknown; did you mean celebamask or celeb_a?"),
    ("lomit_tf.evaluate", ["--checkpoint=drawn_faces", "--out={empty}", "--photograph_size=100"],
     "--photograph_size=100 must be a multiple of 64"),
    (TRANSLATE, [MODEL, "--save_masks", "--input={full}/a.png", "--exemplar={full}/a.png", "--output={empty}/o.png"],
     "--save_masks needs a model of --method=lomit; this one is of --method=stargan"),
    (TRANSLATE, [MODEL, "--compare", "--input={full}/a.png", "--exemplar={full}/a.png", "--output={empty}/o.png"],
     "--compare needs a model of --method=lomit"),
    (TRANSLATE, [MODEL, "--colour=blue", "--input={full}/a.png", "--output={empty}/o.png"],
     "--colour needs a model of --method=lomit"),
    ("lomit_tf.serve", [MODEL, "--port=0"], "serving needs a model of --method=lomit; this one is of --method=stargan"),
    ("lomit_tf.app", [MODEL], "the page needs a model of --method=lomit"),
    ("lomit_tf.demo", [MODEL, "--out={empty}/d.png"], "the demo needs a model of --method=lomit"),
    ("lomit_tf.refine_masks", [MODEL, "--out={empty}/m.npz"], "refining masks needs a model of --method=lomit"),
    ("lomit_tf.teach_masks", [MODEL, "--refined_masks=m", "--workdir={empty}"],
     "teaching masks needs a model of --method=lomit"),
    ("lomit_tf.evaluate", ["--checkpoint=/nope", "--out={empty}"], "--checkpoint: there is nothing at /nope"),
    ("lomit_tf.evaluate", ["--checkpoint=drawn_faces", "--out=/proc/x"], "--out=/proc/x cannot be written: "),
    ("lomit_tf.evaluate", ["--checkpoint=drawn_faces", "--out={empty}", "--classifier={empty}"], "no classifier at"),
    ("lomit_tf.evaluate", ["--checkpoint=drawn_faces", "--out={report}"],
     "--out={report}: there is a report already; give another folder, or --overwrite"),
    ("lomit_tf.compare", ["--runs=drawn_faces", "--out={report}"], "--out={report}: there is a report already"),
    ("lomit_tf.join", ["--base=celeba_colour", "--part=celeba", "--out={empty}"], "did you mean celeba_colours"),
    ("lomit_tf.join", ["--base=celeba_colours", "--part=nope", "--out={empty}"], "--part=nope: there is nothing"),
    ("lomit_tf.join", ["--base=celeba_colours", "--part=celeba_hair", "--out={empty}"], "configs/celeba_smile.cfg"),
    ("lomit_tf.compare", ["--runs=drawn_faces,nope", "--out={empty}"], "--runs: 'nope' is"),
    ("lomit_tf.compare", ["--runs=drawn_faces,drawn_faces_mobile", "--out={empty}"],
     "--image_size is 64 in drawn_faces and 128 in drawn_faces_mobile"),
    ("export.__main__", ["--model=nope", "--out={empty}"], "--model: 'nope' is"),
    ("export.__main__", ["--model=drawn_faces", "--out={full}"], "--out={full} exists and is not an empty folder"),
    ("export.__main__", ["--model=drawn_faces", "--out={empty}", "--formats=foo"], "--formats: received 'foo'"),
    ("export.__main__", [MODEL, "--out={empty}"], "a model of --method=stargan is written as --formats=savedmodel"),
    ("export.light", ["nope"], "nope is neither shipped weights"),
    ("export.parity", ["{empty}"], "{empty} is no folder that `python -m export` wrote"),
    ("lomit_tf.translate", [MODEL, "--input={full}", "--exemplar={full}/a.png", "--output=/proc/o"],
     "--output=/proc/o cannot be written: "),
]  # fmt: skip


def test_values_that_need_no_tensorflow_are_refused_before_it_is_imported(tmp_path):
    places = {name: tmp_path / name for name in ("empty", "full", "report", "stargan")}
    for folder in (*places.values(), places["stargan"] / "checkpoints"):
        folder.mkdir()
    (places["full"] / "a.png").write_bytes(b"")
    (places["report"] / "results.json").write_text("{}")
    (places["stargan"] / "checkpoints" / "step-1.npz").write_bytes(b"")
    config = LomitConfig.create("small", method="stargan", attributes=("Smiling",), groups="")
    (places["stargan"] / "config.json").write_text(json.dumps(config.flat()))
    cases = [(name, [flag.format(**places) for flag in flags]) for name, flags, _ in REFUSED]
    code = f"""
import importlib, sys
for name, flags in {cases!r}:
    print(importlib.import_module(name).run(flags), flush=True)
    assert not {{"tensorflow", "keras"}} & set(sys.modules), (name, flags)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = list(zip(done.stdout.split(), done.stderr.splitlines(), strict=True))
    for (name, _, says), (code, line) in zip(REFUSED, found, strict=True):
        assert code == "2" and line.startswith(f"{COMMANDS[name]}: ") and says.format(**places) in line, line


def test_tensorflow_is_imported_between_check_and_main(monkeypatch, capsys):
    steps: list[str] = []

    def check(words: list[str]) -> None:
        steps.append("check")
        if words:
            raise ConfigError("no")

    monkeypatch.setattr(commands_module, "import_tensorflow", lambda: steps.append("tensorflow"))
    command = Command(
        "tour", lambda: "help", lambda words: list(words), lambda words: steps.append("main"), check=check
    )
    assert command.run([]) == 0 and steps == ["check", "tensorflow", "main"]
    steps.clear()
    assert command.run(["a"]) == 2 and steps == ["check"]


def test_layers_below_read_no_flags():
    """What trains, translates or measures gets its settings as arguments."""
    allowed = {"flags.py", "flagfiles.py", *(f"{name.partition('.')[2]}.py" for name in COMMANDS), "translate_flags.py"}
    for path in (ROOT / "lomit_tf").rglob("*.py"):
        if (path.name in allowed and path.parent == ROOT / "lomit_tf") or "commands" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        for word in (
            "from absl import flags",
            "lomit_tf.commands.flags",
            "import flags",
            "lomit_tf.commands",
            "lomit_tf.commands.flagfiles",
        ):
            assert word not in text, f"{path}: {word}"
