"""Folders on disk as labelled sets: what is read, what is refused, and what the messages say."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data import drawn_faces
from lomit_tf.data.folders import hashed_part
from lomit_tf.data.sources import DataError, open_set

NAMES = [f"{i:06d}.jpg" for i in range(1, 7)]
VALUES = np.array([[1, -1, 1], [-1, 1, -1], [1, 1, 1], [-1, -1, -1], [1, -1, -1], [-1, 1, 1]])
PARTITION = [0, 0, 0, 1, 2, 0]


def paint(path, value):
    """An image whose first pixel tells which it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"quality": 100} if path.suffix == ".jpg" else {}
    Image.new("RGB", (20, 24), (value, 255 - value, 7)).save(path, **options)


def celeba(root, attributes="list_attr_celeba.txt", partition="list_eval_partition.txt", images="img_align_celeba",
           count=True, heading="", tail=" "):  # fmt: skip
    for i, name in enumerate(NAMES):
        paint(root / images / name, 40 * i)
    rows = [f"{name} " + " ".join(f"{v:2d}" for v in values) + tail for name, values in zip(NAMES, VALUES, strict=True)]
    head = [str(len(NAMES))] if count else []
    text = "\n".join([*head, f"{heading}Smiling Black_Hair Young{tail}", *rows]) + "\n"
    for name, content in (
        (attributes, text),
        (partition, "".join(f"{n} {p}\n" for n, p in zip(NAMES, PARTITION, strict=True))),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return DataConfig(dataset="celeb_a", data_dir=str(root), attributes=("Black_Hair", "Smiling"), image_size=64)


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"attributes": "Anno/list_attr_celeba.txt", "partition": "Eval/list_eval_partition.txt"},
        {"images": "Img/img_align_celeba", "count": False},
        {"images": "img_align_celeba/img_align_celeba", "heading": "image_id ", "tail": ""},
    ],
)
def test_celeba_folder(tmp_path, layout):
    config = celeba(tmp_path, **layout)
    train = open_set(config, "train")
    assert (len(train), train.label_names, train.domains) == (4, ("Black_Hair", "Smiling"), None)
    np.testing.assert_array_equal(train.labels, (VALUES[[0, 1, 2, 5]][:, [1, 0]] > 0).astype(np.float32))
    assert train.labels.dtype == np.float32
    assert [key[-10:] for key in train.keys] == [NAMES[i] for i in (0, 1, 2, 5)]
    for row, number in enumerate((0, 1, 2, 5)):
        picture = train.read(row)
        assert picture.shape == (24, 20, 3) and abs(int(picture[0, 0, 0]) - 40 * number) < 6
    assert [len(open_set(config, split)) for split in ("validation", "test")] == [1, 1]


def test_train_images_is_a_fixed_subset_that_grows(tmp_path):
    celeba(tmp_path)
    fields = {"dataset": "celeb_a", "data_dir": str(tmp_path), "attributes": ("Young",)}
    keys = [list(open_set(DataConfig(**fields, train_images=n), "train").keys) for n in (2, 2, 3, 99)]
    assert keys[0] == keys[1] and set(keys[0]) < set(keys[2]) < set(keys[3])
    assert [len(k) for k in keys] == [2, 2, 3, 4]


def test_celeba_unknown_attribute(tmp_path):
    celeba(tmp_path)
    config = DataConfig(dataset="celeb_a", data_dir=str(tmp_path), attributes=("Blac_Hair",))
    with pytest.raises(ConfigError, match=r"'Blac_Hair' is not a label of CelebA .*did you mean Black_Hair\?"):
        open_set(config, "train")


@pytest.mark.parametrize("gone", ["list_attr_celeba.txt", "list_eval_partition.txt", "img_align_celeba"])
def test_celeba_missing_part(tmp_path, gone):
    config = celeba(tmp_path)
    (tmp_path / gone).rename(tmp_path / "elsewhere")
    with pytest.raises(DataError) as caught:
        open_set(config, "train")
    assert f"lacks {gone}" in str(caught.value) and str(tmp_path / gone) in str(caught.value)
    assert "mmlab.ie.cuhk.edu.hk" in str(caught.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("list_attr_celeba.txt", "000003.jpg  1", "000003.jpg  5", "line 5, column Smiling: expected 1 .*received '5'"),
        ("list_attr_celeba.txt", "000003.jpg  1", "000003.jpg", "line 5: 2 values for 3 attributes"),
        ("list_attr_celeba.txt", "000003.jpg", "000033.jpg", r"no row for 000003.jpg \(and 0 others\)"),
        ("list_attr_celeba.txt", "Smiling Black_Hair Young", "", "line 3: expected the attribute names"),
        ("list_eval_partition.txt", "000003.jpg 0", "000003.jpg 7", "line 3: expected a file name and 0, 1 or 2"),
        ("list_eval_partition.txt", "0\n", "1\n", "no train images; it lists 0 train, 5 validation, 1 test"),
    ],
)
def test_celeba_malformed(tmp_path, file, old, new, message):
    config = celeba(tmp_path)
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))
    with pytest.raises(DataError, match=message):
        open_set(config, "train")


def test_celeba_empty_attribute_file(tmp_path):
    config = celeba(tmp_path)
    (tmp_path / "list_attr_celeba.txt").write_text("6\nSmiling Black_Hair\n")
    with pytest.raises(DataError, match="no rows below the attribute names"):
        open_set(config, "train")


def table(root, text, name="labels.csv", images="", files=("a.png", "b.png", "sub/c.png")):
    for i, file in enumerate(files):
        paint(root / images / file, 40 * i)
    (root / name).write_text(text)
    return DataConfig(dataset="labelled_folder", data_dir=str(root), attributes=("smile", "hat"), image_size=64)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "image,hat,smile,split\na.png,1,0,train\nb.png,0,1,train\nsub/c.png,1,1,0\n"),
        (
            "labels.csv",
            "\ufefffile,hat,smile,partition\r\na.png,1,-1,0\r\nb.png,-1,1,0\r\nsub/c.png,1,1,Training\r\n\r\n",
        ),
        (
            "labels.tsv",
            "smile\tpath\that\tsplit\nno\ta.png\tYES\ttrain\ntrue\tb.png\tFalse\t0\n yes\tsub/c.png\ttrue\ttrain\n",
        ),
        ("labels.csv", "name;hat;smile;split\na.png;3.5;0.0;train\nb.png;999;0.2;train\nsub/c.png;1e-3;5;train\n"),
    ],
)
@pytest.mark.parametrize("images", ["", "images"])
def test_labelled_folder(tmp_path, name, text, images):
    found = open_set(table(tmp_path, text, name, images), "train")
    assert found.labels.tolist() == [[0, 1], [1, 0], [1, 1]]
    assert [found.read(i)[0, 0, 0] for i in range(3)] == [0, 40, 80]
    assert found.keys[2] == str(tmp_path / images / "sub/c.png")


def test_labelled_folder_splits(tmp_path):
    text = "image,hat,smile,split\na.png,1,0,train\nd.png,0,1,train\nb.png,0,1,val\nsub/c.png,1,1,test\n"
    config = table(tmp_path, text)
    assert [open_set(config, s).keys[0][-5:] for s in ("train", "validation", "test")] == ["a.png", "b.png", "c.png"]


def test_labelled_folder_splits_by_a_stable_hash(tmp_path):
    names = [f"{i}.png" for i in range(400)]
    config = table(
        tmp_path,
        "image,hat,smile\n" + "".join(f"{n},{i % 2},{i // 2 % 2}\n" for i, n in enumerate(names)),
        files=names[:100],
    )
    counts = [len(open_set(config, split)) for split in ("train", "validation", "test")]
    assert sum(counts) == 400 and 340 <= counts[0] <= 380 and min(counts[1:]) >= 8
    assert [hashed_part(n) for n in ("5.png", "2.png", "22.png")] == [0, 1, 2]  # pinned: a data set never moves


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,hat,smile,split\na.png,1,maybe,0\n", r"labels.csv, row 2, column smile: expected.*received 'maybe'"),
        ("image,hat,smile,split\na.png,1,,0\n", r"row 2, column smile: .*received ''"),
        ("image,hat,smile,split\na.png,nan,1,0\n", r"row 2, column hat: .*received 'nan'"),
        ("image,hat,smile,split\n\na.png,1,1,0\nb.png,1,1,9\n", r"row 4, column split: expected train.*received '9'"),
        ("image,hat,smile\na.png,1\n", "row 2: 2 cells under 3 headings"),
        ("image,hat,smile\n,1,0\n", "row 2, column image: no file name"),
        ("image,hat,smile,hat\na.png,1,0,1\n", "heading 'hat' occurs more than once"),
        ("image,hat,smile\n", "expected a header and at least one image"),
        ("image,hat,smile,split\na.png,1,0,test\n", "none of its 1 rows is in split train, by column split"),
        ("image,hat,smile,split\nz.png,1,0,train\ny.png,0,1,train\n", "names z.png, and neither it nor the 1 next"),
    ],
)
def test_labelled_folder_malformed(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        open_set(table(tmp_path, text), "train")


def test_labelled_folder_chooses_the_table(tmp_path):
    config = table(tmp_path, "image,hat,smile,split\na.png,1,0,train\nb.png,0,0,train\n")
    (tmp_path / "other.tsv").write_text("image\that\tsmile\tsplit\nb.png\t0\t0\ttrain\na.png\t1\t0\ttrain\n")
    with pytest.raises(ConfigError, match=r"more than one table: labels.csv, other.tsv; choose with --labels_file"):
        open_set(config, "train")
    fields = {"dataset": "labelled_folder", "data_dir": str(tmp_path), "attributes": ("hat",)}
    assert open_set(DataConfig(**fields, labels_file="other.tsv"), "train").labels.tolist() == [[0], [1]]
    whole_path = str(tmp_path / "labels.csv")
    assert open_set(DataConfig(**fields, labels_file=whole_path), "train").labels.tolist() == [[1], [0]]
    with pytest.raises(DataError, match=r"--labels_file=none.csv: no such file; looked for .*none.csv"):
        open_set(DataConfig(**fields, labels_file="none.csv"), "train")
    (tmp_path / "labels.csv").write_bytes(b"image,\xff\xfe\n")
    with pytest.raises(DataError, match="not a UTF-8 text file"):
        open_set(DataConfig(**fields, labels_file="labels.csv"), "train")


def test_labelled_folder_without_a_table_or_label(tmp_path):
    with pytest.raises(DataError, match=r"no \.csv or \.tsv with the labels in"):
        open_set(DataConfig(dataset="labelled_folder", data_dir=str(tmp_path), attributes=("hat",)), "train")
    table(tmp_path, "image,hat,smile\na.png,1,0\n")
    with pytest.raises(ConfigError, match=r"'smil' is not a label of .*labels.csv; did you mean smile"):
        open_set(DataConfig(dataset="labelled_folder", data_dir=str(tmp_path), attributes=("smil",)), "train")


def domains(root, counts):
    for folder, count in counts.items():
        for i in range(count):
            suffix = ("jpg", "png", "webp", "bmp", "JPEG")[i % 5]
            paint(root / folder / f"{i}.{suffix}", 100 if folder.endswith("B") else 0)
    return DataConfig(dataset="two_domains", data_dir=str(root), image_size=64)


def test_two_domains(tmp_path):
    config = domains(tmp_path, {"trainA": 5, "trainB": 3, "testA": 2, "testB": 1})
    (tmp_path / "trainA" / "notes.txt").write_text("not an image")
    train = open_set(config, "train")
    assert train.labels.tolist() == [[0]] * 5 + [[1]] * 3
    assert [d.tolist() for d in train.domains] == [[0, 1, 2, 3, 4], [5, 6, 7]]
    assert [int(train.read(i)[0, 0, 0]) // 90 for i in range(8)] == [0] * 5 + [1] * 3
    assert list(open_set(config, "validation").keys) == list(open_set(config, "test").keys)
    domains(tmp_path, {"valA": 1, "valB": 1})
    assert [key[-10:-6] for key in open_set(config, "validation").keys] == ["valA", "valB"]
    # The same layout serves the names of TFDS' sets.
    zebras = DataConfig(dataset="cycle_gan/horse2zebra", data_dir=str(tmp_path))
    assert len(open_set(zebras, "train")) == 8
    few = open_set(DataConfig(dataset="two_domains", data_dir=str(tmp_path), train_images=4), "train")
    assert [len(d) for d in few.domains] == [2, 2]


def test_two_domains_missing_and_empty(tmp_path):
    config = domains(tmp_path, {"trainA": 1})
    with pytest.raises(DataError, match=r"no folder .*trainB; .* holds trainA\. Expected trainA, trainB"):
        open_set(config, "train")
    (tmp_path / "trainB").mkdir()
    with pytest.raises(DataError, match=r"no images in .*trainB \(looked for .*\.jpg"):
        open_set(config, "train")


def test_drawn_faces():
    config = DataConfig(attributes=("Smiling", "Black_Hair"), image_size=64, train_images=50)
    train = open_set(config, "train")
    numbers = drawn_faces.split_indices("train", 50)
    expected = drawn_faces.draw(numbers[[3, 40]], seed=0, size=64)
    columns = [drawn_faces.ATTRIBUTES.index(name) for name in ("Smiling", "Black_Hair")]
    np.testing.assert_array_equal(train.labels[[3, 40]], expected.labels[:, columns].astype(np.float32))
    np.testing.assert_array_equal(train.read(40), expected.images[1])
    np.testing.assert_array_equal(train.read_many(np.array([3, 40])), expected.images)
    np.testing.assert_array_equal(train.read_masks(np.array([3, 40])), expected.masks)
    assert train.region_names == tuple(drawn_faces.REGIONS)
    assert train.keys[3] == "drawn_faces/train/3"
    default = DataConfig(attributes=("Smiling",), image_size=64)
    assert [len(open_set(default, s)) for s in ("train", "validation", "test")] == [10_000, 1_000, 1_000]
    assert (open_set(default, "test").read(0) != train.read(0)).any()


def test_drawn_faces_errors():
    with pytest.raises(ConfigError, match=r"'Smilin' is not a label of drawn_faces; did you mean Smiling\?"):
        open_set(DataConfig(attributes=("Smilin",)), "train")
    with pytest.raises(ConfigError, match="--image_size=512"):
        open_set(DataConfig(attributes=("Smiling",), image_size=512), "train")
    with pytest.raises(ConfigError, match="split 'valid' is unknown; did you mean validation"):
        open_set(DataConfig(attributes=("Smiling",)), "valid")


@pytest.mark.parametrize("dataset", ["labelled_folder", "two_domains"])
def test_data_dir_is_needed_and_must_exist(dataset, tmp_path):
    with pytest.raises(ConfigError, match=f"--dataset={dataset} needs --data_dir"):
        open_set(DataConfig(dataset=dataset, attributes=("Smiling",)), "train")
    with pytest.raises(DataError, match=r"nowhere: no such folder \(looked for /"):
        nowhere = str(tmp_path / "nowhere")
        open_set(DataConfig(dataset=dataset, attributes=("Smiling",), data_dir=nowhere), "train")


def test_labelled_only_leaves_out_images_without_any_of_the_attributes():
    names = ("Black_Hair", "Blond_Hair")
    everything = DataConfig(dataset="drawn_faces", attributes=names, image_size=64, train_images=40)
    all_images = open_set(everything, "train")
    some = open_set(dataclasses.replace(everything, labelled_only=True), "train")
    chosen = [i for i in range(40) if all_images.labels[i].any()]
    assert 0 < len(some) == len(chosen) < 40
    for new, old in enumerate(chosen):
        assert some.keys[new] == all_images.keys[old]
        np.testing.assert_array_equal(some.labels[new], all_images.labels[old])
        np.testing.assert_array_equal(some.read(new), all_images.read(old))
    indices = np.array([len(chosen) - 1, 0])
    np.testing.assert_array_equal(some.read_many(indices), all_images.read_many(np.array(chosen)[indices]))
    np.testing.assert_array_equal(some.read_masks(indices), all_images.read_masks(np.array(chosen)[indices]))


def test_default_attributes_are_the_data_sets_own():
    assert DataConfig(dataset="drawn_faces").attributes == drawn_faces.ATTRIBUTES
    assert len(DataConfig(dataset="celeb_a").attributes) == 10
    assert len(open_set(DataConfig(dataset="drawn_faces", image_size=64), "test").label_names) == 7
