"""Flagfiles: where they are looked for, what wins, what is refused; and the shipped ones."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lomit_tf.commands import flagfiles, flags
from lomit_tf.config import PRESETS, SECTIONS, DataConfig, LomitConfig, field_names
from tests.helpers.command_lines import config, refused

pytestmark = pytest.mark.quick

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted(path.name for path in (ROOT / "configs").glob("*.cfg"))


@pytest.fixture(autouse=True)
def _in_an_empty_folder(folder: Path) -> None:
    """Every test."""


def test_a_flagfile_is_found_here_then_beside_its_includer_then_among_ours(folder):
    sub = folder / "sub"
    sub.mkdir()
    (sub / "outer.cfg").write_text("--flagfile=inner.cfg\n")
    (sub / "inner.cfg").write_text("--seed=2\n")
    assert config("--flagfile=sub/outer.cfg").training.seed == 2
    assert config(f"--flagfile={sub / 'outer.cfg'}").training.seed == 2
    (folder / "inner.cfg").write_text("--seed=1\n")
    assert config("--flagfile=sub/outer.cfg").training.seed == 1

    (sub / "ours.cfg").write_text("--flagfile=celeba.cfg\n")
    assert config("--flagfile=sub/ours.cfg") == config("--flagfile=celeba.cfg")
    (folder / "celeba.cfg").write_text("--seed=9\n")
    assert config("--flagfile=celeba.cfg") == LomitConfig.create(seed=9)


def test_our_flagfiles_are_found_in_an_installed_package(folder):
    site = folder / "site"
    shutil.copytree(ROOT / "lomit_tf", site / "lomit_tf", ignore=shutil.ignore_patterns("__pycache__", "data"))
    shutil.copytree(ROOT / "configs", site / "lomit_tf" / "configs")
    code = "from lomit_tf.commands import flagfiles, flags; print(flagfiles.configs_folder());" \
           "print(flags.parse(['--flagfile=celeba.cfg']).workdir)"  # fmt: skip
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.split() == [str(site / "lomit_tf" / "configs"), "runs/celeba"]


def test_our_flagfiles_are_found_in_a_checkout():
    assert flagfiles.configs_folder() == ROOT / "configs"
    assert flagfiles.flagfiles_in(ROOT / "configs") == CONFIGS


def test_flagfile_lines(folder):
    (folder / "a.cfg").write_bytes(
        b"\xef\xbb\xbf# a comment\r\n\r\n   // another\r\n  --steps=7  \r\n--noflip\r\n--mask_skips\r\n-seed=3\r\n"
        b"--groups=x: a, b; y: c\r\n--attributes=a,b,c\r\n--data_dir=/c d=e#f"
    )
    read = config("--flagfile=a.cfg")
    assert (read.training.steps, read.data.flip, read.model.mask_skips, read.training.seed) == (7, False, True, 3)
    assert read.data.group_labels == {"x": ("a", "b"), "y": ("c",)}
    assert read.data.data_dir == "/c d=e#f"


def test_what_wins(folder):
    (folder / "base.cfg").write_text("--seed=1\n--steps=10\n--batch_size=1\n")
    (folder / "top.cfg").write_text("--steps=20\n--steps=30\n--batch_size=2\n--flagfile=base.cfg\n")
    (folder / "other.cfg").write_text("--batch_size=3\n")

    def values(*argv: str) -> tuple[int, int, int]:
        training = config(*argv).training
        return training.seed, training.steps, training.batch_size

    assert values("--flagfile=top.cfg") == (1, 30, 2)  # own lines over included ones, later over earlier
    assert values("--flagfile=top.cfg", "--flagfile=other.cfg") == (1, 30, 3)  # later files over earlier ones
    assert values("--flagfile=other.cfg", "--flagfile=top.cfg") == (1, 30, 2)
    for argv in (["--steps=40", "--flagfile=top.cfg"], ["--flagfile=top.cfg", "--steps=40"]):
        assert values(*argv) == (1, 40, 2)  # the command line over all of them
    assert values("--flagfile", "top.cfg", "--seed", "4") == (4, 30, 2)


def test_a_preset_replaces_the_sizes_it_wins_over(folder):
    (folder / "sizes.cfg").write_text("--base_channels=32\n--preset=mobile\n--mask_filter=4\n")
    assert config("--flagfile=sizes.cfg") == LomitConfig.create("mobile", base_channels=32, mask_filter=4)
    assert config("--flagfile=sizes.cfg", "--preset=small") == LomitConfig.create("small", mask_filter=4)
    assert config("--preset=lomit", "--flagfile=sizes.cfg") == LomitConfig.create(mask_filter=4)
    (folder / "top.cfg").write_text("--preset=small\n--flagfile=sizes.cfg\n--edge_kernel=5\n")
    assert config("--flagfile=top.cfg") == LomitConfig.create("small", mask_filter=4, edge_kernel=5)


def test_circles_are_named(folder):
    (folder / "a.cfg").write_text("--flagfile=b.cfg\n")
    (folder / "b.cfg").write_text("\n--flagfile=a.cfg\n")
    message = refused("--flagfile=a.cfg")
    assert message.startswith("b.cfg:2: ") and "a.cfg -> b.cfg -> a.cfg" in message
    (folder / "self.cfg").write_text("--flagfile=./self.cfg\n")
    assert "self.cfg -> self.cfg" in refused("--flagfile=self.cfg")
    (folder / "b.cfg").write_text("--seed=1\n")
    (folder / "twice.cfg").write_text("--flagfile=a.cfg\n--flagfile=b.cfg\n")
    assert config("--flagfile=twice.cfg").training.seed == 1  # the same file by two ways is no circle


def test_a_missing_flagfile_says_where_it_was_looked_for_and_what_there_is(folder):
    message = refused("--flagfile=celba.cfg")
    assert f"looked for {folder / 'celba.cfg'}, {ROOT / 'configs' / 'celba.cfg'}" in message
    assert "did you mean celeba.cfg" in message
    assert "known are: " + ", ".join(CONFIGS) in refused("--flagfile=/nowhere/x")
    (folder / "sub").mkdir()
    (folder / "sub" / "a.cfg").write_text("# include\n--flagfile=gone.cfg\n")
    message = refused("--flagfile=sub/a.cfg")
    assert message.startswith("sub/a.cfg:2: ") and str(folder / "sub" / "gone.cfg") in message
    assert refused("--flagfile=sub") == "--flagfile=sub is a folder; name a file"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--stepss=5", ["--stepss is unknown", "did you mean --steps"]),
        ("steps=5", ["'steps=5' is not a flag"]),
        ("--steps 5", ["'--steps 5' is not a flag", "--steps=500"]),
        ("--steps", ["--steps needs a value"]),
        ("--steps=5 # few", ["whole number", "'5 # few'", "a comment needs a line of its own"]),
        ('--groups="x: a"', ["without quotation marks"]),
        ("--help", ["--help is unknown"]),
        ("--image_size=100", ["divisible by 64", "--image_size is from a.cfg:2"]),
        ("--mask_cycle_weight=1", ["needs --system=recipe", "--mask_cycle_weight is from a.cfg:2"]),
        ("--mask_losses=1:x", ["--mask_losses must be", "'1:x'"]),
    ],
)
def test_errors_in_a_flagfile_name_file_and_line(folder, line, words):
    (folder / "a.cfg").write_text(f"# comment\n{line}\n--seed=1\n")
    message = refused("--flagfile=a.cfg")
    for word in ["a.cfg:2", *words]:
        assert word in message


def test_a_flagfile_that_is_no_text(folder):
    (folder / "a.cfg").write_bytes(b"--seed=\xff\xfe")
    assert refused("--flagfile=a.cfg") == "--flagfile=a.cfg: a.cfg is not a text file"


@pytest.mark.parametrize("name", CONFIGS)
def test_our_flagfiles(name, folder):
    invocation = flags.parse([f"--flagfile={name}"])
    own = "drawn_faces" if name == "recipe.cfg" else name.removesuffix(".cfg")  # the recipe has no data of its own
    assert invocation.workdir == Path("runs") / own
    (folder / "flags.cfg").write_text(flags.effective_flagfile(invocation.config))
    assert config("--flagfile=flags.cfg") == invocation.config
    head = (ROOT / "configs" / name).read_text().split("\n--")[0]
    for word in (f"--flagfile={name}", "Command:", "Data:", "Time:"):
        assert word in head


def test_the_papers_flagfile_spells_out_the_defaults():
    assert config("--flagfile=celeba_paper.cfg") == LomitConfig.create(dataset="celeb_a", ema_decay=0.0)
    text = (ROOT / "configs" / "celeba_paper.cfg").read_text()
    for section in ("model", "loss"):
        for field in dataclasses.fields(SECTIONS[section]):
            assert re.search(rf"^--{field.name}\b", text, re.MULTILINE), f"{field.name} is not in celeba_paper.cfg"


def test_small_celeba_is_celeba_but_for_what_it_says():
    small, large = config("--flagfile=celeba_small.cfg"), config("--flagfile=celeba.cfg")
    said = {"style_margin": 6, "mask_skips": True, "mask_filter": 6, "connected_groups": (), "colour_groups": (),
            "competing_groups": ()}  # fmt: skip
    assert small.model == dataclasses.replace(large.model, **PRESETS["small"], **said)
    changed = {name for name in field_names() if small.flat()[name] != large.flat()[name]}
    assert changed - {f.name for f in dataclasses.fields(DataConfig)} - {*PRESETS["small"], *said} == {
        "reconstruction_weight", "cycle_weight", "mask_losses", "mask_sparsity", "mask_sparsity_change",
        "mask_cycle_weight", "edge_weight", "steps", "schedule_steps", "batch_size", "learning_rate", "decay_start",
    }  # fmt: skip
    assert small.data.label_names == ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
    assert list(large.data.group_labels) == ["hair", "makeup", "smile", "facial_hair", "age"]
    assert large.data.match == ("Male",)


def test_a_runs_own_flagfile_goes_on_in_its_workdir(folder):
    from lomit_tf.training.checkpoints import Workdir

    run = Workdir(folder / "runs" / "mine")
    run.prepare(LomitConfig.create(seed=5, dataset="celeb_a"))
    for name in ("runs/mine/flags.cfg", "./runs/mine/flags.cfg", str(run.flagfile)):
        asked = flags.parse([f"--flagfile={name}"])
        assert (asked.workdir.resolve(), asked.config.training.seed) == (run.path.resolve(), 5), name
        assert flags.parse([f"--flagfile={name}", "--workdir=w"]).workdir == Path("w")
        assert flags.parse(["--seed=6", f"--flagfile={name}"]).workdir.resolve() == run.path.resolve()
    # The last flagfile that says where wins; one that includes a run's does not go on with that run.
    assert flags.parse(["--flagfile=runs/mine/flags.cfg", "--flagfile=celeba.cfg"]).workdir == Path("runs/celeba")
    (folder / "outer.cfg").write_text("--flagfile=runs/mine/flags.cfg\n")
    assert flags.parse(["--flagfile=outer.cfg"]).workdir == Path("runs/celeb_a")
    # A copy elsewhere is no run's own: there is no config.json beside it.
    shutil.copy(run.flagfile, folder / "flags.cfg")
    assert flags.parse(["--flagfile=flags.cfg"]).workdir == Path("runs/celeb_a")
    run.flagfile.write_text("--workdir=elsewhere\n")
    assert flags.parse(["--flagfile=runs/mine/flags.cfg"]).workdir == Path("elsewhere")


def test_a_teachers_flagfile_does_not_make_its_workdir_the_students(folder):
    from lomit_tf import distill
    from lomit_tf.training.checkpoints import Workdir

    Workdir(folder / "teacher").prepare(LomitConfig.create())
    asked = distill.FLAGS.parse(["--flagfile=teacher/flags.cfg", "--teacher=teacher"])
    assert asked.workdir == Path("runs/mobile")
