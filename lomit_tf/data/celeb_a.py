"""CelebA, CelebA-HQ and CelebAMask-HQ in the layouts of their own archives and of Kaggle's."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from absl import logging
from PIL import Image

from lomit_tf.config import ConfigError, DataConfig
from lomit_tf.data.celeb_a_tables import attribute_names, read_attributes, read_mapping, read_partition
from lomit_tf.data.folders import hashed_part
from lomit_tf.data.image_set import SPLITS, DataError, ImageSet, chosen_subset
from lomit_tf.data.labels import check_columns, present
from lomit_tf.data.places import is_hidden, near_names, read_image

WHERE_TO_GET = (
    "Get CelebA (non-commercial research only) from its site, mmlab.ie.cuhk.edu.hk/projects/CelebA.html: "
    "img_align_celeba.zip (unpacked), list_attr_celeba.txt and list_eval_partition.txt, in one folder, and give "
    "that folder as --data_dir"
)
MAPPING = ("CelebA-HQ-to-CelebA-mapping.txt",)
DEEP = 2  # folders below --data_dir in which a layout is looked for, to say so
FRAME, TALL = 178, 218  # CelebA's own width, and so the usual --crop; and height
ASKED = 100


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where the parts of a data set may lie, below --data_dir; the first that is there counts."""

    name: str
    images: tuple[str, ...]
    attributes: tuple[str, ...]
    partition: tuple[str, ...]

    @property
    def parts(self) -> tuple[tuple[str, ...], ...]:
        """Images, attributes and partition."""
        return self.images, self.attributes, self.partition


PARTITION = (
    "list_eval_partition.txt", "Eval/list_eval_partition.txt", "list_eval_partition.csv",
    "Eval/list_eval_partition.csv",
)  # fmt: skip
CELEBA = Layout(
    "CelebA",
    # Side by side, as in the original archive, or in a doubled folder, as Kaggle's unpacks.
    ("img_align_celeba/img_align_celeba", "img_align_celeba", "Img/img_align_celeba"),
    ("list_attr_celeba.txt", "Anno/list_attr_celeba.txt", "list_attr_celeba.csv", "Anno/list_attr_celeba.csv"),
    PARTITION,
)
CELEBA_HQ = Layout(
    "CelebA-HQ",
    (
        "CelebA-HQ-img", "CelebAMask-HQ/CelebA-HQ-img", "CelebA-HQ", "celeba_hq", "celeba_hq_256", "celeba-256",
        "celeba-512", "celeba-1024", "data1024x1024", "data512x512", "data256x256", "images",
    ),
    (
        "CelebAMask-HQ-attribute-anno.txt", "CelebAMask-HQ/CelebAMask-HQ-attribute-anno.txt",
        "CelebA-HQ-attribute-anno.txt", "list_attr_celeba_hq.txt", "list_attr_celeba-hq.txt",
    ),
    PARTITION,
)  # fmt: skip


def has_folder_layout(data_dir: str) -> bool:
    """Whether any part of a layout lies there (all of them are then expected)."""
    places = (*CELEBA.parts, CELEBA_HQ.attributes, CELEBA_HQ.images[:2])  # the other folders' names say too little
    return bool(data_dir) and any(_found(data_dir, names) for names in places)


def has_lists(data_dir: str) -> bool:
    """Whether a list of attributes or of splits lies there."""
    return any(_found(data_dir, names) for names in (CELEBA.attributes, CELEBA_HQ.attributes, PARTITION))


def all_attributes(data_dir: str) -> tuple[str, ...]:
    """The names of all labels of the list in data_dir. Raises DataError where there is no list."""
    layout = CELEBA_HQ if _is_hq(data_dir) else CELEBA
    return attribute_names(_part(data_dir, layout, layout.attributes))


def layout_near(data_dir: str) -> Path | None:
    """The folder inside of --data_dir that holds a layout, or around it, where --data_dir is the images' own folder."""
    root = Path(data_dir).expanduser().absolute()
    level = [root]
    for _ in range(DEEP):
        level = [path for folder in level for path in _folders(folder)]
        for path in level:
            if has_folder_layout(str(path)):
                return path
    around = (root.parent, root.parent.parent)
    return next((path for path in around if root.name in _image_names() and has_lists(str(path))), None)


def open_celeb_a(config: DataConfig, split: str) -> ImageSet:
    """The folder of CelebA or CelebA-HQ at `config.data_dir`.

    Raises DataError when a part is missing, malformed or contradicts itself, or a label is the same in all training
    images; ConfigError for an unknown attribute, or CelebA's crop for CelebA-HQ. Images that the lists name and the
    folder lacks are no error here: they count as corrupt when read.
    """
    layout = CELEBA_HQ if _is_hq(config.data_dir) else CELEBA
    folder = _part(config.data_dir, layout, layout.images)
    attribute_file = _part(config.data_dir, layout, layout.attributes)
    names, values = read_attributes(attribute_file, config.attributes, layout.name)
    row_of = {name: row for row, name in enumerate(names)}
    if layout is CELEBA:
        partition_file = _part(config.data_dir, layout, layout.partition)
        partition = read_partition(partition_file)
    else:
        partition, partition_file = _hq_partition(config.data_dir, names, attribute_file)
    members = [name for name, part in partition.items() if part == SPLITS.index(split)]  # type: ignore[arg-type]
    if not members:
        counts = ", ".join(f"{list(partition.values()).count(i)} {name}" for i, name in enumerate(SPLITS))
        raise DataError(f"{partition_file}: no {split} images; it lists {counts}")
    unlabelled = [name for name in members if name not in row_of]
    if unlabelled:
        raise DataError(
            f"{attribute_file}: no row for {unlabelled[0]} (and {len(unlabelled) - 1} others), which "
            f"{partition_file} lists"
        )
    of_members = values[[row_of[name] for name in members]]
    check_columns(of_members, config.attributes, f"{attribute_file}, split {split}", vary=split == "train")

    chosen = chosen_subset(len(members), config.train_images if split == "train" else 0)
    paths = _files(folder, [members[i] for i in chosen], attribute_file)
    if layout is CELEBA_HQ:
        _check_crop(config, paths)
    return ImageSet(
        "celeb_a", split, present(of_members)[chosen], config.attributes, paths,
        lambda index: read_image(paths[index]),
    )  # fmt: skip


def _is_hq(data_dir: str) -> bool:
    """Whether it is CelebA-HQ: by its attribute file, or by its folder beside no list of CelebA's."""
    if _found(data_dir, CELEBA.attributes):
        return False
    return bool(_found(data_dir, CELEBA_HQ.attributes) or _found(data_dir, CELEBA_HQ.images[:2]))


def _hq_partition(data_dir: str, names: list[str], attribute_file: Path) -> tuple[dict[str, int], Path]:
    """Name of each image -> 0, 1 or 2, and the file that says so.

    As the partition file says of these names; or of CelebA's pictures that they were made from, by the mapping that
    CelebAMask-HQ brings; or, without such a file, by a hash of the names.
    """
    listed = _found(data_dir, PARTITION)
    if listed is None:
        logging.warning(
            "%s: CelebA-HQ has no split of its own, and there is no %s in %s; a hash of the file names puts 90 of 100 "
            "images in train, 5 in validation and 5 in test", attribute_file, PARTITION[0], data_dir,
        )  # fmt: skip
        return {name: hashed_part(name) for name in names}, attribute_file
    partition = read_partition(listed)
    if any(name in partition for name in names):
        return partition, listed
    mapping_file = _found(data_dir, (*MAPPING, *(f"CelebAMask-HQ/{name}" for name in MAPPING)))
    if mapping_file is None:
        raise DataError(
            f"{listed} lists none of the images of {attribute_file}, and there is no {MAPPING[0]} beside it, which "
            "says what pictures of CelebA they were made from; add that file, or take the list away"
        )
    mapping = read_mapping(mapping_file)
    lost = [name for name in names if mapping.get(name) not in partition]
    if lost:
        raise DataError(f"{mapping_file}: no picture of {listed} for {lost[0]} (and {len(lost) - 1} others)")
    return {name: partition[mapping[name]] for name in names}, listed


def _files(folder: Path, names: list[str], table: Path) -> list[str]:
    """Paths of images; where none has the listed name, those of the same number or stem (0.jpg for 00000.png)."""
    if any((folder / name).is_file() for name in names[:ASKED]):
        return [str(folder / name) for name in names]
    there = {_key(path.name): path for path in sorted(folder.iterdir()) if not is_hidden(path.name)}
    if not any(_key(name) in there for name in names[:ASKED]):
        near = near_names(folder / names[0]) or [path.name for path in list(there.values())[:3]]
        has = ", ".join(near) or "nothing"
        raise DataError(f"{table} names {names[0]}, and {folder} has none of the first images; it has {has}")
    return [str(there.get(_key(name), folder / name)) for name in names]


def _key(name: str) -> str:
    stem = Path(name).stem.lower()
    return str(int(stem)) if stem.isdecimal() else stem


def _check_crop(config: DataConfig, paths: list[str]) -> None:
    """Refuse CelebA's crop for the larger pictures of CelebA-HQ, of which it would keep a nose."""
    if config.crop != FRAME:
        return
    for path in paths[:ASKED]:
        try:
            with Image.open(path) as image:
                width, height = image.size
        except (OSError, ValueError):
            continue  # the next one will say it
        if min(width, height) > TALL:
            raise ConfigError(
                f"--crop={config.crop} is the frame of CelebA's 178x218 pictures; {path} has {width}x{height}: "
                "give --crop=0, the largest centred square"
            )
        return


def _part(data_dir: str, layout: Layout, places: tuple[str, ...]) -> Path:
    path = _found(data_dir, places)
    if path is None:
        looked = ", ".join(str(Path(data_dir, place)) for place in places)
        raise DataError(f"{layout.name} lacks {Path(places[0]).name}; looked for {looked}. {WHERE_TO_GET}")
    return path


def _found(data_dir: str, places: tuple[str, ...]) -> Path | None:
    """The first of the places below data_dir that exists."""
    paths = (Path(data_dir).expanduser() / place for place in places)
    return next((path for path in paths if path.exists()), None)


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.is_dir() and not is_hidden(p.name))[:50]
    except OSError:
        return []


def _image_names() -> set[str]:
    return {Path(place).name for layout in (CELEBA, CELEBA_HQ) for place in layout.images[:3]}
