"""The user study: its page and key, reading answers, and the scores."""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from lomit_tf import user_study as command
from lomit_tf.evaluation.user_study import page as user_study
from lomit_tf.evaluation.user_study import scores as user_study_scores
from lomit_tf.evaluation.user_study.scores import StudyError

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


def make(folders: dict[str, Path], **more: Any) -> user_study.Study:
    methods = {name: folders[name] for name in METHODS}
    return user_study.make(folders["input"], folders["exemplar"], methods, **more)


def held(study: user_study.Study) -> dict[str, Any]:
    """The data in the page."""
    found = re.search(r'<script type="application/json" id="study">(.*?)</script>', study.html, re.DOTALL)
    return json.loads(found[1])


def shade(uri: str) -> int:
    data = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return int(np.asarray(Image.open(io.BytesIO(data)))[0, 0, 0])


def test_each_picture_is_what_the_key_says(folders):
    study = make(folders)
    questions = held(study)["questions"]
    assert sorted(q["image"] for q in study.key["questions"].values()) == [f"platypus{k}" for k in range(5)]
    for q in questions:
        key = study.key["questions"][q["id"]]
        k = int(key["image"][-1])
        assert (shade(q["input"]), shade(q["exemplar"])) == (SHADES["input"] + k, SHADES["exemplar"] + k)
        assert sorted(key["methods"].values()) == sorted(METHODS)
        for option in q["options"]:
            assert shade(option["image"]) == SHADES[key["methods"][option["code"]]] + k
    codes = [option["code"] for q in questions for option in q["options"]]
    assert len(set(codes)) == len(codes)


def test_the_page_is_blind_and_needs_no_network(folders):
    page = make(folders).html
    images = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", page)
    assert len(images) == 5 * 5
    opened = b"".join(base64.b64decode(image) for image in images)
    for secret in (*METHODS, "wombat", "platypus"):
        assert secret not in page.lower()
        assert secret.encode() not in opened.lower()
    assert not re.search(r"(src|href)\s*=\s*[\"']?(?!data:)[\w/.]", page.split("<script>")[0])
    assert "http://" not in page and "https://" not in page
    assert "fetch(" not in page and "{{" not in page


def test_the_seed_decides_everything(folders):
    first, again, other = make(folders, seed=4), make(folders, seed=4), make(folders, seed=5)
    assert first == again
    orders = [
        [
            [study.key["questions"][q["id"]]["methods"][o["code"]] for o in q["options"]]
            for q in held(study)["questions"]
        ]
        for study in (first, other)
    ]
    assert orders[0] != orders[1]
    assert first.key["study"] != other.key["study"]
    codes = [{o["code"] for q in held(s)["questions"] for o in q["options"]} for s in (first, other)]
    assert not codes[0] & codes[1]
    chosen = make(folders, seed=4, questions=2).key["questions"]
    assert len(chosen) == len({q["image"] for q in chosen.values()}) == 2


def test_every_method_stands_at_every_place_equally_often():
    orders = user_study.shown_orders(40, 4, np.random.default_rng(1))
    places = Counter((place, method) for order in orders for place, method in enumerate(order))
    assert set(places.values()) == {10} and len(places) == 16
    assert len({tuple(order) for order in orders}) > 12
    assert [len(user_study.shown_orders(n, 3, np.random.default_rng(1))) for n in (0, 1, 7)] == [0, 1, 7]


def test_texts_cannot_leave_their_place(folders):
    bad = "</script><script>alert(1)</script>{{data}} & <b>"
    page = make(folders, questions=1, title=bad, ask=bad).html
    assert page.count("<script") == 2 and "<b>" not in page
    assert page.count("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;{{data}} &amp; &lt;b&gt;") == 4


def test_large_images_are_shrunk(folders):
    Image.new("RGB", (600, 300), "red").save(folders["input"] / "platypus0.png")
    study = make(folders, max_side=40)
    (place,) = [name for name, q in study.key["questions"].items() if q["image"] == "platypus0"]
    (uri,) = [q["input"] for q in held(study)["questions"] if q["id"] == place]
    assert Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).size == (40, 20)


def test_mistakes_in_the_folders_are_named(folders, tmp_path):
    (folders["axolotl"] / "platypus1.png").unlink()
    (folders["axolotl"] / "platypus3.png").unlink()
    with pytest.raises(StudyError, match=r"--method=axolotl lacks 2 of the 5 images of --input: platypus1, platypus3"):
        make(folders)
    (folders["exemplar"] / "platypus2.png").rename(folders["exemplar"] / "platypus7.png")
    with pytest.raises(StudyError, match=r"--exemplar lacks 1 of the 5 .*: platypus2;"):
        make(folders)
    (folders["input"] / "platypus0.jpg").write_bytes(b"x")
    with pytest.raises(StudyError, match=r"--input: .*platypus0.* have the same name"):
        make(folders)
    (tmp_path / "empty").mkdir()
    with pytest.raises(StudyError, match=r"--exemplar: no images in .*empty"):
        make({**folders, "input": folders["zebrafish"], "exemplar": tmp_path / "empty"})
    with pytest.raises(StudyError, match=r"--input: cannot read the folder .*nowhere: No such file"):
        make({**folders, "input": tmp_path / "nowhere"})
    with pytest.raises(StudyError, match="--method was given 1 times"):
        user_study.make(folders["input"], folders["input"], {"a": folders["input"]})


def test_a_broken_image_and_too_many_questions(folders):
    with pytest.raises(StudyError, match=r"--questions=6, but .* has 5 images"):
        make(folders, questions=6)
    (folders["quokkanet"] / "platypus4.png").write_bytes(b"no image")
    with pytest.raises(StudyError, match=r"quokkanet/platypus4.png"):
        make(folders)


def test_another_studys_key_is_not_overwritten(folders, tmp_path):
    out = tmp_path / "out/study.html"
    paths = user_study.write(make(folders), out)
    assert paths == {"page": out, "key": tmp_path / "out/study.key.json"}
    assert user_study_scores.read_key(paths["key"]) == make(folders).key
    user_study.write(make(folders), out)
    with pytest.raises(StudyError, match="is the key of another study"):
        user_study.write(make(folders, seed=1), out)
    assert json.loads(paths["key"].read_text())["seed"] == 0


KEY: dict[str, Any] = {
    "study": "s1",
    "methods": ["a", "b"],
    "questions": {f"q{k}": {"image": f"i{k}", "methods": {f"a{k}": "a", f"b{k}": "b"}} for k in (1, 2, 3)},
}
HEAD = "study,participant,question,shown,ranks"


def answers(tmp_path: Path, *lines: str, name: str = "a.csv", head: str = HEAD) -> Path:
    path = tmp_path / name
    path.write_text("\r\n".join((head, *lines)) + "\r\n", encoding="utf-8-sig", newline="")
    return path


def test_answers_are_read_whatever_the_order_shown(tmp_path):
    first = answers(tmp_path, "s1,anna,q1,b1 a1,2 1", 's1,"ben, b",q1,a1 b1,2 1', "s1,anna,q3,a3 b3,1 2")
    second = answers(tmp_path, "s1,carl,q1,b1 a1,1 2", name="b.csv")
    found = user_study_scores.read_answers([first, second], KEY)
    assert (found.participants, found.questions, found.methods) == (
        ["anna", "ben, b", "carl"],
        ["q1", "q3"],
        ["a", "b"],
    )
    assert found.ranks.tolist() == [[[1, 2], [1, 2]], [[2, 1], [0, 0]], [[2, 1], [0, 0]]]


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
        user_study_scores.read_answers([path], KEY)


def test_bad_files_are_named(tmp_path):
    read = user_study_scores.read_answers
    with pytest.raises(StudyError, match=r"a.csv, line 1: must be study,participant"):
        read([answers(tmp_path, head="who,what")], KEY)
    with pytest.raises(StudyError, match=r"--answers=.*none.csv: No such file"):
        read([tmp_path / "none.csv"], KEY)
    with pytest.raises(StudyError, match=r"no answers in .*a.csv"):
        read([answers(tmp_path)], KEY)
    with pytest.raises(StudyError, match=r"a.csv, line 2: "):
        read([answers(tmp_path, 's1,"anna,q1')], KEY)
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StudyError, match=r"x.csv is not a text file in UTF-8"):
        read([tmp_path / "x.csv"], KEY)
    many = answers(tmp_path, *(f"s1,p{k},q9,a b,1 2" for k in range(25)))
    with pytest.raises(StudyError, match=r"(?s)line 2: .*line 21: .*\.\.\. and 5 more$"):
        read([many], KEY)
    for text in ("[]", "{}", "no json", json.dumps({**KEY, "methods": ["a"]})):
        (tmp_path / "k.json").write_text(text)
        with pytest.raises(StudyError, match=r"--key=.*k.json is not a key"):
            user_study_scores.read_key(tmp_path / "k.json")


RANKS = np.array([[[1, 2, 3], [2, 1, 3]], [[3, 1, 2], [0, 0, 0]]])  # [participants, questions, methods]


def test_scores_by_hand():
    found = user_study_scores.score(user_study_scores.Answers(["x", "y"], ["q1", "q2"], ["a", "b", "c"], RANKS), "s")
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
    means: list[list[float]] = []
    for people in draws:
        for pictures in draws:
            picked = [ranks[p, q] for p in people for q in pictures if ranks[p, q].any()]
            if picked:
                means.append([sum(1 / r[m] for r in picked) / len(picked) for m in range(3)])
    exact = np.array(means)
    found = user_study_scores.bootstrap(ranks, seed=1, resamples=60_000)
    assert found.shape == (3, 2)
    for m in range(3):
        # The distribution is discrete: its share at or below each end must be the tail's, within 5 standard errors.
        for end, tail in zip(found[m], (0.025, 0.975), strict=True):
            below, upto = (exact[:, m] < end - 1e-9).mean(), (exact[:, m] <= end + 1e-9).mean()
            assert below - 0.0035 <= tail <= upto + 0.0035
    np.testing.assert_array_equal(found, user_study_scores.bootstrap(ranks, seed=1, resamples=60_000))


def test_one_participant_ranges_over_questions_only():
    ranks = np.random.default_rng(3).permuted(np.tile([1, 2], (1, 30, 1)), axis=-1)
    random = np.random.default_rng(99)
    picked = ranks[0, random.integers(0, 30, (40_000, 30))]
    plain = np.quantile((1 / picked).mean(axis=1), [0.025, 0.975], axis=0).T
    np.testing.assert_allclose(user_study_scores.bootstrap(ranks, resamples=40_000), plain, atol=0.017)  # one answer's
    found = user_study_scores.score(
        user_study_scores.Answers(["x"], [f"q{k}" for k in range(30)], ["a", "b"], ranks), "s"
    )
    assert "The interval ranges over questions (10000 resamples" in user_study_scores.markdown(found)
    assert user_study_scores.bootstrap(ranks[:, :1]) is None
    alone = user_study_scores.score(user_study_scores.Answers(["x"], ["q1"], ["a", "b"], ranks[:, :1]), "s")
    assert alone["methods"]["a"]["interval"] is None and "nothing" in alone["interval_over"]
    assert "| a | " in user_study_scores.markdown(alone) and "| none |" in user_study_scores.markdown(alone)
    both = user_study_scores.bootstrap(np.repeat(ranks, 4, axis=0), resamples=20_000)
    np.testing.assert_allclose(both, plain, atol=0.017)  # four people of one mind add no spread


def test_command_makes_and_scores(folders, tmp_path, capsys):
    out = tmp_path / "study.html"
    methods = [f"--method={name}={folders[name]}" for name in METHODS]
    made = ["make", f"--input={folders['input']}", f"--exemplar={folders['exemplar']}", *methods, f"--out={out}"]
    assert command.run([*made, "--questions=3"]) == 0
    assert "3 questions, 3 methods" in capsys.readouterr().out
    key = user_study_scores.read_key(tmp_path / "study.key.json")
    rows = [
        f"{key['study']},{who},{q},{' '.join(of['methods'])},"
        + " ".join(str(METHODS.index(method) + 1) for method in of["methods"].values())
        for who in ("anna", "ben")
        for q, of in key["questions"].items()
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
    assert user_study_scores.read_key(tmp_path / "study.key.json") == key
    assert command.run([*made, "--questions=4"]) == 2
    assert "is the key of another study" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "make|score"),
        (["--what"], "make|score"),
        (["make"], "--input is missing"),
        (["score", "--answers=a.csv"], "--key is missing"),
        (["score", "--key=k.json"], "--answers is missing"),
        (["make", "--seed=-1"], "--seed must be at least 0; received -1"),
        (
            ["make", "--input=i", "--exemplar=e", "--method=folder", "--out=o.html"],
            "must be NAME=DIR; received 'folder'",
        ),
        (["make", "--input=i", "--exemplar=e", "--method=a=b", "--method=a=c", "--out=o.html"], "same name"),
        (
            ["make", "--input=i", "--exemplar=e", "--method=a=b", "--method=c=c", "--out=o.html"],
            "cannot read the folder",
        ),
        (["score", "--answers=a.csv", "--key=none.json"], "--key=none.json: No such file"),
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
