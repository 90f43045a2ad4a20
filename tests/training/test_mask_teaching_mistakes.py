"""Refining and teaching masks: every mistake is one line that says what to do; --help explains."""

from __future__ import annotations

import numpy as np
import pytest

from lomit_tf import refine_masks, teach_masks
from tests.helpers.masks import MODEL, refined
from tests.helpers.serving import save_workdir


@pytest.fixture(scope="module")
def start(tiny, tmp_path_factory):
    """A workdir of a model with random weights, 64 px, of the groups hair and smile."""
    return save_workdir(tiny(**MODEL), tmp_path_factory.mktemp("start") / "run")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--out=o.npz"], "--model is missing"),
        (["--model=drawn_faces"], "--out is missing"),
        (["--model=drawn_facess", "--out=o.npz"], "drawn_faces"),
        (["--model=S", "--out=o.npz", "--group=beard"], "--group='beard' is not a group of the model"),
        (["--model=S", "--out=o.npz", "--refuse=Bald"], "(--refuse, --absent, --bare and --controls add Bald)"),
        (["--model=S", "--out=o.npz", "--refuse=", "--refine_size=100"], "--refine_size=100 is not a multiple"),
        (["--model=S", "--out=o.npz", "--by=region"], "--by must be one of cut, regions, labels"),
        (["--model=S", "--out=o.npz", "--refuse=", "--by=labels", "--controls=Bald"], "and --controls add Bald)"),
        (["--model=S", "--out=o.npz", "--by=regions", "--layouts=0"], "--layouts must be at least 1; received 0"),
        (["--model=S", "--out=o.npz", "--face=0.5,0.5"], "--face is four numbers"),
        (["--model=S", "--out=o.npz", "--probable=0.9"], "--probable < --sure_foreground"),
        (["--model=S", "--out=o.npz", "--refuse=Bangs", "--absent=Bangs"], "among --refuse and --absent"),
        (["--model=S", "--out=o.npz", "--refuse=Bangs", "--bare=Bangs"], "among --refuse and --bare"),
        (["--model=S", "--out=o.npz", "--refuse=", "--bare_above=2"], "--bare_above lies between 0 and 1"),
        (["--model=S", "--out=o.npz", "--stepss=3"], "--stepss is unknown"),
    ],
)
def test_mistakes_of_refining_are_one_line(flags, words, start, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert refine_masks.run([f"--model={start}" if f == "--model=S" else f for f in flags]) == 2
    out, err = capsys.readouterr()
    assert words in err and err.startswith("lomit-refine-masks: ") and err.count("\n") == 1 and not out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--refined_masks=m.npz", "--workdir=w"], "--model is missing"),
        (["--model=S", "--workdir=w"], "--refined_masks is missing"),
        (["--model=S", "--refined_masks=m.npz"], "--workdir is missing"),
        (["--model=S", "--refined_masks=none.npz", "--workdir=w"], "none.npz: no refined masks that can be read"),
        (["--model=S", "--refined_masks=text.npz", "--workdir=w"], "text.npz: no refined masks that can be read"),
        (
            ["--model=S", "--refined_masks=m.npz", "--workdir=w", "--preset=small"],
            "--preset: the networks are those of --model",
        ),
        (["--model=S", "--refined_masks=m.npz", "--workdir=w", "--turn=-1"], "--turn lies between 0 and 180"),
        (["--model=S", "--refined_masks=m.npz", "--workdir=w", "--certain=2"], "--certain lies between 0.5 and 1"),
        (["--model=drawn_faces", "--refined_masks=m.npz", "--workdir=w"], "--data_dir"),
    ],
)
def test_mistakes_of_teaching_are_one_line(flags, words, start, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.npz").write_text("not an archive")
    if "--model=drawn_faces" in flags:  # masks of images that the data does not have
        refined(start, tmp_path / "m.npz", images=8, area_min=0, area_max=99)
        with np.load(tmp_path / "m.npz") as file:
            arrays = dict(file)
        arrays["keys"] = np.array([f"other/{i}" for i in range(8)])
        np.savez(tmp_path / "m.npz", **arrays)
    assert teach_masks.run([f"--model={start}" if f == "--model=S" else f for f in flags]) == 2
    out, err = capsys.readouterr()
    assert words in err and err.startswith("lomit-teach-masks: ") and err.count("\n") == 1 and not out


def test_help_explains(capsys):
    assert refine_masks.run(["--help"]) == 0 and teach_masks.run(["--help"]) == 0
    shown = capsys.readouterr().out
    for word in ("--sure_foreground", "--refuse", "--held_out", "--refined_masks", "python -m lomit_tf.teach_masks"):
        assert word in shown
