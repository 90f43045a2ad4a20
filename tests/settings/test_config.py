"""LomitConfig's checks, presets and groups, and the document that is generated from it."""

from __future__ import annotations

import dataclasses
import json
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
    Schedule,
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
    assert (config.model.base_channels, config.model.residual_blocks, config.model.system) == (64, 4, "paper")
    assert (config.model.edge_kernel, config.model.upsample_kernel, config.model.mlp_width) == (7, 5, 256)
    assert config.loss.cycle_weight == 10.0
    assert (config.loss.mask_similarity, config.loss.mask_sparsity) == (Schedule(0.1, 0.1), Schedule(1e-4, 1e-4))
    assert config.training.decay == (20_000, 2_000)
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
    config = LomitConfig.create(preset, style_margin=4, system="recipe")
    for name, value in PRESETS[preset].items():
        assert getattr(config.model, name) == value
    assert config.model.style_margin == 4
    assert LomitConfig.create(preset, base_channels=24).model.base_channels == 24
    assert dataclasses.replace(config, model=LomitConfig().model) == LomitConfig()  # nothing but the model


def test_flat_and_back():
    given = {"groups": "x: a; y: b", "mask_sparsity": "4:3@0.25-0.75", "seed": 7}
    config = LomitConfig.create("small", attributes=("a", "b"), **given)
    flat = config.flat()
    assert list(flat) == field_names()
    assert flat["attributes"] == ["a", "b"]
    assert flat["mask_sparsity"] == "4.0:3.0@0.25-0.75"
    assert json.loads(json.dumps(flat)) == flat
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
        ({"cycle_weight": -1.0}, ["--cycle_weight cannot be negative", "-1.0"]),
        ({"learning_rate": float("nan")}, ["--learning_rate", "finite"]),
        ({"edge_weight": float("inf")}, ["--edge_weight", "finite"]),
        ({"steps": 0}, ["--steps must be greater than 0"]),
        ({"ema_decay": 1.0}, ["--ema_decay must be below 1"]),
        ({"decay_start": 1500.0}, ["--decay_start lies between 0 and 1", "1500"]),
        ({"mask_sparsity_change": 1.5, "system": "recipe"}, ["--mask_sparsity_change lies between 0 and 1", "1.5"]),
        ({"mask_sparsity_change": 0.5}, ["--mask_sparsity_change needs --system=recipe", "--system=paper"]),
        ({"mask_cycle_weight": 0.5}, ["--mask_cycle_weight needs --system=recipe", "--system=paper"]),
        ({"mask_gate": "success"}, ["--mask_gate=success needs --system=recipe", "--system=paper"]),
        ({"mask_losses": "0:1@0-1"}, ["--mask_losses=0.0:1.0@0.0-1.0 needs --system=recipe", "--system=paper"]),
        ({"style_margin": 3}, ["--style_margin=3 needs --system=recipe", "--system=paper"]),
        ({"colour_groups": ("all",)}, ["--colour_groups=all needs --system=recipe", "--system=paper"]),
        ({"freeze_masks": True, "init_from": "x"}, ["--freeze_masks needs --system=recipe", "--system=paper"]),
        ({"mask_similarity": "many"}, ["--mask_similarity must be a number, like 3, or FROM:TO@START-END", "'many'"]),
        ({"mask_sparsity": "4:3"}, ["--mask_sparsity must be", "received '4:3'"]),
        ({"mask_sparsity": "4:3@0.9-0.5"}, ["--mask_sparsity must be", "'4:3@0.9-0.5'", "0.9 and 0.5"]),
        ({"mask_sparsity": "4:3@0.5-6500"}, ["--mask_sparsity must be", "START <= END within 0..1", "6500"]),
        ({"mask_sparsity": float("nan")}, ["--mask_sparsity must be", "'nan'"]),
        ({"mask_sparsity": -1}, ["--mask_sparsity must be", "'-1'"]),
        ({"precision": "mixed_bfloat16", "deterministic": True}, ["--deterministic needs --precision=float32"]),
        ({"precision": "auto", "deterministic": True}, ["--deterministic needs --precision=float32"]),
        ({"precision": "auto", "strategy": "multi_worker"}, ["--precision=auto measures one machine"]),
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


@pytest.mark.parametrize(
    ("text", "schedule"),
    [
        ("3", Schedule(3.0, 3.0)), (" 1e-4", Schedule(1e-4, 1e-4)), (".5", Schedule(0.5, 0.5)), (2, Schedule(2.0, 2.0)),
        ("4:3@0.7-0.85", Schedule(4.0, 3.0, 0.7, 0.85)), ("0:1e-2@1e-3-.5", Schedule(0.0, 0.01, 0.001, 0.5)),
        ("3:3@0.1-0.2", Schedule(3.0, 3.0)), ("1:0@0.5-0.5", Schedule(1.0, 0.0, 0.5, 0.5)),
    ],
)  # fmt: skip
def test_schedules_as_text(text, schedule):
    assert Schedule.of(text, "x") == schedule
    assert Schedule.of(str(schedule), "x") == schedule
    assert Schedule.of(schedule) is schedule


def test_schedules_count_in_fractions_of_the_runs_first_length():
    schedule = Schedule(0.0, 1.0, 0.0308, 0.0923)
    assert (schedule.steps(6500), schedule.steps(65)) == ((200, 600), (2, 6))
    config = LomitConfig.create(steps=6500)
    assert config.training.schedule_steps == 6500
    longer = LomitConfig.from_flat(config.flat() | {"steps": 9000})
    assert (longer.training.steps, longer.training.schedule_steps) == (9000, 6500)
    assert LomitConfig.create(steps=200, decay_start=1.0).training.decay[0] == 0
    assert LomitConfig.create(steps=3, decay_start=0.1, decay_every=0.1).training.decay == (1, 1)


OF_OTHER_WORK = {
    "colour_groups", "connected_groups", "competing_groups", "unfiltered_groups", "free_change", "displacement",
    "mask_contrast", "colour_weight", "change_weight", "roughness_weight",
    "close_up", "close_ups", "relative_styles", "mask_feather",
    "init_from", "freeze_masks",
    "augment", "method", "method_size", "domains",
}  # fmt: skip


def test_there_are_at_most_65_settings():
    """Leaf values count: a schedule is four. Not counted: painters, warm starts, augmentation and other methods."""
    leaves = {}
    for kind in SECTIONS.values():
        for field in dataclasses.fields(kind):
            is_schedule = isinstance(field.default, Schedule)
            leaves[field.name] = len(dataclasses.fields(Schedule)) if is_schedule else 1
    assert set(leaves) >= OF_OTHER_WORK
    counted = {name: count for name, count in leaves.items() if name not in OF_OTHER_WORK}
    assert sum(counted.values()) <= 65, counted


def test_losses_take_numbers():
    for path in (ROOT / "lomit_tf" / "losses").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "lomit_tf.config" not in text and "lomit_tf.settings" not in text, path


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


def test_only_groups_of_colours_compete():
    """A smile has no colour of its own by which it could compete with skin."""
    fields = {"system": "recipe", "attributes": ("a", "b"), "groups": "hair: a; smile: b", "colour_groups": ("hair",)}
    assert LomitConfig.create(**fields, competing_groups=("hair",)).competing_indices == (0,)
    with pytest.raises(ConfigError, match="--competing_groups: smile is not among --colour_groups=hair"):
        LomitConfig.create(**fields, competing_groups=("hair", "smile"))
    with pytest.raises(ConfigError, match="--competing_groups: 'hear' is not a group; did you mean hair"):
        LomitConfig.create(**fields, competing_groups=("hear",))


def test_public_names_are_found_and_others_are_not():
    import lomit_tf

    assert lomit_tf.LomitConfig is LomitConfig
    assert lomit_tf.Lomit.__name__ == "Lomit" and callable(lomit_tf.load)
    with pytest.raises(AttributeError, match="public are LomitConfig"):
        lomit_tf.Lomitt  # noqa: B018
