"""tools/train_celeba.py: its commands are ones that the commands take, and what is done is not done again."""

from __future__ import annotations

import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from export import light
from lomit_tf import join, teach_masks, teach_movements
from lomit_tf.commands import find_flags, flags, refine_flags

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "train_celeba.py"
PARSERS = {
    "lomit_tf.train": flags.parse, "lomit_tf.refine_masks": refine_flags.parse, "lomit_tf.join": join.FLAGS.parse,
    "lomit_tf.teach_masks": teach_masks.FLAGS.parse, "export.light": light.FLAGS.parse,
    "lomit_tf.find_movements": find_flags.parse, "lomit_tf.teach_movements": teach_movements.FLAGS.parse,
}  # fmt: skip
# Arguments that name what a stage made.
MADE = ("--model=work", "--init_from=work", "--refined", "--movements", "--base", "--part")


@pytest.fixture(scope="module")
def stages():
    return list(runpy.run_path(str(TOOL))["stages"]("celeba", Path("work")))


def listed(data: Path, work: Path) -> list[list[str]]:
    asked = [sys.executable, TOOL, f"--data_dir={data}", f"--workdir={work}", "--list"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    return [shlex.split(line) for line in done.stdout.splitlines()]


def test_the_commands_take_their_flags(stages):
    for name, (dash_m, module, *arguments), _ in stages:
        assert dash_m == "-m", name
        PARSERS[module](arguments)


def test_every_stage_begins_with_what_another_has_made(stages):
    made = set()
    for name, arguments, done in stages:
        needed = {
            Path(part)
            for argument in arguments if argument.startswith(MADE) for part in argument.partition("=")[2].split(",")
        }  # fmt: skip
        assert needed <= made, name
        made |= {done, done.parent.parent if done.parent.name == "checkpoints" else done.parent}
    assert {Path("work/celeba/graph.npz"), Path("work/celeba_mobile/graph.npz")} <= {done for *_, done in stages}


def test_what_is_there_counts_as_done(stages, tmp_path):
    work = tmp_path / "work"
    lines = listed(tmp_path, work)
    assert [line[0] for line in lines] == ["to"] * len(stages) and lines[0][2:4] == ["python", "-m"]
    first = work / stages[0][2].relative_to("work")
    first.parent.mkdir(parents=True)
    first.touch()
    assert [line[0] for line in listed(tmp_path, work)] == ["done:"] + ["to"] * (len(stages) - 1)


def test_a_share_takes_fewer_images_and_steps_and_stays_what_it_was(tmp_path):
    plan = runpy.run_path(str(TOOL))["stages"]
    whole, tenth = (" ".join(" ".join(s[1]) for s in plan("celeba", Path("work"), share)) for share in (1.0, 0.1))
    assert "--steps=4200" in whole and "--train_images=7000" in whole
    assert "--steps=420 " in tenth and "--train_images=700 " in tenth and "--layout_images=200 " in tenth
    (tmp_path / "share.txt").write_text("0.1")
    asked = [sys.executable, TOOL, f"--data_dir={tmp_path}", f"--workdir={tmp_path}", "--share=0.2"]
    done = subprocess.run(asked, capture_output=True, text=True)
    assert done.returncode == 2 and "begun with --share=0.1" in done.stderr


def test_a_list_that_nobody_reads_to_the_end(tmp_path):
    asked = f"{shlex.quote(sys.executable)} {shlex.quote(str(TOOL))} --data_dir={tmp_path} --list | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", asked], capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_a_folder_that_is_not_there(tmp_path):
    done = subprocess.run([sys.executable, TOOL, f"--data_dir={tmp_path / 'none'}"], capture_output=True, text=True)
    assert done.returncode == 2 and "none is not a folder" in done.stderr


@pytest.mark.parametrize(("flags", "said"), [
    (["--data_dir="], "--data_dir= is not a folder"),
    (["--data_dir=.", "--workdir="], "--workdir= is not a folder"),
    (["--data_dir=.", f"--workdir={__file__}"], "is not a folder; all stages"),
    (["--data_dir=.", "--share=0"], "--share must be above 0"),
    (["--data_dir=.", "--lis"], "unrecognized arguments: --lis"),
])  # fmt: skip
def test_flags_that_cannot_be_used(flags, said):
    done = subprocess.run([sys.executable, TOOL, *flags, "--list"], capture_output=True, text=True)
    assert done.returncode == 2 and said in done.stderr and not done.stdout, done.stderr
