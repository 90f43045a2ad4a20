"""CelebA and CelebA-HQ as people have them: Kaggle's CSV files, other folders, a level too high, no network."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data.celeb_a import layout_near
from lomit_tf.data.folders import hashed_part
from lomit_tf.data.sources import DataError, open_set

HEADER = ["Smiling", "Black_Hair", "Young"]
VALUES = np.array([[1, -1, 1], [-1, 1, -1], [1, 1, 1], [-1, -1, -1], [1, -1, -1], [-1, 1, 1]])
PARTITION = [0, 0, 0, 1, 2, 0]
TRAIN = [0, 1, 2, 5]
NAMES = [f"{i:06d}.jpg" for i in range(1, 7)]


def paint(path: Path, value: int, size: tuple[int, int] = (20, 24)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 255 - value, 7)).save(path, **({"quality": 100} if path.suffix == ".jpg" else {}))


def config(root: Path, **fields) -> DataConfig:
    given = {"dataset": "celeb_a", "data_dir": str(root), "attributes": ("Black_Hair", "Smiling"), "image_size": 64}
    return DataConfig(**(given | fields))


def kaggle(root: Path, words: tuple[str, str] = ("1", "-1")) -> Path:
    """Kaggle's archive: CSV files with headings, and the images in a doubled folder."""
    for i, name in enumerate(NAMES):
        paint(root / "img_align_celeba" / "img_align_celeba" / name, 40 * i)
    rows = [[n, *(words[0] if v > 0 else words[1] for v in row)] for n, row in zip(NAMES, VALUES, strict=True)]
    (root / "list_attr_celeba.csv").write_text("\n".join(map(",".join, [["image_id", *HEADER], *rows])) + "\n")
    pairs = [f"{n},{p}" for n, p in zip(NAMES, PARTITION, strict=True)]
    (root / "list_eval_partition.csv").write_text("\r\n".join(["image_id,partition", *pairs]) + "\r\n")
    (root / "list_bbox_celeba.csv").write_text("image_id,x_1,y_1,width,height\n")
    return root


def hq(root: Path, images: str = "CelebA-HQ-img", name: str = "{}.jpg", size: tuple[int, int] = (256, 256)) -> Path:
    """CelebAMask-HQ's archive: 0.jpg ..., a list with its own name, and the mapping to CelebA's pictures."""
    for i in range(6):
        paint(root / images / name.format(i), 40 * i, size)
    rows = [f"{i}.jpg  " + " ".join(f"{v:2d}" for v in row) for i, row in enumerate(VALUES)]
    (root / "CelebAMask-HQ-attribute-anno.txt").write_text("\n".join(["6", " ".join(HEADER), *rows]) + "\n")
    return root


def labels_of(rows: list[int]) -> np.ndarray:
    return (VALUES[rows][:, [1, 0]] > 0).astype(np.float32)


def check(root: Path, **fields) -> None:
    train = open_set(config(root, **fields), "train")
    np.testing.assert_array_equal(train.labels, labels_of(TRAIN))
    assert [round(int(train.read(i)[0, 0, 0]) / 40) for i in range(4)] == TRAIN
    assert [len(open_set(config(root, **fields), split)) for split in ("validation", "test")] == [1, 1]


@pytest.mark.parametrize("words", [("1", "-1"), ("1", "0"), ("True", "False"), ("yes", "no")])
def test_kaggle(tmp_path, words):
    check(kaggle(tmp_path, words))


def test_kaggles_lists_in_the_folders_of_the_original(tmp_path):
    kaggle(tmp_path)
    for name, folder in (("list_attr_celeba.csv", "Anno"), ("list_eval_partition.csv", "Eval")):
        (tmp_path / folder).mkdir()
        (tmp_path / name).rename(tmp_path / folder / name)
    check(tmp_path)


def test_pictures_of_another_ending(tmp_path):
    kaggle(tmp_path)
    for path in list((tmp_path / "img_align_celeba" / "img_align_celeba").iterdir()):
        Image.open(path).save(path.with_suffix(".png"))
        path.unlink()
    check(tmp_path)


@pytest.mark.parametrize(
    ("images", "name"),
    [("CelebA-HQ-img", "{}.jpg"), ("celeba_hq_256", "{:05d}.jpg"), ("data256x256", "{:05d}.png"), ("images", "{}.jpg")],
)
def test_celeba_hq_with_celebas_split(tmp_path, images, name):
    hq(tmp_path, images, name)
    originals = [f"{100 + 7 * i:06d}.jpg" for i in range(6)]
    mapping = [f"{i}\t{100 + 7 * i - 1}\t{original}" for i, original in enumerate(originals)]
    (tmp_path / "CelebA-HQ-to-CelebA-mapping.txt").write_text("\n".join(["idx\torig_idx\torig_file", *mapping]) + "\n")
    parts = [f"{n} {p}" for n, p in zip(originals, PARTITION, strict=True)]
    (tmp_path / "list_eval_partition.txt").write_text("\n".join(["000001.jpg 0", *parts, "000999.jpg 2"]) + "\n")
    check(tmp_path, crop=0)


def test_celeba_hq_with_a_split_of_its_own_names(tmp_path):
    hq(tmp_path)
    (tmp_path / "list_eval_partition.txt").write_text("".join(f"{i}.jpg {p}\n" for i, p in enumerate(PARTITION)))
    check(tmp_path, crop=0)


def test_celeba_hq_without_a_split_says_what_it_does(tmp_path, caplog):
    hq(tmp_path)
    with caplog.at_level(logging.WARNING, logger="absl"):
        train = open_set(config(tmp_path, crop=0), "train")
    assert len(train) == [hashed_part(f"{i}.jpg") for i in range(6)].count(0)
    assert "a hash of the file names puts 90 of 100" in caplog.text


def test_celeba_hq_errors(tmp_path):
    hq(tmp_path)
    with pytest.raises(ConfigError, match=r"--crop=178 .*/\d\.jpg has 256x256: give --crop=0"):
        open_set(config(tmp_path), "train")
    (tmp_path / "list_eval_partition.txt").write_text("000001.jpg 0\n")
    with pytest.raises(DataError, match=r"lists none of the images .* no CelebA-HQ-to-CelebA-mapping\.txt beside it"):
        open_set(config(tmp_path, crop=0), "train")
    (tmp_path / "CelebA-HQ-to-CelebA-mapping.txt").write_text("idx orig_idx orig_file\n0 0 000001.jpg\n")
    with pytest.raises(DataError, match=r"no picture of .* for 1\.jpg \(and 4 others\)"):
        open_set(config(tmp_path, crop=0), "train")
    (tmp_path / "list_eval_partition.txt").unlink()
    for path in (tmp_path / "CelebA-HQ-img").iterdir():
        path.rename(path.with_name(f"face_{path.name}"))
    with pytest.raises(DataError, match=r"names 0\.jpg, and .* has none of the first images; it has face_"):
        open_set(config(tmp_path, crop=0), "train")
    with pytest.raises(ConfigError, match=r"'Blck_Hair' is not a label of CelebA-HQ .* did you mean Black_Hair"):
        open_set(config(tmp_path, crop=0, attributes=("Blck_Hair",)), "train")


@pytest.mark.parametrize("make", [kaggle, hq])
@pytest.mark.parametrize("inner", ["celeba", "archive/celeba"])
def test_a_level_too_high_is_told_and_nothing_is_downloaded(tmp_path, monkeypatch, make, inner):
    (tmp_path / inner).mkdir(parents=True)
    make(tmp_path / inner)
    monkeypatch.setattr("requests.Session.send", forbidden)
    with pytest.raises(DataError, match=rf"is not CelebA's folder, which is {tmp_path / inner}: give that one"):
        open_set(config(tmp_path), "train")


@pytest.mark.parametrize("low", ["img_align_celeba", "img_align_celeba/img_align_celeba"])
def test_a_level_too_low_is_told(tmp_path, monkeypatch, low):
    kaggle(tmp_path)
    monkeypatch.setattr("requests.Session.send", forbidden)
    with pytest.raises(DataError, match=rf"is not CelebA's folder, which is {tmp_path}: give that one"):
        open_set(config(tmp_path / low), "train")


def test_unrelated_folders_hold_no_layout(tmp_path):
    (tmp_path / "photos" / "images").mkdir(parents=True)
    assert layout_near(str(tmp_path)) is None


def forbidden(*arguments, **keywords):
    raise AssertionError("asked the network")


def silent(*arguments, **keywords):
    time.sleep(60)


def test_nothing_is_downloaded_into_a_folder_that_holds_other_data(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_datasets")
    monkeypatch.setattr("requests.Session.send", forbidden)
    for name in ("photo.jpg", "letters/a.txt", ".DS_Store"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=r"but letters, photo\.jpg; nothing was downloaded into it\. Get CelebA"):
        open_set(config(tmp_path), "train")
    with pytest.raises(DataError, match=r"neither cycle_gan/horse2zebra .* but letters, photo\.jpg;.*Expected trainA"):
        open_set(DataConfig(dataset="cycle_gan/horse2zebra", data_dir=str(tmp_path)), "train")
    assert sorted(tmp_path.rglob("*")) == before


def test_what_tfds_left_is_no_other_data(tmp_path):
    tfds_sets = pytest.importorskip("lomit_tf.data.tfds_sets")
    for name in ("downloads/extracted", "celeb_a/2.1.0.incompleteAB12", "cycle_gan/horse2zebra/3.0.0", ".cache"):
        (tmp_path / name).mkdir(parents=True)
    assert tfds_sets.foreign_to_tfds(tmp_path, "celeb_a") == ""
    (tmp_path / "celeb_a" / "2.1.0.incompleteAB12").rename(tmp_path / "celeb_a" / "faces")
    assert tfds_sets.foreign_to_tfds(tmp_path, "celeb_a") == "celeb_a"
    for i in range(8):
        (tmp_path / f"{i}.jpg").touch()
    assert tfds_sets.foreign_to_tfds(tmp_path, "celeb_a") == "0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg and 4 more"


def test_a_network_that_does_not_answer_is_given_up(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_datasets")
    monkeypatch.setattr("requests.Session.send", silent)
    monkeypatch.setattr("lomit_tf.data.tfds_sets.NETWORK_SECONDS", 0.5)
    said = r"Get CelebA .* failed with TimeoutError: drive\.google\.com did not answer within 0\.5 s$"
    with pytest.raises(DataError, match=said):
        open_set(config(tmp_path), "train")
    assert not list(tmp_path.iterdir())


def test_a_download_is_announced(tmp_path, monkeypatch, caplog):
    tfds = pytest.importorskip("tensorflow_datasets")
    monkeypatch.setattr("requests.head", lambda url, timeout: None)

    def refused(self):
        raise OSError("quota")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", refused)
    with caplog.at_level(logging.WARNING, logger="absl"), pytest.raises(DataError, match="OSError: quota"):
        open_set(config(tmp_path), "train")
    assert f"celeb_a is not in {tmp_path}: downloading it there" in caplog.text
