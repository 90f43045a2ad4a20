"""Tables of labels: columns that never vary, probabilities, contradictions, macOS' twins, Windows' paths."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import pytest
from PIL import Image

from lomit_tf.config import DataConfig
from lomit_tf.data.preprocess import CorruptImageError
from lomit_tf.data.sources import DataError, open_set


def paint(path: Path, value: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 24), (value, 255 - value, 7)).save(path)


def labelled(root: Path, rows: list[str], header: str = "image,hat", names: tuple[str, ...] = ()) -> DataConfig:
    """A table, and the images that it names (or others)."""
    for i, name in enumerate(names or [row.partition(",")[0] for row in rows]):
        paint(root / name, i)
    (root / "labels.csv").write_text("\n".join([f"{header},split", *(f"{row},train" for row in rows)]) + "\n")
    return DataConfig(dataset="labelled_folder", data_dir=str(root), attributes=("hat",), image_size=64)


def column(root: Path, values: list[str]) -> DataConfig:
    return labelled(root, [f"{i}.png,{value}" for i, value in enumerate(values)])


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        (["1", "0", "1"], [1, 0, 1]), (["1", "-1", "1"], [1, 0, 1]), (["true", "FALSE", "True"], [1, 0, 1]),
        (["yes", "No", "YES"], [1, 0, 1]), (["1.0", "0.0", "1.0"], [1, 0, 1]), (["5", "0", "2.5"], [1, 0, 1]),
        (["1", "999", "0"], [1, 0, 0]), (["0.5", "0", "3"], [1, 0, 1]), (["0.5", "-1", "1"], [1, 0, 1]),
    ],
)  # fmt: skip
def test_understood_codings(tmp_path, values, labels):
    assert open_set(column(tmp_path, values), "train").labels[:, 0].tolist() == labels


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["1", "2", "1"], "the label 'hat' is present in 3 of 3 images, .*never varies; its values are 1 in 2, 2 in 1"),
        (["1", "2", "999"], "present in 2 of 3 images, .* 1 in 1, 2 in 1, 999 in 1"),
        (["0", "0", "-1"], "present in 0 of 3 images, .* -1 in 1, 0 in 2"),
        (["yes", "yes"], "present in 2 of 2 images, .*its values are 1 in 2"),
        (
            ["0.03", "0.97", "0.5"],
            "present in 3 of 3 images, .*probabilities .0.03 in 1, 0.5 in 1, 0.97 in 1.; write",
        ),
        (["0", "0.03", "0.97", "1"], "present in 3 of 4 images, as whatever is above 0 counts, .*look like probabil"),
        (["0", "0.4", "999"], "present in 1 of 3 images, .*probabilities"),
        ([str(i / 100) for i in range(20)], r"0 in 1, 0.01 in 1, .* \.\.\. 14 more \.\.\., 0.19 in 1"),
    ],
)
def test_labels_of_which_nothing_can_be_learned(tmp_path, values, words):
    with pytest.raises(DataError, match=rf"labels\.csv, split train: .*{words}"):
        open_set(column(tmp_path, values), "train")


def test_validation_may_be_all_alike(tmp_path):
    labelled(tmp_path, ["a.png,1", "b.png,0", "c.png,1"])
    text = (tmp_path / "labels.csv").read_text().replace("c.png,1,train", "c.png,1,test")
    (tmp_path / "labels.csv").write_text(text)
    found = DataConfig(dataset="labelled_folder", data_dir=str(tmp_path), attributes=("hat",), image_size=64)
    assert open_set(found, "test").labels.tolist() == [[1]]


def test_every_source_is_asked(tmp_path, caplog):
    drawn = DataConfig(attributes=("Black_Hair",), image_size=64, labelled_only=True)
    with pytest.raises(DataError, match=r"all of the \d+ training images have Black_Hair that --labelled_only leaves"):
        open_set(drawn, "train")
    few = dataclasses.replace(drawn, labelled_only=False, train_images=1)
    with caplog.at_level(logging.WARNING, logger="absl"):
        assert len(open_set(few, "train")) == 1
    assert "with a larger --train_images some would differ" in caplog.text


@pytest.mark.parametrize("again", ["a.png", "./a.png"])
def test_contradicting_rows(tmp_path, again):
    config = labelled(tmp_path, ["a.png,1", "b.png,0", f"{again},0"])
    with pytest.raises(DataError, match=rf"rows 2 and 4 contradict each other about {again}: train, 1 and train, 0"):
        open_set(config, "train")


def test_an_image_in_two_splits_is_a_contradiction(tmp_path):
    config = labelled(tmp_path, ["a.png,1", "b.png,0", "a.png,1"])
    text = (tmp_path / "labels.csv").read_text()
    (tmp_path / "labels.csv").write_text(text[: text.rindex("train")] + "test\n")
    for split in ("train", "test"):
        with pytest.raises(DataError, match=r"rows 2 and 4 contradict each other about a\.png"):
            open_set(config, split)


def test_a_row_that_is_there_twice_counts_once(tmp_path):
    config = labelled(tmp_path, ["a.png,1", "b.png,0", "a.png,yes"])
    assert open_set(config, "train").labels.tolist() == [[1], [0]]


def test_celeba_lists_that_contradict_themselves(tmp_path):
    for name in ("1.jpg", "2.jpg"):
        paint(tmp_path / "img_align_celeba" / name)
    attributes, partition = tmp_path / "list_attr_celeba.txt", tmp_path / "list_eval_partition.txt"
    attributes.write_text("Hat Tie\n1.jpg 1 1\n2.jpg -1 1\n1.jpg -1 1\n")
    partition.write_text("1.jpg 0\n2.jpg 0\n")
    config = DataConfig(dataset="celeb_a", data_dir=str(tmp_path), attributes=("Hat",), image_size=64)
    with pytest.raises(
        DataError, match=r"list_attr_celeba\.txt: rows 2 and 4 contradict each other about 1\.jpg: 1 and"
    ):
        open_set(config, "train")
    attributes.write_text("Hat Tie\n1.jpg 1 1\n2.jpg -1 1\n")
    with pytest.raises(DataError, match=r"split train: the label 'Tie' is present in 2 of 2 images"):
        open_set(dataclasses.replace(config, attributes=("Hat", "Tie")), "train")
    partition.write_text("1.jpg 0\n2.jpg 0\n1.jpg 2\n")
    with pytest.raises(DataError, match=r"list_eval_partition\.txt: rows 1 and 3 contradict each other about 1\.jpg"):
        open_set(config, "train")


def test_names_that_begin_with_a_dot_are_no_pictures_nor_tables(tmp_path, caplog):
    config = labelled(tmp_path, ["a.png,1", "b.png,0"])
    for name in ("._a.png", "._labels.csv", "sub/._a.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    with open(tmp_path / "labels.csv", "a") as file:
        file.write("._a.png,1,train\nsub/._a.png,0,train\n")
    with caplog.at_level(logging.WARNING, logger="absl"):
        found = open_set(config, "train")
    assert [Path(key).name for key in found.keys] == ["a.png", "b.png"]
    assert "2 rows name files that begin with a dot" in caplog.text


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".jfif", ".gif", ".bmp", ".webp", ".JPG"])
def test_two_domains_takes_every_picture_and_no_twin(tmp_path, suffix):
    for folder in ("trainA", "trainB"):
        paint(tmp_path / folder / f"1{suffix}", 90)
        (tmp_path / folder / f"._1{suffix}").write_bytes(b"\0\5\x16\7")
        (tmp_path / folder / ".DS_Store").write_bytes(b"\0")
    found = open_set(DataConfig(dataset="two_domains", data_dir=str(tmp_path), image_size=64), "train")
    assert [Path(key).name for key in found.keys] == [f"1{suffix}"] * 2
    assert abs(int(found.read(0)[0, 0, 0]) - 90) < 8


def test_two_domains_counts_what_looks_like_a_picture_and_cannot_be_read(tmp_path):
    for folder in ("trainA", "trainB"):
        paint(tmp_path / folder / "1.png")
    for name in ("2.heic", "3.dng", "4.jxl"):
        (tmp_path / "trainA" / name).write_bytes(b"no picture")
    found = open_set(DataConfig(dataset="two_domains", data_dir=str(tmp_path), image_size=64), "train")
    assert len(found) == 5
    for index in (1, 2, 3):
        with pytest.raises(CorruptImageError, match=Path(found.keys[index]).name):
            found.read(index)


@pytest.mark.parametrize("images", ["sub", "images/sub"])
def test_backslashes_of_windows(tmp_path, images):
    config = labelled(tmp_path, [r"sub\a.png,1", r".\sub\b.png,0"], names=(f"{images}/a.png", f"{images}/b.png"))
    found = open_set(config, "train")
    assert [int(found.read(i)[0, 0, 0]) for i in range(2)] == [0, 1]


@pytest.mark.parametrize(
    ("written", "there", "near"),
    [
        ("A.PNG", "a.png", "near names that are there: a.png"),
        ("a", "a.png", "near names that are there: a.png"),
        ("a.jpg", "a.png", "near names that are there: a.png"),
        ("C:\\faces\\a.png", "a.png", "near names that are there: a.png"),
        ("sub\\A.png", "sub/a.png", "near names that are there: a.png"),
        ("Sub\\A.png", "sub/a.png", "near names that are there: sub/a.png"),
        ("C:\\faces\\a.png", "sub/a.jpg", "near names that are there: sub/a.jpg"),
        ("img_0001.png", "img_001.png", "near names that are there: img_001.png"),
        ("a.png", "zzzzzzzz.png", "no name there is like it"),
    ],
)
def test_names_that_are_not_there_are_told_with_the_near_ones(tmp_path, written, there, near):
    config = labelled(tmp_path, [f"{written},1", "other.gif,0"], names=(there,))
    with pytest.raises(DataError) as caught:
        open_set(config, "train")
    message = str(caught.value)
    assert f"labels.csv names {written}, and neither it nor the 1 next ones are there; tried {tmp_path}" in message
    assert str(tmp_path / "images" / written.replace("\\", "/")) in message
    assert near in message


def test_a_single_missing_image_is_named_with_the_near_ones(tmp_path):
    config = labelled(tmp_path, ["a.png,1", "b.png,0", "C.png,0"], names=("a.png", "b.png", "c.png"))
    found = open_set(config, "train")
    with pytest.raises(CorruptImageError, match=r"C\.png: no such file; near: c\.png"):
        found.read(2)
