"""LomitConfig's checks, presets and groups, and the document that is generated from it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from lomit_tf.config import (
    DATASETS,
    PAPER_ATTRIBUTES,
    PRESETS,
    RESUMABLE,
    SECTIONS,
    ConfigError,
    LomitConfig,
    field_names,
    parse_groups,
)
from tools import config_table

pytestmark = pytest.mark.quick

ROOT = Path(__file__).resolve().parents[2]


def test_defaults_are_the_papers():
    assert LomitConfig.create() == LomitConfig()
    config = LomitConfig.create(dataset="celeb_a")
    assert config.data.attributes == PAPER_ATTRIBUTES
    assert (config.data.image_size, config.data.crop) == (128, 178)
    assert (config.model.base_channels, config.model.style_dim, config.model.residual_blocks) == (64, 8, 4)
    assert (config.model.masks, config.model.output, config.model.critic_condition) == ("coupled", "bare", "none")
    assert (config.loss.r1_weight, config.loss.r2_weight, config.loss.cycle_weight) == (0.1, 1e-4, 10.0)
    assert (config.training.steps, config.training.n_critic, config.training.batch_size) == (40_000, 5, 8)
    assert config.data.group_labels == {"all": PAPER_ATTRIBUTES}


def test_field_names_are_unique_and_documented():
    names = field_names()
    assert len(set(names)) == len(names)
    for kind in SECTIONS.values():
        for field in dataclasses.fields(kind):
            assert field.metadata["help"], field.name
            assert not field.metadata["choices"] or field.default in field.metadata["choices"], field.name
    assert set(names) >= RESUMABLE
    assert not set(names) & {"preset", "workdir", "resume", "flagfile", "help"}


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_set_network_sizes_and_fields_refine_them(preset):
    config = LomitConfig.create(preset, style_dim=4)
    for name, value in PRESETS[preset].items():
        assert getattr(config.model, name) == value
    assert config.model.style_dim == 4
    assert LomitConfig.create(preset, base_channels=24).model.base_channels == 24
    assert dataclasses.replace(config, model=LomitConfig().model) == LomitConfig()  # nothing but the model


def test_flat_and_back():
    config = LomitConfig.create("small", attributes=("a", "b"), groups="x: a; y: b", r2_weight=0.3, seed=7)
    flat = config.flat()
    assert list(flat) == field_names()
    assert flat["attributes"] == ["a", "b"]
    assert LomitConfig.from_flat(flat) == config


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"image_size": 100}, ["--image_size", "divisible by 64", "received 100", "Use 128"]),
        ({"image_size": 20}, ["Use 64"]),
        ({"image_size": 0}, ["--image_size", "greater than 0"]),
        ({"dataset": "labelled_folder"}, ["--attributes is empty"]),
        ({"attributes": ("a", "b", "a")}, ["--attributes", "names a more than once"]),
        ({"dataset": "celeba"}, ["--dataset must be one of", "celeb_a", "received 'celeba'"]),
        ({"style_pool": 3}, ["--style_pool must be one of 1, 2, 4", "received 3"]),
        ({"edge_kernel": 4}, ["--edge_kernel must be odd"]),
        ({"mask_upsamples": 3}, ["--mask_upsamples is at most 2"]),
        ({"critic_layers": 7}, ["--critic_layers is at most 6"]),
        ({"r2_weight": -1.0}, ["--r2_weight cannot be negative", "-1.0"]),
        ({"learning_rate": float("nan")}, ["--learning_rate", "finite"]),
        ({"r1_weight": float("inf")}, ["--r1_weight", "finite"]),
        ({"steps": 0}, ["--steps must be greater than 0"]),
        ({"beta2": 1.0}, ["--beta2 must be below 1"]),
        ({"area_min": 0.5, "area_max": 0.4}, ["--area_min < --area_max", "0.5 and 0.4"]),
        ({"r2_start": 2000}, ["--r2_start=2000 lies after --r2_end=1000"]),
        ({"mask_start": 5}, ["--mask_start=5 lies after --mask_end=0"]),
        ({"mask_critic_weight": 0.2}, ["--mask_critic_weight needs --masks=decoupled"]),
        ({"mask_critic_weight": 0.2, "masks": "decoupled"}, ["needs --critic_condition=heads or projection"]),
        ({"r2_change": 1.5, "masks": "decoupled"}, ["--r2_change lies between 0 and 1", "1.5"]),
        ({"r2_change": 0.5}, ["--r2_change needs --masks=decoupled", "coupled"]),
        ({"r2_change": 0.5, "r2_schedule": "area"}, ["--r2_change", "--r2_schedule=constant, warmup or anneal"]),
        ({"masks": "full", "groups": "a: x; b: y", "attributes": ("x", "y")}, ["--masks=full", "names 2"]),
        ({"precision": "mixed_bfloat16", "deterministic": True}, ["--deterministic needs --precision=float32"]),
        ({"learning_rat": 1.0}, ["'learning_rat'", "did you mean learning_rate"]),
    ],
)
def test_errors_say_what_was_received_and_what_to_do(fields, words):
    with pytest.raises(ConfigError) as error:
        LomitConfig.create(**fields)
    for word in words:
        assert word in str(error.value)


def test_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"--preset='smal' is unknown; did you mean small"):
        LomitConfig.create("smal")


def test_two_domain_sets_have_one_label_and_no_attributes():
    for dataset in DATASETS:
        data = LomitConfig.create(dataset=dataset, attributes=("a",)).data
        assert data.two_domains == (dataset == "two_domains" or dataset.startswith("cycle_gan/"))
        assert data.label_names == (("domain_B",) if data.two_domains else ("a",))
    assert LomitConfig.create(dataset="two_domains", attributes=()).data.group_labels == {"all": ("domain_B",)}


def test_groups_are_read_in_order_with_spaces_where_one_likes():
    labels = ("Black", "Blond", "Smiling", "Young")
    text = " hair :Black,Blond ;smile: Smiling; age:Young; "
    groups = parse_groups(text, labels)
    assert list(groups.items()) == [("hair", ("Black", "Blond")), ("smile", ("Smiling",)), ("age", ("Young",))]
    assert parse_groups("  ", labels) == {"all": labels}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hair Black", ["cannot read 'hair Black'", "name: Label, Label"]),
        ("hair: ; smile: Smiling", ["cannot read 'hair:'"]),
        (": Black", ["cannot read ': Black'"]),
        ("hair: Black; hair: Smiling", ["each name once"]),
        ("hair: Blak; smile: Smiling", ["'Blak' is not among the attributes", "did you mean Black?"]),
        ("hair: Black", ["exactly one group", "Smiling is in 0"]),
        ("hair: Black; smile: Smiling, Black", ["Black is in 2"]),
        ("hair: Black, Black; smile: Smiling", ["Black is in 2"]),
    ],
)
def test_groups_that_are_no_partition(text, words):
    with pytest.raises(ConfigError, match=r"^--groups") as error:
        parse_groups(text, ("Black", "Smiling"))
    for word in words:
        assert word in str(error.value)


def test_document_is_current():
    text = config_table.DOCUMENT.read_text(encoding="utf-8")
    assert config_table.updated(text) == text, "run: python tools/config_table.py"


def test_document_names_every_setting_and_every_flagfile():
    text = config_table.DOCUMENT.read_text(encoding="utf-8")
    for name in field_names():
        assert re.search(rf"^\| `--(\[no\])?{name}[=`]", text, re.MULTILINE), name
    for path in (ROOT / "configs").glob("*.cfg"):
        assert f"(../configs/{path.name})" in text, path.name


def test_document_generator_wants_its_marks():
    with pytest.raises(ValueError, match="lacks <!-- flagfiles"):
        config_table.updated("# Configuration\n")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"deterministic": True, "strategy": "mirrored"}, "--deterministic needs --strategy=one_device"),
        ({"jit": "on", "strategy": "mirrored"}, "--jit=on cannot reach"),
    ],
)
def test_what_does_not_go_with_several_devices(fields, message):
    with pytest.raises(ConfigError, match=message):
        LomitConfig.create(**fields)


def test_public_names_are_found_and_others_are_not():
    import lomit_tf

    assert lomit_tf.LomitConfig is LomitConfig
    assert lomit_tf.Lomit.__name__ == "Lomit" and callable(lomit_tf.load)
    with pytest.raises(AttributeError, match="public are LomitConfig"):
        lomit_tf.Lomitt  # noqa: B018
