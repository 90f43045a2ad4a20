"""Folders of runs of older versions: refused, with the command that converts them, and converted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lomit_tf import convert_run
from lomit_tf.config import LomitConfig
from lomit_tf.settings import older
from tests.helpers.older_run import OLD

pytestmark = pytest.mark.quick


@pytest.fixture
def run(tmp_path) -> Path:
    """A folder as version 0.1.0 left it, without weights."""
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "step-1.index").write_bytes(b"weights")
    (folder / "config.json").write_text(json.dumps(OLD))
    (folder / "flags.cfg").write_text("--r1_weight=12\n")
    return folder


def test_the_command_converts_in_place_and_keeps_what_was_there(run, capsys):
    from lomit_tf.commands import flags

    assert convert_run.run([str(run)]) == 0
    assert capsys.readouterr().out == f"{run}: converted\n"
    config = LomitConfig.from_flat(json.loads((run / "config.json").read_text()))
    assert config == older.converted(OLD)
    asked = flags.parse([f"--flagfile={run / 'flags.cfg'}"])
    assert (asked.config, asked.workdir) == (config, run)
    assert json.loads((run / "config.older.json").read_text()) == OLD
    assert (run / "flags.older.cfg").read_text() == "--r1_weight=12\n"
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert convert_run.run([f"--run={run}"]) == 0
    assert "has this version's settings already" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_an_interrupted_conversion_is_made_good(run, monkeypatch):
    from lomit_tf.training import older_runs

    def stop(path, text):
        if path.name == "config.json":
            raise KeyboardInterrupt
        path.write_text(text)

    monkeypatch.setattr(older_runs, "write_text", stop)
    with pytest.raises(KeyboardInterrupt):
        older_runs.convert(run)
    monkeypatch.undo()
    assert older_runs.convert(run)
    assert (run / "flags.older.cfg").read_text() == "--r1_weight=12\n"
    assert json.loads((run / "config.older.json").read_text()) == OLD


def test_the_command_converts_a_copy_and_leaves_the_run_alone(run, tmp_path, capsys):
    assert convert_run.run([str(run), f"--out={tmp_path / 'new'}"]) == 0
    assert json.loads((run / "config.json").read_text()) == OLD
    assert sorted(p.name for p in run.iterdir()) == ["checkpoints", "config.json", "flags.cfg"]
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["checkpoints", "config.json", "flags.cfg"]
    assert (tmp_path / "new" / "checkpoints" / "step-1.index").read_bytes() == b"weights"
    assert convert_run.run([str(run), f"--out={tmp_path / 'new'}"]) == 2
    assert "exists; name a new folder" in capsys.readouterr().err


def test_one_folder_that_cannot_be_converted_does_not_stop_the_others(run, tmp_path, capsys):
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "config.json").write_text(json.dumps(OLD | {"skips": False}))
    before = (odd / "config.json").read_bytes()
    assert convert_run.run([str(odd), str(tmp_path / "gone"), str(run)]) == 2
    out, err = capsys.readouterr()
    assert out == f"{run}: converted\n"
    assert "skips=False" in err and "gone: no run of lomit_tf.train" in err and "2 of 3 folders" in err
    assert (odd / "config.json").read_bytes() == before and len(list(odd.iterdir())) == 1
    capsys.readouterr()
    assert convert_run.run([str(tmp_path / "gone")]) == 2
    assert capsys.readouterr().err.endswith("there is no such folder\n")
    assert convert_run.run([]) == 2
    assert convert_run.run([str(run), str(odd), "--out=x"]) == 2


def test_shipped_weights_are_this_versions():
    from lomit_tf import zoo

    for name in zoo.names():
        values = json.loads((zoo.FOLDER / name / zoo.MANIFEST).read_text())["config"]
        assert not older.is_older(values), name
        assert LomitConfig.from_flat(values).model.recipe, name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no config.json in it"),
        ("[1]", "holds no settings"),
        ('{"a": 1}', "holds no settings"),
        ("{", "holds no settings"),
    ],
)
def test_what_is_no_run_is_said(tmp_path, capsys, text, said):
    if text is not None:
        (tmp_path / "config.json").write_text(text, encoding="utf-8")
    assert convert_run.run([str(tmp_path)]) == 2
    err = capsys.readouterr().err
    assert said in err and "Error" not in err
