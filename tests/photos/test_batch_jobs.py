"""Jobs of files, as the command and the Beam runner use them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from lomit_tf.photos import batch_jobs, file_plan
from lomit_tf.photos.batch_jobs import translate_file, translate_files
from lomit_tf.photos.file_plan import FileJob, Settings, beside
from tests.helpers.files import pixels, tree

pytestmark = pytest.mark.usefixtures("photo_folder")


def test_a_job_comes_back_done(translator):
    job = FileJob("photos/a.png", "deep/er/out.png", "star.png", settings=Settings(strength=0.0))
    assert pickle.loads(pickle.dumps(job)) == job
    done = translate_file(translator, job)
    assert (done.status, done.files) == ("written", ("deep/er/out.png",))
    np.testing.assert_array_equal(pixels("deep/er/out.png"), pixels("photos/a.png"))
    assert translate_file(translator, job).status == "skipped"
    assert pickle.loads(pickle.dumps(done)) == done


def test_jobs_keep_the_order_of_the_jobs_and_name_what_failed(translator):
    Path("bad.png").write_bytes(b"")
    jobs = [
        FileJob("bad.png", "o/1.png", "star.png"),
        FileJob("photos/a.png", "o/2.png", "bad.png"),
        FileJob("photos/a.png", "o/3.png", "star.png", settings=Settings(crop="0,0,99,99")),
        FileJob("photos/a.png", "o/4.png", "star.png", input_mask=(("hat", "star.png"),)),
        FileJob("photos/a.png", "o/5.png", "star.png"),
        FileJob("bad.png", "o/6.png", "photos/a.png"),
        FileJob("photos/a.png", "star.png/7.png", "star.png"),
    ]
    done = translate_files(translator, jobs)
    assert [(o.input, o.output) for o in done] == [(o.input, o.output) for o in jobs]
    assert [o.status for o in done] == ["failed"] * 4 + ["written"] + ["failed"] * 2
    says = ["the file is empty", "bad.png: the file is empty", "reaches beyond", "'hat' is not a group", "",
            "the file is empty", "cannot write"]  # fmt: skip
    for job, word in zip(done, says, strict=True):
        assert word in job.message and "\n" not in job.message
    assert tree("o") == ["5.png"]


def test_batches_are_bounded_by_number_and_bytes(monkeypatch):
    jobs = [FileJob("photos/a.png", f"o/{i}.png", "star.png") for i in range(10)]
    assert [len(c) for c in batch_jobs.chunks(jobs, 4)] == [4, 4, 2]
    monkeypatch.setattr(batch_jobs, "BATCH_BYTES", 1)
    assert [len(c) for c in batch_jobs.chunks(iter(jobs), 4)] == [1] * 10


def test_names_beside_the_output():
    assert beside("d/out.png", "input_mask", "hair") == "d/out.png.input_mask.hair.png"
    assert beside("d/out.png", "compare") == "d/out.png.compare.png"
    assert beside("out.png", "input_mask", "../x/y") == "out.png.input_mask..._x_y.png"
    assert file_plan.output_name("a.gif") == "a.gif.png"
    assert file_plan.output_name("a.JPG") == "a.JPG"
    assert file_plan.output_name("a.jpg", "PNG") == "a.jpg.png"
