"""The user study: its page and key, reading answers, and the scores."""

from __future__ import annotations

import base64
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
from lomit_tf.evaluation.user_study import page, scores
from lomit_tf.evaluation.user_study.options import MakeOptions, StudyError

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


def options(folders: dict[str, Path], out: Path = Path("study.html"), **more: Any) -> MakeOptions:
    methods = tuple(f"{name}={folders[name]}" for name in METHODS)
    return MakeOptions(str(folders["input"]), str(folders["exemplar"]), methods, str(out), **more)


def make(folders: dict[str, Path], **more: Any) -> tuple[str, scores.Key, list[dict[str, Any]]]:
    """The page, its key, and the questions in the page."""
    html, key = page.make(options(folders, **more))
    found = re.search(r'<script type="application/json" id="study">(.*?)</script>', html, re.DOTALL)
    held = json.loads(found[1])
    assert held["study"] == key.study
    return html, key, held["questions"]


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,"))))


def shade(uri: str) -> int:
    return int(np.asarray(opened(uri))[0, 0, 0])


def test_each_picture_is_what_the_key_says(folders):
    _, key, questions = make(folders)
    assert sorted(q.image for q in key.questions.values()) == [f"platypus{k}" for k in range(5)]
    for q in questions:
        of = key.questions[q["id"]]
        k = int(of.image[-1])
        assert (shade(q["input"]), shade(q["exemplar"])) == (SHADES["input"] + k, SHADES["exemplar"] + k)
        assert sorted(of.methods.values()) == sorted(METHODS)
        for option in q["options"]:
            assert shade(option["image"]) == SHADES[of.methods[option["code"]]] + k
    codes = [option["code"] for q in questions for option in q["options"]]
    assert len(set(codes)) == len(codes)


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
    orders = [[list(q.methods.values()) for q in key.questions.values()] for _, key, _ in (first, other)]
    codes = [{code for q in key.questions.values() for code in q.methods} for _, key, _ in (first, other)]
    assert orders[0] != orders[1] and not codes[0] & codes[1]
    assert first[1].study != other[1].study
    for _, key, questions in (first, other):
        assert [list(key.questions[q["id"]].methods) for q in questions] == [
            [o["code"] for o in q["options"]] for q in questions
        ]
    chosen = make(folders, seed=4, questions=2)[1].questions
    assert len(chosen) == len({q.image for q in chosen.values()}) == 2


def test_every_method_stands_at_every_place_equally_often():
    orders = page.shown_orders(40, 4, np.random.default_rng(1))
    for place in range(4):
        assert np.bincount(orders[:, place]).tolist() == [10] * 4
    assert len(np.unique(orders, axis=0)) > 12
    assert [len(page.shown_orders(n, 3, np.random.default_rng(1))) for n in (1, 7)] == [1, 7]


def test_texts_cannot_leave_their_place(folders):
    bad = "</script><script>alert(1)</script>{{data}} & <b>"
    html = make(folders, questions=1, title=bad, ask=bad)[0]
    assert html.count("<script") == 2 and "<b>" not in html
    assert html.count("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;{{data}} &amp; &lt;b&gt;") == 4


def test_large_images_are_shrunk(folders):
    Image.new("RGB", (600, 300), "red").save(folders["input"] / "platypus0.png")
    _, key, questions = make(folders, max_side=40)
    (uri,) = [q["input"] for q in questions if key.questions[q["id"]].image == "platypus0"]
    assert opened(uri).size == (40, 20)


def test_mistakes_in_the_folders_are_named(folders, tmp_path):
    def refused(message: str, **more: Any) -> None:
        with pytest.raises(StudyError, match=message):
            make({**folders, **more})

    with pytest.raises(StudyError, match=r"--questions=6, but .* has 5 images"):
        make(folders, questions=6)
    broken = folders["quokkanet"] / "platypus4.png"
    whole = broken.read_bytes()
    broken.write_bytes(b"no image")
    refused("quokkanet/platypus4.png")
    broken.write_bytes(whole)
    (folders["axolotl"] / "platypus1.png").unlink()
    (folders["axolotl"] / "platypus3.png").unlink()
    refused(r"--method=axolotl lacks 2 of the 5 images of --input: platypus1, platypus3")
    (folders["exemplar"] / "platypus2.png").rename(folders["exemplar"] / "platypus7.png")
    refused(r"--exemplar lacks 1 of the 5 .*: platypus2;")
    (folders["input"] / "platypus0.jpg").write_bytes(b"x")
    refused(r"--input: .*platypus0.* have the same name")
    (tmp_path / "empty").mkdir()
    refused(r"--exemplar: no images in .*empty", input=folders["zebrafish"], exemplar=tmp_path / "empty")
    refused(r"--input: cannot read the folder .*nowhere: No such file", input=tmp_path / "nowhere")


def test_another_studys_key_is_not_overwritten(folders, tmp_path):
    out = tmp_path / "out/study.html"
    for _ in range(2):
        _, paths = page.write(options(folders, out))
    assert paths == {"page": out, "key": tmp_path / "out/study.key.json"}
    assert scores.read_key(paths["key"]) == make(folders)[1]
    with pytest.raises(StudyError, match="is the key of another study"):
        page.write(options(folders, out, seed=1))
    assert json.loads(paths["key"].read_text())["seed"] == 0


KEY = scores.Key(
    study="s1",
    seed=0,
    methods=["a", "b"],
    folders={},
    questions={f"q{k}": {"image": f"i{k}", "methods": {f"a{k}": "a", f"b{k}": "b"}} for k in (1, 2, 3)},
)
HEAD = "study,participant,question,shown,ranks"


def answers(tmp_path: Path, *lines: str, name: str = "a.csv", head: str = HEAD) -> Path:
    path = tmp_path / name
    path.write_text("\r\n".join((head, *lines)) + "\r\n", encoding="utf-8-sig", newline="")
    return path


def test_answers_are_read_whatever_the_order_shown(tmp_path):
    first = answers(tmp_path, "s1,anna,q1,b1 a1,2 1", 's1,"ben, b",q1,a1 b1,2 1', "s1,anna,q3,a3 b3,1 2")
    second = answers(tmp_path, "s1,carl,q1,b1 a1,1 2", name="b.csv")
    # Of anna, "ben, b" and carl; q2 was answered by nobody.
    assert scores.read_answers([first, second], KEY).tolist() == [
        [[1, 2], [1, 2]],
        [[2, 1], [0, 0]],
        [[2, 1], [0, 0]],
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("s2,anna,q1,a1 b1,1 2", "study 's2' is not that of the key, 's1'"),
        ("s1, ,q1,a1 b1,1 2", "participant is empty"),
        ("s1,anna,q9,a1 b1,1 2", "question 'q9' is not in the key"),
        ("s1,anna,q1,a1 b2,1 2", "shown 'a1 b2' is not the codes of q1"),
        ("s1,anna,q1,a1,1", "shown 'a1' is not the codes of q1"),
        ("s1,anna,q1,a1 b1,1 1", "ranks '1 1' must be each of 1 to 2 once"),
        ("s1,anna,q1,a1 b1,1", "ranks '1' must be"),
        ("s1,anna,q1,a1 b1,0 1", "ranks '0 1' must be"),
        ("s1,anna,q1,a1 b1,1 two", "ranks '1 two' must be"),
        ("s1,anna,q1,a1 b1", "4 fields; must be 5"),
        ("s1,eve,q2,a2 b2,1 2", "participant 'eve' answered q2 already"),
    ],
)
def test_bad_rows_are_named_by_file_and_line(tmp_path, line, message):
    path = answers(tmp_path, "s1,eve,q2,a2 b2,2 1", 's1,"two', 'lines",q2,a2 b2,1 2', line)
    with pytest.raises(StudyError, match=rf"^{re.escape(str(path))}, line 5: {message}"):
        scores.read_answers([path], KEY)


def test_bad_files_are_named(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    many = answers(tmp_path, *(f"s1,p{k},q9,a b,1 2" for k in range(25)), name="many.csv")
    for path, message in (
        (answers(tmp_path, name="h.csv", head="who,what"), r"h.csv, line 1: must be study,participant"),
        (tmp_path / "none.csv", r"--answers=.*none.csv: No such file"),
        (answers(tmp_path, name="e.csv"), r"no answers in .*e.csv"),
        (answers(tmp_path, 's1,"anna,q1', name="q.csv"), r"q.csv, line 2: "),
        (tmp_path / "x.csv", r"x.csv is not a text file in UTF-8"),
        (many, r"(?s)line 2: .*line 21: .*\.\.\. and 5 more$"),
    ):
        with pytest.raises(StudyError, match=message):
            scores.read_answers([path], KEY)
    other_methods = {"q1": {"image": "i", "methods": {"a1": "a", "b1": "c"}}}
    for text in ("[]", "{}", "no json", *(json.dumps({**KEY.model_dump(), **bad}) for bad in (
        {"methods": ["a"]}, {"questions": {}}, {"questions": other_methods},
    ))):  # fmt: skip
        (tmp_path / "k.json").write_text(text)
        with pytest.raises(StudyError, match=r"--key=.*k.json is not a key"):
            scores.read_key(tmp_path / "k.json")


def key_of(*methods: str) -> scores.Key:
    return KEY.model_copy(update={"methods": list(methods)})


def test_scores_by_hand():
    ranks = np.array([[[1, 2, 3], [2, 1, 3]], [[3, 1, 2], [0, 0, 0]]])  # [participants, questions, methods]
    found = scores.score(ranks, key_of("a", "b", "c"))
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
    found = scores.bootstrap(ranks, seed=1, resamples=60_000)
    assert found.shape == (3, 2)
    for m in range(3):
        # The distribution is discrete: its share at or below each end must be the tail's, within 5 standard errors.
        for end, tail in zip(found[m], (0.025, 0.975), strict=True):
            below, upto = (exact[:, m] < end - 1e-9).mean(), (exact[:, m] <= end + 1e-9).mean()
            assert below - 0.0035 <= tail <= upto + 0.0035
    np.testing.assert_array_equal(found, scores.bootstrap(ranks, seed=1, resamples=60_000))


def test_one_participant_ranges_over_questions_only():
    ranks = np.random.default_rng(3).permuted(np.tile([1, 2], (1, 30, 1)), axis=-1)
    random = np.random.default_rng(99)
    picked = ranks[0, random.integers(0, 30, (40_000, 30))]
    plain = np.quantile((1 / picked).mean(axis=1), [0.025, 0.975], axis=0).T
    np.testing.assert_allclose(scores.bootstrap(ranks, resamples=40_000), plain, atol=0.017)  # one answer's
    shown = scores.markdown(scores.score(ranks, key_of("a", "b")))
    assert "The interval ranges over questions (10000 resamples" in shown
    assert scores.bootstrap(ranks[:, :1]) is None
    alone = scores.score(ranks[:, :1], key_of("a", "b"))
    assert alone["methods"]["a"]["interval"] is None and "nothing" in alone["interval_over"]
    assert "| a | " in scores.markdown(alone) and "| none |" in scores.markdown(alone)
    both = scores.bootstrap(np.repeat(ranks, 4, axis=0), resamples=20_000)
    np.testing.assert_allclose(both, plain, atol=0.017)  # four people of one mind add no spread


def test_command_makes_and_scores(folders, tmp_path, capsys):
    asked = options(folders, tmp_path / "study.html")
    folders_asked = [f"{flag}={folder}" for flag, folder in asked.folders().items()]
    made = ["make", *folders_asked, f"--out={asked.out}"]
    assert command.run([*made, "--questions=3"]) == 0
    assert "3 questions, 3 methods" in capsys.readouterr().out
    key = scores.read_key(tmp_path / "study.key.json")
    rows = [
        f"{key.study},{who},{q},{' '.join(of.methods)},"
        + " ".join(str(METHODS.index(method) + 1) for method in of.methods.values())
        for who in ("anna", "ben")
        for q, of in key.questions.items()
    ]
    files = [answers(tmp_path, *rows[:3], name="a.csv"), answers(tmp_path, *rows[3:], name="b.csv")]
    scored = ["score", f"--answers={files[0]}", str(files[1]), f"--key={tmp_path / 'study.key.json'}"]
    assert command.run(scored) == 0
    shown = capsys.readouterr().out
    result = json.loads((tmp_path / "study.scores.json").read_text())
    means = {name: method["mean_reciprocal_rank"] for name, method in result["methods"].items()}
    assert means == pytest.approx({"zebrafish": 1, "quokkanet": 1 / 2, "axolotl": 1 / 3})
    assert result["methods"]["zebrafish"]["interval"] == [1, 1]
    row = "| zebrafish | 1.000 | 1.000 to 1.000 | 1.00 | 100% |"
    assert row in shown and row in (tmp_path / "study.scores.md").read_text()
    assert command.run([*scored, f"--out={tmp_path / 'study.key.json'}"]) == 2
    assert scores.read_key(tmp_path / "study.key.json") == key
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
        (["score", "--answers=a.csv", "--key=none.json"], "--key=none.json: No such file"),
        (["make", "--seed=-1"], "--seed must be at least 0; received -1"),
        (made("folder"), "must be NAME=DIR; received 'folder'"),
        (made("a=b"), "--method was given 1 times"),
        (made("a=b", "a=c"), "same name"),
        (made("a=b", "c=c", out="o.png"), "--out=o.png: name a file that ends in .html"),
        (made("a=b", "c=c"), "cannot read the folder"),
    ],
)
def test_command_refuses_in_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
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
