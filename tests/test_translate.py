"""The command `lomit-translate`, and jobs of files: what is written, skipped, named and refused."""

from __future__ import annotations

import io
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from lomit_tf import batch_jobs, file_plan, translate
from lomit_tf.batch_jobs import run_jobs, translate_file, translate_files
from lomit_tf.checkpoints import Workdir
from lomit_tf.data.drawn_faces import draw
from lomit_tf.file_plan import FileJob, Settings, beside
from lomit_tf.model import Lomit
from lomit_tf.translator import Translator
from tests.test_imaging_photo import bomb

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory, tiny) -> Path:
    """A workdir with random weights, two groups."""
    folder = Workdir(tmp_path_factory.mktemp("model") / "run")
    keras.utils.set_random_seed(1)
    config = tiny(groups="hair: Black_Hair; mouth: Smiling", dataset="drawn_faces", crop=0)
    model = Lomit(config)
    model.build()
    folder.prepare(config)
    parts = {"generator": model.generator, "critic": model.critic, "average": model.ema_generator}
    checkpoint = tf.train.Checkpoint(**{name: [v.value for v in part.variables] for name, part in parts.items()})
    tf.train.CheckpointManager(checkpoint, str(folder.checkpoints), 1, checkpoint_name="step").save(1)
    return folder.path


@pytest.fixture(scope="module")
def translator(workdir) -> Translator:
    return Translator(workdir, log_notes=False)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """The current folder: photos/ with three pictures, one of them in a sub-folder, and star.png."""
    monkeypatch.chdir(tmp_path)
    faces = draw(range(4)).images
    for name, face in zip(("photos/a.png", "photos/sub dir/b ü.png", "photos/c.jpg", "star.png"), faces, strict=True):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(face).save(name)
    return tmp_path


@pytest.fixture
def lomit(workdir, capsys):
    """lomit(flags...): exit code, standard output, standard error of the command."""

    def call(*flags: str, model: Path | str = workdir) -> tuple[int, str, str]:
        code = translate.run([f"--model={model}", *flags])
        return code, *capsys.readouterr()

    return call


def pixels(path: str | Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def tree(folder: str | Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*") if p.is_file())


# One picture


def test_one_picture(lomit, translator):
    assert lomit("--input=photos/a.png", "--exemplar=star.png", "--output=out.png")[:2] == (0, "")
    expected = translator.translate("photos/a.png", exemplar=translator.encode_exemplar("star.png"))
    np.testing.assert_array_equal(pixels("out.png"), np.asarray(expected.image))
    assert (pixels("out.png") != pixels("photos/a.png")).any()
    code, _, err = lomit("--input=photos/a.png", "--exemplar=star.png", "--output=out.png", "--strength=0")
    assert code == 0 and "note: this model was not trained on photographs of faces" in err
    np.testing.assert_array_equal(pixels("out.png"), pixels("photos/a.png"))  # a single output is made anew


def test_masks_saved_edited_and_given_again(lomit):
    flags = ("--input=photos/a.png", "--exemplar=star.png", "--output=out.png", "--save_masks", "--compare")
    assert lomit(*flags)[0] == 0
    masks = [f"out.png.{what}.{group}.png" for what in ("exemplar_mask", "input_mask") for group in ("hair", "mouth")]
    assert set(tree(".")) >= {"out.png", "out.png.compare.png", *masks}
    assert pixels("out.png.compare.png").shape == (64, 3 * 64 + 2, 3)
    mask = pixels("out.png.input_mask.hair.png").copy()
    mask[:, :32] = 0
    Image.fromarray(mask).save("hair.png")
    Image.fromarray(mask * 0).save("none.png")
    flags = ("--input=photos/a.png", "--exemplar=star.png", "--output=again.png")
    edits = ("--input_mask=hair=hair.png", "--input_mask=mouth=none.png", "--exemplar_mask=hair=hair.png")
    assert lomit(*flags, *edits)[0] == 0
    np.testing.assert_array_equal(pixels("again.png")[:, :32], pixels("photos/a.png")[:, :32])
    assert (pixels("again.png")[:, 32:] != pixels("photos/a.png")[:, 32:]).any()
    code, _, err = lomit(*flags, "--input_mask=hair.png")
    assert code == 1 and "the groups hair, mouth; give {group: mask}" in err
    Image.fromarray(mask[:40]).save("other size.png")
    code, _, err = lomit(*flags, "--input_mask=hair=other size.png")
    assert code == 1 and "photos/a.png: " in err and "the mask is 64x40, the image 64x64" in err
    code, _, err = lomit(*flags, "--exemplar_mask=hair=other size.png")
    assert code == 1 and "the mask is 64x40" in err


def test_flags_reach_the_translation(lomit, translator):
    exemplar = translator.encode_exemplar("star.png", crop="center")
    flags = ("--input=photos/a.png", "--exemplar=star.png", "--output=out.png")
    settings = {"groups": ["mouth"], "strength": 0.5, "keep_background": False, "crop": "4,6,40,50"}
    given = ("--groups=mouth", "--strength=0.5", "--nokeep_background", "--crop=4,6,40,50")
    assert lomit(*flags, *given)[0] == 0
    expected = translator.translate("photos/a.png", exemplar=exemplar, **settings)
    np.testing.assert_array_equal(pixels("out.png"), np.asarray(expected.image))


def test_a_stream_in_and_out(workdir):
    command = [sys.executable, "-m", "lomit_tf.translate", f"--model={workdir}", "--exemplar=star.png", "--input=-"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--output=-", "--format=webp", "--strength=0"],
        input=Path("photos/a.png").read_bytes(), capture_output=True, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not re.search(rb"oneDNN|cuda|absl::", done.stderr)  # nothing of what TensorFlow says on every start
    image = Image.open(io.BytesIO(done.stdout))
    assert image.format == "WEBP"
    np.testing.assert_array_equal(np.asarray(image), pixels("photos/a.png"))


def test_other_formats_by_the_outputs_ending(translator):
    for ending, format in (("jpg", "JPEG"), ("webp", "WEBP"), ("tif", "TIFF"), ("bmp", "BMP")):
        assert translate_file(translator, FileJob("photos/a.png", f"o.{ending}", "star.png")).status == "written"
        assert Image.open(f"o.{ending}").format == format
    (job,) = file_plan.plan_one("photos/a.png", ["star.png"], "new/", Settings())
    assert job.output == "new/a.png"


# Flags that cannot be meant


@pytest.mark.parametrize(
    "flags, says",
    [
        (["--output=o.png", "--strenght=1"], "unknown flag --strenght=1; did you mean --strength?"),
        (["--output=photos/a.png"], "--output=photos/a.png is the input; name another file"),
        (["--output=star.png"], "--output=star.png is the exemplar"),
        (["--output=o.gif"], "o.gif: cannot write pictures ending in '.gif'; use one of"),
        (["--output=o"], "cannot write pictures ending in 'nothing'"),
        (["--output=o.png", "--input=gone.png"], "--input=gone.png: no such file or folder"),
        (["--output=o.png", "--exemplar=gone.png"], "--exemplar=gone.png: no such file"),
        (["--output=o.png", "--input_mask=gone.png"], "--input_mask=gone.png: no such file"),
        (["--output=o.png", "--strength=-1"], "--strength must be a number of at least 0; received -1"),
        (["--output=o.png", "--strength=nan"], "--strength must be a number"),
        (["--output=o.png", "--strength=much"], "invalid float value: 'much'"),
        (["--output=o.png", "--crop=middle"], "crop must be face, center, none, or x,y,w,h"),
        (["--output=o.png", "--groups=hat"], "'hat' is not a group of this model; did you mean hair?"),
        (["--output=-", "--save_masks"], "--save_masks and --compare write files beside the output"),
        (["--output=o.png", "--exemplar=photos"], "with 2 exemplars, name a folder"),
        (["--output=-", "--input=photos"], "--output=- takes one picture"),
        (["--output=photos", "--input=photos"], "--output=photos is the input folder"),
        (["--output=photos/../photos/", "--input=photos"], "is the input folder"),
        (["--output=star.png", "--input=photos"], "--output=star.png is a file"),
        (["--output=o", "--input=photos", "--input_mask=star.png"], "name a folder of masks"),
        (["--output=o.png", "--model=gone"], "gone"),
        ([], "the following arguments are required: --output"),
    ],
)  # fmt: skip
def test_flags_that_cannot_be_meant(lomit, flags, says):
    base = [f for f in ("--input=photos/a.png", "--exemplar=star.png") if not any(g.startswith(f[:8]) for g in flags)]
    before = tree(".")
    code, out, err = lomit(*base, *flags)
    assert (code, out) == (2, "")
    assert err.startswith("lomit-translate: ") and err.count("\n") == 1
    assert says in err
    assert tree(".") == before


def test_help_in_plain_words_and_without_tensorflow():
    code = """
import sys
from lomit_tf.translate import run
assert run(["--help"]) == 0
assert run(["--model=m", "--input=gone", "--exemplar=star.png", "--output=o.png"]) == 2
assert not {"tensorflow", "keras", "numpy", "cv2"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    flags = ["model", "input", "exemplar", "output", "input_mask", "exemplar_mask", "groups", "strength", "crop",
             "exemplar_crop", "keep_background", "save_masks", "compare", "format", "overwrite"]  # fmt: skip
    for flag in flags:
        assert f"--{flag}" in done.stdout
    assert "lomit-translate --model=runs/celeba --input=photos" in done.stdout


# Folders


def test_a_folder_is_mirrored_and_what_is_done_is_skipped(lomit):
    Path("photos/notes.txt").write_text("no picture")
    Path("photos/.hidden.png").write_text("left alone")
    flags = ("--input=photos", "--exemplar=star.png", "--output=photos/results")  # the results lie within
    assert lomit(*flags)[:2] == (0, "3 written, 0 skipped (done before), 0 failed\n")
    assert tree("photos/results") == ["a.png", "c.jpg", "sub dir/b ü.png"]
    times = {p: os.stat(Path("photos/results", p)).st_mtime_ns for p in tree("photos/results")}
    Path("photos/results/c.jpg").write_bytes(b"")  # an empty file is not a result
    Path("photos/results/.a.png.123.part").write_bytes(b"left by a crash")
    assert lomit(*flags)[:2] == (0, "1 written, 2 skipped (done before), 0 failed\n")
    assert os.stat("photos/results/a.png").st_mtime_ns == times["a.png"]
    assert Image.open("photos/results/c.jpg").format == "JPEG"
    assert lomit(*flags, "--overwrite")[1] == "3 written, 0 skipped (done before), 0 failed\n"
    assert lomit(*flags, "--save_masks")[1] == "3 written, 0 skipped (done before), 0 failed\n"


def test_several_exemplars_get_a_folder_each(lomit, translator):
    Image.fromarray(draw([9]).images[0]).save("other.png")
    flags = ("--input=photos", "--exemplar=star.png", "--exemplar=other.png", "--output=out", "--format=png")
    assert lomit(*flags)[:2] == (0, "6 written, 0 skipped (done before), 0 failed\n")
    names = ["a.png", "c.jpg.png", "sub dir/b ü.png"]
    assert tree("out") == [f"{e}/{n}" for e in ("other", "star") for n in names]
    for name in ("star", "other"):
        exemplar = translator.encode_exemplar(f"{name}.png")
        expected = np.asarray(translator.translate("photos/a.png", exemplar=exemplar).image)
        assert np.abs(pixels(f"out/{name}/a.png").astype(int) - expected).max() <= 1  # another batch


def test_a_folder_of_edited_masks(lomit):
    flags = ("--input=photos", "--exemplar=star.png", "--format=png")
    assert lomit(*flags, "--output=first", "--save_masks")[0] == 0
    for group in ("hair", "mouth"):
        path = f"first/c.jpg.png.input_mask.{group}.png"
        Image.fromarray(pixels(path) * 0).save(path)
    assert lomit(*flags, "--output=second", "--input_mask=first")[0] == 0
    np.testing.assert_array_equal(pixels("second/c.jpg.png"), pixels("photos/c.jpg"))
    assert (pixels("second/a.png") != pixels("photos/a.png")).any()


def test_exemplars_of_the_same_name():
    assert file_plan.exemplar_folders(["a/x.png", "b/x.jpg"]) == {"a/x.png": "x.png", "b/x.jpg": "x.jpg"}
    with pytest.raises(file_plan.PlanError, match=r"two are called x\.png"):
        file_plan.exemplar_folders(["a/x.png", "b/x.png"])


def corrupt(folder: Path) -> list[str]:
    """30 files that no one can translate, of six kinds, with names that are hard to quote."""
    folder.mkdir()
    png = Path("photos/a.png").read_bytes()
    jpeg = Path("photos/c.jpg").read_bytes()
    made = []
    for i in range(5):
        kinds = {
            f"empty {i}.png": b"",
            f"truncated {i}.png": png[: len(png) * (i + 1) // 8],
            f"truncated ü{i}.jpg": jpeg[: 20 + 10 * i],
            f"text 'quoted' {i}.jpg": b"this is no picture\n" * i + b"x",
            f"bomb {i}.png": bomb(),
        }
        for name, data in kinds.items():
            (folder / name).write_bytes(data)
        (folder / f"dangling {i}.webp").symlink_to(folder / "gone")
        made += [*kinds, f"dangling {i}.webp"]
    return made


def test_300_good_files_and_30_bad_ones(lomit):
    good = Path("many")
    good.mkdir()
    faces = draw(range(300)).images
    for i, face in enumerate(faces):
        Image.fromarray(face[:: 1 + i % 3, :: 1 + i % 2]).save(good / f"{i:03d}.png")
    bad = corrupt(good / "bad ones")
    assert len(bad) == 30
    code, out, err = lomit("--input=many", "--exemplar=star.png", "--output=out")
    assert (code, out) == (1, "300 written, 0 skipped (done before), 30 failed\n")
    assert tree("out") == [f"{i:03d}.png" for i in range(300)]
    lines = [line for line in err.splitlines() if "note: " not in line]
    assert len(lines) == 30
    for name in bad:
        assert sum(line.startswith(f"lomit-translate: many/bad ones/{name}: ") for line in lines) == 1, name
    code, out, _ = lomit("--input=many", "--exemplar=star.png", "--output=out")
    assert (code, out) == (1, "0 written, 300 skipped (done before), 30 failed\n")


def test_hard_but_usable_files_are_translated(lomit, rng):
    odd = Path("odd")
    odd.mkdir()
    noise = rng.integers(0, 256, (40, 50, 4), np.uint8)
    frames = [Image.fromarray(noise[..., :3]), Image.fromarray(noise[::-1, :, :3])]
    frames[0].save(odd / "animated.gif", save_all=True, append_images=frames[1:])
    frames[0].save(odd / "animated.webp", save_all=True, append_images=frames[1:], lossless=True)
    Image.fromarray(noise[:1, :1, :3]).save(odd / "1x1.png")
    Image.fromarray(noise[..., 0].astype(np.uint16) * 257).save(odd / "16 bit.png")
    Image.fromarray(noise[..., :3]).convert("CMYK").save(odd / "cmyk.jpg")
    Image.fromarray(noise[..., :3]).convert("P").save(odd / "palette.png")
    Image.fromarray(noise).convert("LA").save(odd / "la.png")
    Image.fromarray(noise[..., :3]).save(odd / "mislabelled.bmp", "PNG")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(noise[..., :3]).save(odd / f"exif {orientation}.jpg", exif=exif)
    code, out, err = lomit("--input=odd", "--exemplar=star.png", "--output=out", "--strength=0")
    assert (code, out) == (0, "16 written, 0 skipped (done before), 0 failed\n"), err
    assert "note: an animation; its first frame is taken (2 pictures)" in err
    assert Image.open("out/animated.gif.png").size == (50, 40)
    for orientation in range(1, 9):
        assert Image.open(f"out/exif {orientation}.jpg").size == ((50, 40) if orientation < 5 else (40, 50))
    np.testing.assert_array_equal(pixels("out/la.png")[..., 3], noise[..., 3])
    assert Image.open("out/1x1.png").size == (1, 1)
    assert Image.open("out/mislabelled.bmp").format == "BMP"


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_an_unreadable_folder_is_named(lomit, monkeypatch):
    """Root may read everything, so the refusal is made where the system call is."""
    scan = os.scandir

    def refuse(path):
        if str(path).endswith("sub dir"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    shut = Path("photos/sub dir")
    if os.geteuid() == 0:
        monkeypatch.setattr(os, "scandir", refuse)
    else:
        shut.chmod(0)
    try:
        code, out, err = lomit("--input=photos", "--exemplar=star.png", "--output=out")
    finally:
        shut.chmod(0o755)
    assert (code, out) == (1, "2 written, 0 skipped (done before), 1 failed\n")
    assert "lomit-translate: photos/sub dir: Permission denied" in err


def test_a_folder_without_pictures(lomit):
    Path("empty").mkdir()
    code, _, err = lomit("--input=empty", "--exemplar=star.png", "--output=out")
    assert code == 1 and "there is no picture in the input folder" in err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk(lomit):
    code, _, err = lomit("--input=photos/a.png", "--exemplar=star.png", "--output=/dev/full")
    assert code == 1
    assert "photos/a.png: cannot write /dev/full: No space left on device" in err


def test_a_full_disk_stops_a_folder_run(translator):
    jobs = [FileJob("photos/a.png", "/dev/full", "star.png")] * 3
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    seen = []
    tally = run_jobs(translator, jobs, seen.append, batch=1)
    assert (tally.failed, len(seen)) == (1, 1)
    assert seen[0].disk_full


@pytest.mark.slow
def test_stopped_by_a_signal_and_taken_up_again(workdir, lomit):
    many = Path("many")
    many.mkdir()
    for i, face in enumerate(draw(range(48), size=256).images):
        Image.fromarray(face).save(many / f"{i:03d}.png", compress_level=0)
    command = [sys.executable, "-m", "lomit_tf.translate", f"--model={workdir}"]
    flags = ["--input=many", "--exemplar=star.png", "--output=out"]
    running = subprocess.Popen(
        [*command, *flags], env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not (os.path.isdir("out") and tree("out")) and time.monotonic() < deadline and running.poll() is None:
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    _, err = running.communicate(timeout=120)
    assert running.returncode == 128 + signal.SIGTERM, err
    assert "interrupted; the same command goes on with what is missing" in err
    done = tree("out")
    assert 0 < len(done) < 48 and not [name for name in done if name.endswith(".part")]
    for name in done:
        Image.open(Path("out", name)).load()  # whole
    code, out, _ = lomit(*flags)
    assert (code, out) == (0, f"{48 - len(done)} written, {len(done)} skipped (done before), 0 failed\n")
    assert len(tree("out")) == 48


# Jobs, as the Beam runner uses them


def test_one_job_one_outcome(translator):
    job = FileJob("photos/a.png", "deep/er/out.png", "star.png", settings=Settings(strength=0.0))
    assert pickle.loads(pickle.dumps(job)) == job
    outcome = translate_file(translator, job)
    assert (outcome.status, outcome.files) == ("written", ("deep/er/out.png",))
    np.testing.assert_array_equal(pixels("deep/er/out.png"), pixels("photos/a.png"))
    assert translate_file(translator, job).status == "skipped"
    assert pickle.loads(pickle.dumps(outcome)) == outcome


def test_outcomes_keep_the_order_of_the_jobs_and_name_what_failed(translator):
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
    outcomes = translate_files(translator, jobs)
    assert [o.job for o in outcomes] == jobs
    assert [o.status for o in outcomes] == ["failed"] * 4 + ["written"] + ["failed"] * 2
    says = ["the file is empty", "bad.png: the file is empty", "reaches beyond", "'hat' is not a group", "",
            "the file is empty", "cannot write"]  # fmt: skip
    for outcome, word in zip(outcomes, says, strict=True):
        assert word in outcome.message and "\n" not in outcome.message
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
