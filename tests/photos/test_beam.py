"""Apache Beam pipelines on real files: the same results as the local mode, and a list of what failed."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("apache_beam", reason="apache-beam is missing: pip install -e '.[beam]'")

from tests.helpers.serving import save_workdir

FILES = 20
AS_PNG = ("--save_masks", "--format=png")  # without loss: JPEG would spread a difference of one level


@pytest.fixture(scope="module")
def workdir(tiny, tmp_path_factory, loaded_once):
    return save_workdir(tiny(system="recipe"), tmp_path_factory.mktemp("beam") / "run")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """20 good pictures in three folders, and four that cannot be used."""
    from lomit_tf.data.drawn_faces import draw

    root = tmp_path_factory.mktemp("photos")
    for i, face in enumerate(draw(range(FILES), size=64).images):
        path = root / ("", "a", "a/b ü")[i % 3] / f"{i}.{('png', 'jpg')[i % 2]}"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(face).save(path)
    (root / "a" / "empty.png").touch()
    (root / "a" / "text.jpg").write_text("hello")
    (root / "cut.png").write_bytes((root / "0.png").read_bytes()[:-400])
    (root / "a" / "b ü" / "video.jpeg").write_bytes(bytes(100))
    (root / "a" / "notes.txt").write_text("no picture")
    return root


def run(workdir: Path, *flags: str) -> int:
    from lomit_tf.translate import run

    return run([f"--model={workdir}", "--crop=center", *flags])


def pixels(folder: Path) -> dict[str, np.ndarray]:
    files = folder.rglob("*.png")
    return {str(p.relative_to(folder)): np.asarray(Image.open(p), int) for p in files}


@pytest.fixture(scope="module")
def local(workdir, photos, tmp_path_factory):
    """What the local mode makes of the folder."""
    output = tmp_path_factory.mktemp("local")
    flags = (f"--input={photos}", f"--exemplar={photos}/3.jpg", f"--exemplar={photos}/6.png", *AS_PNG)
    assert run(workdir, *flags, f"--output={output}") == 1
    return pixels(output)


@pytest.mark.parametrize("how", ["folder", "pattern"])
def test_same_results_as_the_local_mode_and_a_list_of_failures(workdir, photos, local, tmp_path, capfd, how):
    given = photos if how == "folder" else f"{photos}/**"
    flags = (f"--input={given}", f"--exemplar={photos}/3.jpg", f"--exemplar={photos}/6.png", *AS_PNG)
    flags = (*flags, f"--output={tmp_path}", "--runner=beam")
    assert run(workdir, *flags) == 1
    said = capfd.readouterr()
    assert f"{2 * FILES} written, 0 skipped (done before), 8 failed" in said.out
    assert "failures.jsonl" in said.err
    made = pixels(tmp_path)
    assert len(made) == 2 * 3 * FILES
    assert made.keys() == local.keys()
    for name, picture in made.items():
        # A picture's rounding moves with its batch.
        assert np.abs(picture - local[name]).max() <= 1, name
        assert np.abs(picture - local[name]).mean() < 0.02, name
    letters = [json.loads(line) for line in (tmp_path / "failures.jsonl").read_text().splitlines()]
    names = sorted(Path(letter["input"]).name for letter in letters)
    assert names == sorted(2 * ["empty.png", "text.jpg", "cut.png", "video.jpeg"])
    assert {"the file is empty"} == {le["message"] for le in letters if le["input"].endswith("empty.png")}

    assert run(workdir, *flags) == 1  # again: goes on with what is missing
    assert f"0 written, {2 * FILES} skipped (done before), 8 failed" in capfd.readouterr().out


def test_masks_of_a_folder_go_with_a_pattern(workdir, photos, tmp_path, capfd):
    flags = (f"--input={photos}/3.*", f"--exemplar={photos}/6.png", *AS_PNG, "--runner=beam")
    assert run(workdir, *flags, f"--output={tmp_path / 'first'}") == 0
    for mask in (tmp_path / "first").glob("*.input_mask.*.png"):
        Image.fromarray(np.zeros_like(np.asarray(Image.open(mask)))).save(mask)
    again = (*flags, f"--output={tmp_path / 'second'}")
    assert run(workdir, *again, f"--input_mask={tmp_path / 'first'}") == 0
    result = np.asarray(Image.open(tmp_path / "second" / "3.jpg.png"))
    np.testing.assert_array_equal(result, np.asarray(Image.open(photos / "3.jpg").convert("RGB")))
    assert (np.asarray(Image.open(tmp_path / "first" / "3.jpg.png")) != result).any()
    capfd.readouterr()
    assert run(workdir, *again, f"--input_mask={photos}") == 2
    assert "there is no mask in it" in capfd.readouterr().err


def test_one_job_that_breaks_the_code_does_not_take_the_others_along(workdir, photos, tmp_path):
    from lomit_tf.photos.beam_jobs import done_jobs
    from lomit_tf.photos.file_plan import FileJob
    from lomit_tf.photos.translator import Translator

    def job(name: str, exemplar: str = f"{photos}/3.jpg") -> FileJob:
        return FileJob(f"{photos}/{name}", f"{tmp_path}/{name}", exemplar)

    wrong: list[Any] = [None, 5, "", Path("star.png")]
    unlike = dataclasses.replace(job("18.png"), settings=None)  # what nobody thought of, outside of every guard
    jobs = [job("0.png"), *(job("6.png", exemplar) for exemplar in wrong), unlike, job("12.png")]
    done = done_jobs(Translator(workdir, log_notes=False), jobs)
    assert [one.status for one in done] == ["written", *["failed"] * 5, "written"]
    for exemplar, failed in zip(wrong, done[1:], strict=False):
        assert failed.message.startswith("TypeError: the exemplar of a FileJob must be the path of a picture, '-'")
        assert failed.message.endswith(f"received {exemplar!r}")
    assert done[5].message == "AttributeError: 'NoneType' object has no attribute 'save_masks'"
    assert "Traceback" in done[5].traceback


def test_beams_own_flags_come_after_a_lone_dash(workdir, photos, tmp_path, capfd):
    flags = (f"--input={photos}/*.png", f"--exemplar={photos}/3.jpg", f"--output={tmp_path / 'out'}")
    assert run(workdir, *flags, "--", "--direct_num_workers=2") == 2
    assert "need --runner=beam" in capfd.readouterr().err
    beam = ("--runner=beam", "--", "--runner=FnApiRunner", "--direct_num_workers=2")
    assert run(workdir, *flags, *beam, "--direct_running_mode=multi_threading") == 1
    assert "written" in capfd.readouterr().out
    assert {p.name for p in (tmp_path / "out").glob("*.png")} == {"0.png", "6.png", "12.png", "18.png"}


def test_what_cannot_be_meant_is_told_in_one_line(workdir, photos, tmp_path, capfd):
    exemplar = f"--exemplar={photos}/3.jpg"
    cases = {
        (f"--input={photos}/none", exemplar, f"--output={tmp_path}"): (2, "no such folder"),
        (f"--input={photos}/*.gif", exemplar, f"--output={tmp_path}"): (1, "there is no picture"),
        (f"--input={photos}/*.png", exemplar, f"--output={photos}"): (2, "is the input folder"),
        (f"--input={photos}", exemplar, f"--output={photos}"): (2, "is the input folder"),
        (f"--input={photos}/*.png", exemplar, "--output=-"): (2, "reads and writes files"),
        (f"--input={photos}/*.png", f"--exemplar={photos}/a/text.jpg", f"--output={tmp_path}"): (1, "text.jpg"),
        (f"--input={photos}/*.png", exemplar, f"--output={tmp_path}", "--groups=hare"): (2, "hare"),
    }
    for flags, (code, words) in cases.items():
        assert run(workdir, *flags, "--runner=beam") == code, flags
        said = [line for line in capfd.readouterr().err.splitlines() if line.startswith("lomit-translate:")]
        assert len(said) == 1 and words in said[0], said


def test_without_beam_the_flag_says_what_to_install(monkeypatch, photos, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "apache_beam", None)
    monkeypatch.delitem(sys.modules, "lomit_tf.photos.beam_jobs", raising=False)
    flags = (f"--input={photos}", f"--exemplar={photos}/3.jpg", f"--output={tmp_path}", "--runner=beam")
    assert run(tmp_path, *flags) == 2
    assert "pip install 'lomit_tf[beam]'" in capsys.readouterr().err


def test_a_dead_letter_names_files_whose_names_are_no_text():
    from lomit_tf.photos.beam_jobs import dead_letter
    from lomit_tf.photos.file_plan import FileJob

    for raw in ("käse.png".encode(), b"caf\xe9.png"):
        line = dead_letter(FileJob(os.fsdecode(raw), "out.png", "star.png").failed("broken"))
        assert os.fsencode(json.loads(line.encode().decode())["input"]) == raw
        assert "\n" not in line
    assert "käse" in dead_letter(FileJob("käse.png", "out.png", "star.png").failed("broken"))
