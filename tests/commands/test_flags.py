"""Flags -> configuration and back: types, defaults, help, what is refused, and that a run can be repeated."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from absl import flags as absl_flags

from lomit_tf.commands import flags
from lomit_tf.commands.fields import ScheduleParser
from lomit_tf.config import PRESETS, SECTIONS, ConfigError, LomitConfig, Schedule, field_names
from lomit_tf.settings import older
from tests.helpers.command_lines import config, refused

pytestmark = pytest.mark.quick


@pytest.fixture(autouse=True)
def _in_an_empty_folder(folder: Path) -> None:
    """Every test."""


def test_every_field_is_a_flag_of_its_type_without_a_value():
    values = flags.define_flags()
    assert set(values) == {*field_names(), "flagfile", "preset", "workdir", "resume", "minutes"}
    parsers = {
        int: absl_flags.IntegerParser, float: absl_flags.FloatParser, bool: absl_flags.BooleanParser,
        str: absl_flags.ArgumentParser, tuple: absl_flags.ListParser, Schedule: ScheduleParser,
    }  # fmt: skip
    for kind in SECTIONS.values():
        for field in dataclasses.fields(kind):
            flag = values[field.name]
            assert flag.default is None and flag.value is None
            if field.metadata["choices"] and isinstance(field.default, str):
                assert flag.parser.enum_values == list(field.metadata["choices"])
            else:
                assert type(flag.parser) is parsers[type(field.default)], field.name


def test_help_ends_with_the_default_and_the_presets_that_differ():
    for name in field_names():
        assert re.search(r"\(default: [^()]+\)$", flags.flag_help(name)), name
    assert flags.flag_help("steps") == "generator steps in all (default: 40000)"
    assert flags.flag_help("flip").endswith("(default: true)")
    assert flags.flag_help("data_dir").endswith("(default: empty)")
    sizes = {preset: values.get("base_channels", 64) for preset, values in PRESETS.items()}
    for preset in ("small", "medium", "mobile"):
        assert re.search(rf"default: 64;.*{preset}.*: {sizes[preset]}", flags.flag_help("base_channels"))


def test_nothing_given_is_the_default():
    assert flags.parse([]) == flags.Invocation(LomitConfig.create(), Path("runs/drawn_faces"), "auto")


def test_domains_beside_a_flagfile_take_the_place_of_its_labels(folder):
    groups = "--groups=hair: Black_Hair; smile: Smiling"
    named = "--colour_groups=hair\n--connected_groups=hair\n--competing_groups=hair\n--unfiltered_groups=smile\n"
    (folder / "labels.cfg").write_text(f"{groups}\n{named}--match=Bangs\n")
    given = ["--flagfile=labels.cfg", "--attributes=Black_Hair,Smiling", "--domains=!Smiling | Smiling"]
    data = flags.parse(given).config.data
    assert data.domains and not data.groups and not data.match
    assert "--groups" in refused(*given, groups)


@pytest.mark.parametrize("form", older.FORMS.values())
def test_what_takes_the_place_of_older_flags_can_be_given(form):
    flags.parse(["--system=recipe", form])


def test_minutes_and_steps(folder):
    (folder / "steps.cfg").write_text("--steps=300\n")
    (folder / "minutes.cfg").write_text("--minutes=3\n")
    assert flags.parse(["--flagfile=steps.cfg", "--minutes=2.5"]).minutes == 2.5
    assert flags.parse(["--flagfile=minutes.cfg"]).minutes == 3
    assert flags.parse(["--flagfile=minutes.cfg", "--steps=7"]).minutes == 0
    assert flags.parse([]).minutes == 0
    assert "--minutes fixes the number of steps; give it or --steps, not both" in refused("--minutes=2", "--steps=7")
    for value in ("0", "-1", "nan", "inf"):
        assert f"--minutes must be greater than 0; received {value}" in refused(f"--minutes={value}")


def test_every_field_can_be_given(folder):
    (folder / "base.cfg").write_text("--system=recipe\n--attributes=a,b\n--pairing=differing\n")
    texts = {
        "mask_upsamples": "1", "critic_layers": "3", "image_size": "192", "groups": "x: a; y: b",
        "labels_file": "my table.csv", "data_dir": "../data", "mask_similarity": "0.0:2.5@0.25-0.5",
        "mask_sparsity": "4.0:3.0@0.7-0.85", "mask_losses": "0.5",
        "attributes": "c,d e", "colour_groups": "y,x", "connected_groups": "y,x",
        "competing_groups": "y,x",
        "unfiltered_groups": "y,x", "init_from": "runs/before",
        "mask_contrast": "0.5",
        "close_up": "0.25,0.5,0.5", "close_ups": "x: 0.25,0.5,0.5",
        "edge_kernel": "9", "domains": "a | !b", "method": "stargan", "method_size": "small",
    }  # fmt: skip
    named = ("colour_groups", "connected_groups", "competing_groups", "unfiltered_groups")
    for kind in SECTIONS.values():
        for field in dataclasses.fields(kind):
            if field.name in ("system", "pairing"):  # given in the file, as others need them
                continue
            others = [str(choice) for choice in field.metadata["choices"] if choice != field.default]
            if isinstance(field.default, bool):
                text, expected = str(not field.default).lower(), not field.default
            else:
                text = (
                    others[-1] if others else texts.get(field.name, "0.03125" if type(field.default) is float else "7")
                )
                lists = field.name in ("attributes", "match", *named)
                kind = str if isinstance(field.default, Schedule) else type(field.default)  # as flat() has it
                expected = text.split(",") if lists else kind(text)
            # What needs others: groups to name, weights to freeze.
            also = {
                **{name: ["--groups=x: a; y: b"] for name in named},
                "competing_groups": ["--groups=x: a; y: b", "--colour_groups=x,y"],
                "displacement": ["--free_change", "--system=recipe"],
                "close_up": ["--dataset=celeb_a"],
                "close_ups": ["--groups=x: a; y: b", "--colour_groups=y", "--image_size=128"],
                "freeze_masks": ["--init_from=runs/before"],
                "method_size": ["--method=stargan"],
            }  # fmt: skip
            others = also.get(field.name, [])
            given = config("--flagfile=base.cfg", *others, f"--{field.name}={text}").flat()[field.name]
            assert (given, type(given)) == (expected, type(expected)), field.name
            assert given != (list(field.default) if isinstance(field.default, tuple) else field.default)


def test_forms_of_a_flag():
    data = config("--noflip", "-image_size", "64", "--attributes", "a, b", "--labelled_only=0").data
    assert (data.flip, data.image_size, data.attributes, data.labelled_only) == (False, 64, ("a", "b"), False)
    assert config("--mask_skips").model.mask_skips
    assert config("--learning_rate=2e-4").training.learning_rate == 2e-4
    assert config('--attributes="a, b",c').data.attributes == ("a, b", "c")
    assert config("--data_dir=/a b=c#d").data.data_dir == "/a b=c#d"


def test_workdir_and_resume(monkeypatch, folder):
    monkeypatch.setenv("HOME", str(folder))
    invocation = flags.parse(["--workdir=~/run", "--resume=must"])
    assert (invocation.workdir, invocation.resume) == (folder / "run", "must")
    assert flags.parse(["--dataset=cycle_gan/horse2zebra"]).workdir == Path("runs/horse2zebra")
    assert "--workdir is empty" in refused("--workdir=")


def test_parsing_leaves_absls_global_flags_alone():
    before = set(absl_flags.FLAGS)
    flags.parse(["--steps=3"])
    assert config().training.steps == 40_000
    assert set(absl_flags.FLAGS) == before


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--stepss=5"], ["--stepss is unknown", "did you mean --steps"]),
        (["--image-size=64"], ["--image-size is unknown", "--image_size"]),
        (["--Learning_Rate=1"], ["--learning_rate"]),
        (["--nosteps"], ["--nosteps is unknown"]),
        (["--qqqqqq"], ["--qqqqqq is unknown", "--help lists all flags"]),
        (["celeba.cfg"], ["'celeba.cfg' is not a flag"]),
        (["--"], ["'--' is not a flag"]),
        (["--steps"], ["--steps needs a value"]),
        (["--steps", "--seed=1"], ["--steps needs a value"]),
        (["--steps=many"], ["--steps must be a whole number", "'many'"]),
        (["--steps=1.5"], ["--steps must be a whole number", "'1.5'"]),
        (["--steps="], ["--steps must be a whole number"]),
        (["--steps", "-5"], ["--steps cannot be negative", "-5"]),
        (["--edge_weight=0,1"], ["--edge_weight must be a number", "'0,1'"]),
        (["--edge_weight=nan"], ["--edge_weight must be a finite number"]),
        (["--mask_sparsity=4-3"], ["--mask_sparsity must be a number, like 3, or FROM:TO@START-END", "'4-3'"]),
        (["--r1_weight=1"], ["--r1_weight is unknown; it is now a part of --mask_similarity", "convert_run"]),
        (["--noskips"], ["--noskips is unknown; it is now a part of --system"]),
        (["--beta1=0.5"], ["--beta1 is unknown; it is gone"]),
        (["--flip=maybe"], ["--flip must be true or false", "'maybe'"]),
        (["--noflip=false"], ["--noflip takes no value"]),
        (["--system=recpe"], ["--system must be one of paper, recipe", "did you mean recipe?"]),
        (["--style_pool=3"], ["--style_pool must be one of 1, 2, 4"]),
        (["--preset=tiny"], ["--preset must be one of lomit, small, medium, mobile"]),
        (["--resume=yes"], ["--resume must be one of auto, never, must"]),
        (["--attributes=a,,b"], ["--attributes has an empty name"]),
        (["--dataset=labelled_folder", "--attributes="], ["--attributes is empty"]),
        (["--data_dir=a\nb"], ["--data_dir cannot hold a line break"]),
        (["--groups='x: a'"], ["--groups", "quotation marks"]),
        (["--groups=hair: Black_Hair"], ["--groups: every attribute belongs to exactly one group"]),
        (["--steps=5", "--steps=6"], ["--steps is given twice, as '5' and as '6'"]),
        (["--flip", "--noflip"], ["--flip is given twice, as 'true' and as 'false'"]),
        (["--mask_cycle_weight=1"], ["needs --system=recipe", "--system=paper"]),
    ],
)
def test_what_is_refused(argv, words):
    message = refused(*argv)
    for word in words:
        assert word in message


def test_the_same_value_twice_is_no_contradiction():
    assert config("--steps=5", "--steps", "0x5").training.steps == 5


@pytest.mark.parametrize("preset", PRESETS)
def test_effective_flagfile_repeats_any_configuration(preset, folder):
    odd = LomitConfig.create(
        preset, attributes=("a b", 'c"d', "e,f", "#g"), learning_rate=1 / 3, mask_sparsity=1e-17, cycle_weight=3,
        mask_similarity=Schedule(1 / 3, 0, 1 / 7, 1 / 3), flip=False, mask_skips=True, data_dir="/p/ä #1/--x=y",
    )  # fmt: skip
    text = flags.effective_flagfile(odd)
    (folder / "flags.cfg").write_text(text, encoding="utf-8")
    again = config("--flagfile=flags.cfg")
    assert again == odd
    assert flags.effective_flagfile(again) == text
    assert [line.partition("=")[0][2:] for line in text.splitlines() if line.startswith("--")] == field_names()


@pytest.mark.parametrize(
    "fields", [{"data_dir": "a\nb"}, {"data_dir": " a"}, {"attributes": ("a ",)}, {"labels_file": "'a'"}]
)
def test_what_no_line_can_hold_is_refused(fields):
    with pytest.raises(ConfigError, match=f"--{next(iter(fields))}=.* cannot be written"):
        flags.effective_flagfile(LomitConfig.create(**fields))
