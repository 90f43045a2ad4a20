"""`lomit-translate` on files that no one can translate, on hard ones, shut folders and full disks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lomit_tf.data.drawn_faces import draw
from lomit_tf.photos.batch_jobs import run_jobs
from lomit_tf.photos.file_plan import FileJob
from tests.helpers.files import bomb, pixels, tree

pytestmark = pytest.mark.usefixtures("photo_folder")


def corrupt(folder: Path) -> list[str]:
    """30 files that no one can translate, of ten kinds, with names that are hard to quote."""
    folder.mkdir()
    png, jpeg = Path("photos/a.png").read_bytes(), Path("photos/c.jpg").read_bytes()
    made = []
    for i in range(3):
        kinds = {
            f"empty {i}.png": b"",
            f"truncated {i}.png": png[: len(png) * (i + 1) // 8],
            f"truncated ü{i}.jpg": jpeg[: 20 + 10 * i],
            f"header {i}.png": png[:33],
            f"text 'quoted' {i}.jpg": b"this is no picture\n" * i + b"x",
            f"page {i}.webp": b"<!doctype html><title>404</title>",
            f"archive $HOME {i}.tif": b"PK\x03\x04" + bytes(60),
            f"postscript {i}.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n",
            f"bomb {i}.png": bomb(),
        }
        for name, data in kinds.items():
            (folder / name).write_bytes(data)
        (folder / f"dangling {i}.webp").symlink_to(folder / "gone")
        made += [*kinds, f"dangling {i}.webp"]
    return made


def hard(folder: Path, noise: np.ndarray) -> list[str]:
    """Files that are unusual and can be translated. `noise` is (40, 50, 4) uint8."""
    folder.mkdir()
    rgb = Image.fromarray(noise[..., :3])
    frames = {"save_all": True, "append_images": [Image.fromarray(noise[::-1, :, :3])]}
    rgb.save(folder / "animated.gif", **frames)
    rgb.save(folder / "animated.webp", lossless=True, **frames)
    Image.fromarray(noise[:1, :1, :3]).save(folder / "1x1.png")
    Image.fromarray(noise[..., 0].astype(np.uint16) * 257).save(folder / "16 bit.png")
    rgb.convert("CMYK").save(folder / "cmyk.jpg")
    rgb.convert("P").save(folder / "palette.png")
    Image.fromarray(noise).convert("LA").save(folder / "la.png")
    rgb.save(folder / "mislabelled.bmp", "PNG")
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        rgb.save(folder / f"exif {orientation}.jpg", exif=exif)
    return [path.name for path in folder.iterdir()]


def test_300_good_files_and_30_bad_ones(lomit, rng):
    good = Path("many")
    good.mkdir()
    odd = hard(good / "ungewöhnlich, aber gut", rng.integers(0, 256, (40, 50, 4), np.uint8))
    count = 300 - len(odd)
    for i, face in enumerate(draw(range(count)).images):
        Image.fromarray(face[:: 1 + i % 3, :: 1 + i % 2]).save(good / f"{i:03d}.png")
    bad = corrupt(good / "bad ones")
    assert len(bad) == 30
    code, out, err = lomit("--input=many", "--exemplar=star.png", "--output=out")
    assert (code, out) == (1, "300 written, 0 skipped (done before), 30 failed\n")
    results = tree("out")
    assert len(results) == 300 and results[:count] == [f"{i:03d}.png" for i in range(count)]
    lines = [line for line in err.splitlines() if "note: " not in line]
    assert len(lines) == 30
    for name in bad:
        assert sum(line.startswith(f"lomit-translate: many/bad ones/{name}: ") for line in lines) == 1, name
    # Refused before decoding, which would complain of missing data.
    assert sum("400000000 pixels, over the limit of 80,000,000" in line for line in lines) == 3
    code, out, _ = lomit("--input=many", "--exemplar=star.png", "--output=out")
    assert (code, out) == (1, "0 written, 300 skipped (done before), 30 failed\n")


def test_hard_but_usable_files_are_translated(lomit, rng):
    noise = rng.integers(0, 256, (40, 50, 4), np.uint8)
    assert len(hard(Path("odd"), noise)) == 16
    code, out, err = lomit("--input=odd", "--exemplar=star.png", "--output=out", "--strength=0")
    assert (code, out) == (0, "16 written, 0 skipped (done before), 0 failed\n"), err
    assert "note: an animation; its first frame is taken (odd/animated.gif, odd/animated.webp)" in err
    np.testing.assert_array_equal(pixels("out/animated.webp"), noise[..., :3])
    assert Image.open("out/animated.gif.png").size == (50, 40)
    for orientation in range(1, 9):
        assert Image.open(f"out/exif {orientation}.jpg").size == ((50, 40) if orientation < 5 else (40, 50))
    np.testing.assert_array_equal(pixels("out/la.png")[..., 3], noise[..., 3])
    np.testing.assert_array_equal(pixels("out/palette.png"), np.asarray(Image.open("odd/palette.png").convert("RGB")))
    np.testing.assert_array_equal(pixels("out/1x1.png"), noise[:1, :1, :3])
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
    assert code == 1 and "--input=empty: there is no picture" in err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_full_disk(lomit):
    code, _, err = lomit("--input=photos/a.png", "--exemplar=star.png", "--output=/dev/full")
    assert code == 1
    assert "photos/a.png: cannot write /dev/full: No space left on device" in err


def test_a_full_disk_stops_a_folder_run(translator):
    jobs = [FileJob("photos/a.png", "/dev/full", "star.png")] * 3
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    seen: list[FileJob] = []
    tally = run_jobs(translator, jobs, seen.append, batch=1)
    assert (tally.failed, len(seen)) == (1, 1)
    assert seen[0].disk_full


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_disk_that_fills_up_stops_the_run_and_is_told_once(lomit):
    """On a real disk of 64 KiB: what was written is whole, and the same command goes on once there is room."""
    Path("disk").mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", "disk"], capture_output=True).returncode:
        pytest.skip("a disk cannot be mounted here")
    try:
        Path("many").mkdir()
        for i, face in enumerate(draw(range(40)).images):
            Image.fromarray(face).save(f"many/{i:03d}.png")
        code, out, err = lomit("--input=many", "--exemplar=star.png", "--output=disk/out")
        written = tree("disk")
        for name in written:
            Image.open(Path("disk", name)).load()
    finally:
        subprocess.run(["umount", "disk"], check=True)
    assert code == 1 and out.startswith(f"{len(written)} written, 0 skipped") and 0 < len(written) < 40
    assert "No space left on device" in err and err.count("stopped: there is no space left") == 1
    assert not [name for name in written if name.endswith(".part")]
