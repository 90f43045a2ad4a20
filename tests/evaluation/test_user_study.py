"""The user study: its page and key, reading answers, and the scores."""

from __future__ import annotations

import base64
import dataclasses
import io
import itertools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from lomit_tf import user_study as command
from lomit_tf.config import ConfigError
from lomit_tf.data.image_set import DataError
from lomit_tf.data.opening import CorruptImageError
from lomit_tf.evaluation import user_study as study

pytestmark = pytest.mark.quick

METHODS = ("zebrafish", "quokkanet", "axolotl")
SHADES = {"input": 10, "exemplar": 60, "zebrafish": 110, "quokkanet": 160, "axolotl": 210}


@pytest.fixture
def folders(tmp_path) -> dict[str, Path]:
    """Five images in each of five folders; each says in its grey value which one it is: SHADES + number."""
    made = {}
    for name, shade in SHADES.items():
        made[name] = tmp_path / f"wombat_{name}"
        made[name].mkdir()
        for k in range(5):
            told = PngImagePlugin.PngInfo()
            told.add_text("Software", f"{name} of wombat")
            Image.new("RGB", (12, 8), (shade + k,) * 3).save(made[name] / f"platypus{k}.png", pnginfo=told)
    return made


def options(folders: dict[str, Path], out: Path = Path("study.html"), **more: Any) -> study.MakeOptions:
    methods = tuple(f"{name}={folders[name]}" for name in METHODS)
    return study.MakeOptions(str(folders["input"]), str(folders["exemplar"]), methods, str(out), **more)


def make(folders: dict[str, Path], **more: Any) -> tuple[str, study.Key, dict[str, dict[str, Any]]]:
    """The page, its key, and the pictures of each question in the page: input, exemplar, and the results in order."""
    _, texts = study.make(options(folders, **more))
    html, key = texts[Path("study.html")], study.Key(**json.loads(texts[Path("study.key.json")]))
    assert f"study-{key.study}" in html
    questions = {}
    for name, held in re.findall(r'<section class="question" id="(\w+)"(.*?)</section>', html, re.DOTALL):
        given, example, *results = re.findall(r'src="([^"]+)"', held)
        questions[name] = {"input": given, "exemplar": example, "results": results}
    assert list(questions) == list(key.images)
    return html, key, questions


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,"))))


def shade(uri: str) -> int:
    return int(np.asarray(opened(uri))[0, 0, 0])


def test_each_picture_is_what_the_key_says(folders):
    _, key, questions = make(folders)
    assert sorted(key.images.values()) == [f"platypus{k}" for k in range(5)]
    for name, q in questions.items():
        k = int(key.images[name][-1])
        assert (shade(q["input"]), shade(q["exemplar"])) == (SHADES["input"] + k, SHADES["exemplar"] + k)
        assert sorted(key.shown[name]) == sorted(METHODS)
        assert [shade(result) for result in q["results"]] == [SHADES[method] + k for method in key.shown[name]]


def test_the_page_is_blind_and_needs_no_network(folders):
    html = make(folders)[0]
    images = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", html)
    assert len(images) == 5 * 5
    held = b"".join(base64.b64decode(image) for image in images)
    for secret in (*METHODS, "wombat", "platypus"):
        assert secret not in html.lower()
        assert secret.encode() not in held.lower()
    assert not re.search(r"(src|href)\s*=\s*[\"']?(?!data:)[\w/.]", html.split("<script>")[0])
    assert not any(word in html for word in ("http://", "https://", "fetch(", "{{"))


def test_the_seed_decides_everything(folders):
    first, other = make(folders, seed=4), make(folders, seed=5)
    assert first == make(folders, seed=4)
    assert first[1].shown != other[1].shown and first[1].images != other[1].images
    assert first[1].study != other[1].study
    chosen = make(folders, seed=4, questions=2)[1].images.values()
    assert len(chosen) == len(set(chosen)) == 2


def test_every_method_stands_at_every_place_equally_often():
    orders = study.shown_orders(40, range(4), np.random.default_rng(1))
    for place in range(4):
        assert np.bincount(orders[:, place]).tolist() == [10] * 4
    assert len(np.unique(orders, axis=0)) > 12
    assert [len(study.shown_orders(n, range(3), np.random.default_rng(1))) for n in (1, 7)] == [1, 7]


def test_texts_cannot_leave_their_place(folders):
    bad = "</script><script>alert(1)</script>{{data}} & <b>"
    html = make(folders, questions=1, title=bad, ask=bad)[0]
    assert html.count("<script") == 1 and "<b>" not in html
    assert html.count("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;{{data}} &amp; &lt;b&gt;") == 3


def test_large_images_are_shrunk(folders):
    Image.new("RGB", (600, 300), "red").save(folders["input"] / "platypus0.png")
    _, key, questions = make(folders, max_side=40)
    (uri,) = [q["input"] for name, q in questions.items() if key.images[name] == "platypus0"]
    assert opened(uri).size == (40, 20)


def test_mistakes_in_the_folders_are_named(folders, tmp_path):
    def refused(message: str, kind: type[Exception] = ConfigError, **more: Any) -> None:
        with pytest.raises(kind, match=message):
            make({**folders, **more})

    with pytest.raises(ConfigError, match=r"--questions=6, but .* has 5 images"):
        make(folders, questions=6)
    broken = folders["quokkanet"] / "platypus4.png"
    whole = broken.read_bytes()
    broken.write_bytes(b"no image")
    refused("quokkanet/platypus4.png", CorruptImageError)
    broken.write_bytes(whole)
    (folders["axolotl"] / "platypus1.png").unlink()
    (folders["axolotl"] / "platypus3.png").unlink()
    refused(r"--method=axolotl lacks 2 of the 5 images of --input: platypus1, platypus3;")
    (folders["exemplar"] / "platypus2.png").rename(folders["exemplar"] / "platypus7.png")
    refused(r"--exemplar lacks 1 of the 5 .*: platypus2;")
    (folders["input"] / "platypus0.jpg").write_bytes(b"x")
    refused(r"--input: .*platypus0.* have the same name")
    (tmp_path / "empty").mkdir()
    refused(r"no images in .*empty", DataError, input=folders["zebrafish"], exemplar=tmp_path / "empty")
    refused(r"nowhere", FileNotFoundError, input=tmp_path / "nowhere")


def test_another_studys_key_is_not_overwritten(folders, tmp_path):
    key = make(folders)[1]
    out, place = tmp_path / "study.html", tmp_path / "study.key.json"
    place.write_text(json.dumps(dataclasses.asdict(key)))
    _, texts = study.make(options(folders, out))
    assert study.Key(**json.loads(texts[place])) == study.Key.read(place) == key
    with pytest.raises(ConfigError, match="is the key of another study"):
        study.make(options(folders, out, seed=1))


KEY = study.Key(
    study="s1",
    methods=["a", "b"],
    images={"q1": "i1", "q2": "i2", "q3": "i3"},
    shown={"q1": ["a", "b"], "q2": ["b", "a"], "q3": ["a", "b"]},
)
HEAD = "study,participant,question,ranks"


def answers(tmp_path: Path, *lines: str, name: str = "a.csv", head: str = HEAD) -> Path:
    path = tmp_path / name
    path.write_text("\r\n".join((head, *lines)) + "\r\n", encoding="utf-8-sig", newline="")
    return path


def test_answers_are_read_in_the_order_of_the_key(tmp_path):
    first = answers(tmp_path, "s1,anna,q1,1 2", 's1,"ben, b",q2,1 2', "s1,anna,q2,2 1")
    second = answers(tmp_path, "s1,carl,q1,2 1", name="b.csv")
    # Of anna, "ben, b" and carl; question 2 shows b first, and nobody answered question 3.
    assert study.read_answers([first, second], KEY).tolist() == [
        [[1, 2], [1, 2]],
        [[0, 0], [2, 1]],
        [[2, 1], [0, 0]],
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("s2,anna,q1,1 2", "study 's2' is not that of the key, 's1'"),
        ("s1, ,q1,1 2", "participant is empty"),
        ("s1,anna,q9,1 2", "question 'q9' is not in the key"),
        ("s1,anna,q1,1 1", "ranks '1 1' must be each of 1 to 2 once"),
        ("s1,anna,q1,1", "ranks '1' must be"),
        ("s1,anna,q1,0 1", "ranks '0 1' must be"),
        ("s1,anna,q1,1 two", "ranks '1 two' must be"),
        ("s1,anna,q1", "ranks '' must be"),
        ("s1,anna,a,q1,1 2", "question 'a' is not in the key"),
        ("s1,eve,q2,1 2", "participant 'eve' answered q2 already"),
    ],
)
def test_bad_rows_are_named_by_file_and_line(tmp_path, line, message):
    path = answers(tmp_path, "s1,eve,q2,2 1", 's1,"two', 'lines",q2,1 2', line)
    with pytest.raises(ConfigError, match=rf"^{re.escape(str(path))}, line 5: {message}"):
        study.read_answers([path], KEY)


def test_bad_files_are_named(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    two = answers(tmp_path, "s1,a,q9,1 2", "s1,a,q1,1 2", "s1,a,q1,1 2", name="two.csv")
    for path, message in (
        (answers(tmp_path, name="h.csv", head="who,what"), r"h.csv, line 1: must be study,participant"),
        (answers(tmp_path, name="e.csv"), r"no answers in .*e.csv"),
        (answers(tmp_path, 's1,"anna,q1', name="q.csv"), r"q.csv, line 2: question '' is not in the key"),
        (tmp_path / "x.csv", r"x.csv is not a CSV file in UTF-8"),
        (two, r"(?s)line 2: .*line 4: .* answered q1 already[^\n]*$"),
    ):
        with pytest.raises(ConfigError, match=message):
            study.read_answers([path], KEY)
    for bad in ({"methods": ["a"]}, {"images": {}}, {"shown": {**KEY.shown, "q1": ["a", "c"]}}, {"study": None}):
        (tmp_path / "k.json").write_text(json.dumps({**dataclasses.asdict(KEY), **bad}))
        with pytest.raises(ConfigError, match=r"k.json is not a key"):
            study.Key.read(tmp_path / "k.json")
    for text in ("[]", "{}", "no json"):
        (tmp_path / "k.json").write_text(text)
        with pytest.raises(ConfigError, match=r"k.json is not a key"):
            study.Key.read(tmp_path / "k.json")


def key_of(*methods: str) -> study.Key:
    return study.Key("s1", list(methods), {"q1": "i1"}, {"q1": list(methods)})


def test_scores_by_hand():
    ranks = np.array([[[1, 2, 3], [2, 1, 3]], [[3, 1, 2], [0, 0, 0]]])  # [participants, questions, methods]
    found = study.score(ranks, key_of("a", "b", "c"))
    assert {n: m["mean_reciprocal_rank"] for n, m in found["methods"].items()} == pytest.approx(
        {"a": (1 + 1 / 2 + 1 / 3) / 3, "b": (1 / 2 + 1 + 1) / 3, "c": (1 / 3 + 1 / 3 + 1 / 2) / 3}
    )
    assert found["chance"] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert found["methods"]["a"]["ranked_first"] == pytest.approx(1 / 3)
    assert found["methods"]["b"]["mean_rank"] == pytest.approx(4 / 3)
    assert (found["answers"], found["participants"], found["questions"]) == (3, 2, 2)
    json.dumps(found, allow_nan=False)


def test_interval_against_every_possible_resample():
    """Three participants, three questions: all 27 x 27 equally likely draws, each written out."""
    ranks = np.random.default_rng(8).permuted(np.tile(np.arange(1, 4), (3, 3, 1)), axis=-1)
    ranks[2, 1] = 0
    draws = list(itertools.product(range(3), repeat=3))
    picked = [[ranks[p, q] for p in people for q in shown if ranks[p, q].any()] for people in draws for shown in draws]
    exact = np.array([np.mean(1 / np.array(answers), axis=0) for answers in picked if answers])
    found = study.bootstrap(ranks, seed=1, resamples=60_000)
    assert found.shape == (3, 2)
    for m in range(3):
        # The distribution is discrete: its share at or below each end must be the tail's, within 5 standard errors.
        for end, tail in zip(found[m], (0.025, 0.975), strict=True):
            below, upto = (exact[:, m] < end - 1e-9).mean(), (exact[:, m] <= end + 1e-9).mean()
            assert below - 0.0035 <= tail <= upto + 0.0035
    np.testing.assert_array_equal(found, study.bootstrap(ranks, seed=1, resamples=60_000))


def test_one_participant_ranges_over_questions_only():
    ranks = np.random.default_rng(3).permuted(np.tile([1, 2], (1, 30, 1)), axis=-1)
    random = np.random.default_rng(99)
    picked = ranks[0, random.integers(0, 30, (40_000, 30))]
    plain = np.quantile((1 / picked).mean(axis=1), [0.025, 0.975], axis=0).T
    np.testing.assert_allclose(study.bootstrap(ranks, resamples=40_000), plain, atol=0.017)  # one answer's
    assert study.score(ranks, key_of("a", "b"))["interval_over"] == "questions"
    assert study.bootstrap(ranks[:, :1]) is None
    alone = study.score(ranks[:, :1], key_of("a", "b"))
    assert alone["methods"]["a"]["interval"] is None and "nothing" in alone["interval_over"]
    both = study.bootstrap(np.repeat(ranks, 4, axis=0), resamples=20_000)
    np.testing.assert_allclose(both, plain, atol=0.017)  # four people of one mind add no spread


def test_command_makes_and_scores(folders, tmp_path, capsys):
    asked = options(folders, tmp_path / "out/study.html")
    tmp_path = tmp_path / "out"
    given = [
        f"--input={asked.input}",
        f"--exemplar={asked.exemplar}",
        *(f"--method={method}" for method in asked.method),
    ]
    made = ["make", *given, f"--out={asked.out}"]
    assert command.run([*made, "--questions=3"]) == 0
    assert "3 questions, 3 methods" in capsys.readouterr().out
    key = study.Key.read(tmp_path / "study.key.json")
    rows = [
        f"{key.study},{who},{q}," + " ".join(str(METHODS.index(method) + 1) for method in shown)
        for who in ("anna", "ben")
        for q, shown in key.shown.items()
    ]
    files = [answers(tmp_path, *rows[:3], name="a.csv"), answers(tmp_path, *rows[3:], name="b.csv")]
    scored = ["score", f"--answers={files[0]}", str(files[1]), f"--key={tmp_path / 'study.key.json'}"]
    assert command.run(scored) == 0
    shown = capsys.readouterr().out
    result = json.loads((tmp_path / "study.scores.json").read_text())
    means = {name: method["mean_reciprocal_rank"] for name, method in result["methods"].items()}
    assert means == pytest.approx({"zebrafish": 1, "quokkanet": 1 / 2, "axolotl": 1 / 3})
    assert result["methods"]["zebrafish"]["interval"] == [1, 1]
    row = "| `zebrafish` | 1.000 | 1.000 to 1.000 | 1.00 | 100% |"
    assert row in shown and row in (tmp_path / "study.scores.md").read_text()
    assert "The interval ranges\nover participants and questions (10000 resamples, seed 0)" in shown
    one = answers(tmp_path, rows[0], name="one.csv")
    assert command.run(["score", str(one), f"--key={tmp_path / 'study.key.json'}"]) == 0
    assert "| `axolotl` | 0.333 | none |" in capsys.readouterr().out
    assert command.run([*scored, f"--out={tmp_path / 'study.key.json'}"]) == 2
    assert study.Key.read(tmp_path / "study.key.json") == key
    assert command.run([*made, "--questions=4"]) == 2
    assert "is the key of another study" in capsys.readouterr().err


def made(*methods: str, out: str = "o.html") -> list[str]:
    return ["make", "--input=i", "--exemplar=e", *(f"--method={method}" for method in methods), f"--out={out}"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "make|score"),
        (["--what"], "make|score"),
        (["make"], "--input is missing"),
        (["score", "--answers=a.csv"], "--key is missing"),
        (["score", "--key=k.json"], "--answers is missing"),
        (["score", "none.csv", "--key=given.json"], "none.csv: No such file"),
        (["score", "--answers=a.csv", "--key=none.json"], "none.json: No such file"),
        (["make", "--seed=-1"], "--seed must be at least 0; received -1"),
        (made("folder"), "must be NAME=DIR, 2 to 26 times, each with a name of its own; received folder"),
        (made("a=b"), "2 to 26 times, each with a name of its own; received a=b"),
        (made("a=b", "a=c"), "a name of its own; received a=b a=c"),
        (made("a=b", "=c"), "received a=b =c"),
        (made("a=b", "c=c", out="o.png"), "--out=o.png: name a file that ends in .html"),
        (made("a=b", "c=c"), "i: No such file"),
    ],
)
def test_command_refuses_in_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("given.json").write_text(json.dumps(dataclasses.asdict(KEY)))
    assert command.run(arguments) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


def test_help_has_examples_and_only_the_flags_of_its_own(capsys):
    for name, own, other in (("make", "--exemplar", "--answers"), ("score", "--answers", "--exemplar")):
        assert command.run([name, "--help"]) == 0
        shown = capsys.readouterr().out
        assert f"python -m lomit_tf.user_study {name}" in shown and f"  {own}=" in shown and f"  {other}=" not in shown
    assert command.run(["--help"]) == 0
    assert "user_study make" in capsys.readouterr().out
