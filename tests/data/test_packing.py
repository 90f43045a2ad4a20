"""Packing a data set: what comes out is what the flagfile would have read, but for WebP; stops, limits, bad files."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lomit_tf import pack as command
from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data import packing
from lomit_tf.data.sources import open_set

pytestmark = pytest.mark.quick
LABELS = ("Black_Hair", "Smiling")


@pytest.fixture
def celeba(tmp_path, rng) -> Path:
    """Twelve small photographs of smooth colours in CelebA's layout."""
    root = tmp_path / "celeba"
    (root / "img_align_celeba").mkdir(parents=True)
    names = [f"{i + 1:06d}.jpg" for i in range(12)]
    for name in names:
        colours = rng.integers(0, 256, (3, 3, 3)).astype(np.uint8)
        picture = Image.fromarray(colours).resize((178, 218), Image.Resampling.BILINEAR)
        picture.save(root / "img_align_celeba" / name, quality=95)
    rows = [f"{name} {1 - 2 * (i % 2)} {1 - 2 * (i % 3 == 0)}" for i, name in enumerate(names)]
    (root / "list_attr_celeba.txt").write_text("\n".join(["12", " ".join(LABELS), *rows]) + "\n")
    splits = [0] * 8 + [1, 1, 2, 2]
    lines = [f"{name} {split}" for name, split in zip(names, splits, strict=True)]
    (root / "list_eval_partition.txt").write_text("\n".join(lines) + "\n")
    return root


def config_of(root: Path, **fields) -> DataConfig:
    return DataConfig(
        **({"dataset": "celeb_a", "data_dir": str(root), "image_size": 128, "attributes": LABELS} | fields)
    )


def seen(config: DataConfig, split: str) -> dict[str, tuple[np.ndarray, list[float]]]:
    """Stem -> the image as the model sees it, and its labels."""
    from lomit_tf.data import host

    images = open_set(config, split)
    return {
        Path(key).stem: (
            host.square(images.read(i)[None], config.crop, config.image_size)[0].astype(int), images.labels[i].tolist()
        )
        for i, key in enumerate(images.keys)
    }  # fmt: skip


def test_the_command_packs_and_unpacks_what_the_flagfile_reads(celeba, tmp_path, capsys):
    out, folder = tmp_path / "small" / "celeba.zip", tmp_path / "there"
    assert command.run([f"--data_dir={celeba}", f"--out={out}"]) == 0
    assert "12 of 12 images" in capsys.readouterr().out and not list(out.parent.glob("*.parts"))
    assert command.run([f"--unpack={out}", f"--out={folder}"]) == 0
    for split in ("train", "validation", "test"):
        ours, theirs = (seen(config_of(root), split) for root in (folder, celeba))
        assert ours.keys() == theirs.keys()
        for stem, (pixels, labels) in ours.items():
            assert labels == theirs[stem][1] and pixels.shape == (128, 128, 3)
            assert np.abs(pixels - theirs[stem][0]).mean() < 4  # WebP at quality 90
    one = next((folder / "img_align_celeba").iterdir())
    one.write_bytes(one.read_bytes()[:10])  # killed while it was written, by something that does not rename
    assert command.run([f"--unpack={out}", f"--out={folder}"]) == 0
    with Image.open(one) as picture:
        assert picture.size == (128, 128)


def test_packing_goes_on_where_it_was_stopped(celeba, tmp_path, monkeypatch):
    monkeypatch.setattr(packing, "PART_IMAGES", 5)
    config, out, whole = config_of(celeba), tmp_path / "a.zip", tmp_path / "b.zip"

    def stop(done: int, total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        packing.pack(config, out, say=stop)
    assert not out.exists() and len(list(tmp_path.glob("a.zip.parts/*.zip"))) == 2
    with pytest.raises(ConfigError, match="other settings"):
        packing.pack(dataclasses.replace(config, image_size=64), out)
    done = {picture.key for picture in packing.pictures_of(config)[:10]}
    for key in done:
        Path(key).write_bytes(b"no longer read")
    assert packing.pack(config, out).corrupt == ()
    assert packing.pack(config, whole).images == 2 and len(packing.pack(config, whole).corrupt) == 10
    with zipfile.ZipFile(out) as archive:
        assert sum(name.endswith(".webp") for name in archive.namelist()) == 12


def test_the_file_keeps_to_its_size_with_a_sample_of_all_splits(celeba, tmp_path):
    config, out = config_of(celeba), tmp_path / "a.zip"
    everything = packing.pack(config, out).size
    some = packing.pack(config, out, max_bytes=everything * 3 // 4)
    assert 1 <= some.images < 12 and out.stat().st_size == some.size <= everything * 3 // 4
    packing.unpack(out, tmp_path / "there")
    listed = (tmp_path / "there" / "list_attr_celeba.csv").read_text().splitlines()[1:]
    assert len(listed) == some.images == len(list((tmp_path / "there" / "img_align_celeba").iterdir()))
    with pytest.raises(ConfigError, match="does not hold one image"):
        packing.pack(config, out, max_bytes=10)


def test_folders_with_labels_and_of_two_domains(celeba, tmp_path):
    rows = [f"{i + 1:06d}.jpg,{'train' if i < 8 else 'test' if i < 10 else 'val'},{i % 2}" for i in range(12)]
    (celeba / "img_align_celeba" / "labels.csv").write_text("\n".join(["file,split,Round", *rows]) + "\n")
    labelled = config_of(celeba / "img_align_celeba", dataset="labelled_folder", attributes=("Round",))
    packing.pack(labelled, tmp_path / "l.zip")
    packing.unpack(tmp_path / "l.zip", tmp_path / "l")
    for split, count in (("train", 8), ("validation", 2), ("test", 2)):
        images = open_set(dataclasses.replace(labelled, data_dir=str(tmp_path / "l")), split)
        assert len(images) == count and images.read(0).shape == (128, 128, 3)
        assert images.labels.sum() == count / 2
    for n, name in enumerate(("trainA", "trainB", "testA", "testB")):
        (celeba / name).mkdir()
        for i in range(2):
            (celeba / "img_align_celeba" / f"{2 * n + i + 1:06d}.jpg").rename(celeba / name / f"{i}.jpg")
    domains = config_of(celeba, dataset="two_domains", attributes=())
    packing.pack(domains, tmp_path / "d.zip")
    packing.unpack(tmp_path / "d.zip", tmp_path / "d")
    images = open_set(dataclasses.replace(domains, data_dir=str(tmp_path / "d")), "train")
    assert images.labels[:, 0].tolist() == [0, 0, 1, 1] and images.read(3).shape == (128, 128, 3)


def test_bad_input_is_one_line(celeba, tmp_path, capsys):
    bad = {name: tmp_path / name for name in ("no.zip", "text.zip", "other.zip", "leads_out.zip")}
    bad["text.zip"].write_text("no archive")
    with zipfile.ZipFile(bad["other.zip"], "w") as archive:
        archive.writestr("a", "b")
    with zipfile.ZipFile(bad["leads_out.zip"], "w") as archive:
        archive.writestr(packing.RECORD, "{}")
        archive.writestr("../outside", "b")
    for name, words in (
        ("no.zip", "no such file"), ("text.zip", "cannot be unpacked"), ("other.zip", "not a file of lomit-pack"),
        ("leads_out.zip", "leads out of --out"),
    ):  # fmt: skip
        assert command.run([f"--unpack={bad[name]}", f"--out={tmp_path / 'x' / 'y'}"]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and name in err and words in err
    assert not (tmp_path / "x" / "outside").exists()
    assert command.run([f"--data_dir={tmp_path / 'gone'}", f"--out={tmp_path / 'a.zip'}"]) == 2
    assert "--data_dir" in capsys.readouterr().err
    (celeba / "img_align_celeba" / "000003.jpg").write_bytes(b"no picture")
    assert command.run([f"--data_dir={celeba}", f"--out={tmp_path / 'a.zip'}"]) == 1
    out, err = capsys.readouterr()
    assert "11 of 12 images" in out and "000003.jpg" in err
