"""The same requests to our server and to TensorFlow Serving as documented: alike, or docs/serve.md says so.

Every case names the row of the table of differences that it belongs to, or none, and then both answers must agree.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import re
from typing import Any

import numpy as np
import pytest
from replay_cases import ALSO, CASES, GZIP, Case, encoded, rows
from serving_reference import Serving

from tests.helpers.serving import ROOT, ask, decoded, need_packages

need_packages()
saved_model = pytest.importorskip("export.saved_model", reason="export/saved_model.py is not there")

FLOAT_SLACK, PIXEL_SLACK = 2e-5, 1


@pytest.fixture(scope="module")
def both(tiny):
    """Our server and the documented one, with one model."""
    from lomit_tf.model import Lomit
    from lomit_tf.serving.engine import Engine
    from lomit_tf.serving.routes import Limits, Server

    model = Lomit(tiny(groups="hair: Black_Hair; smile: Smiling", system="recipe"))
    engine = Engine(model, max_pixels=1_000_000)
    return (engine, Limits(max_queue=4)), Serving("tiny", saved_model.ServingModule(model).concrete()), Server


def table() -> set[str]:
    """The first column of the table of differences in docs/serve.md."""
    text = (ROOT / "docs" / "serve.md").read_text(encoding="utf-8")
    part = text.split("### What is the same in the exported SavedModel, and what is not")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return {re.split(r"(?<!\\)\|", line)[1].strip() for line in lines[2:]}


def assert_alike(ours: Any, theirs: Any, where: str = "") -> None:
    """Two answers: the same JSON, up to rounding, and up to the last bits of pixels in PNGs."""
    if isinstance(theirs, dict) and set(theirs) == {"b64"}:
        found, expected = (decoded(a).astype(int) for a in (ours, theirs))
        assert found.shape == expected.shape and np.abs(found - expected).max() <= PIXEL_SLACK, where
    elif isinstance(theirs, dict):
        assert isinstance(ours, dict) and ours.keys() == theirs.keys(), where
        for name, value in theirs.items():
            assert_alike(ours[name], value, f"{where}.{name}")
    elif isinstance(theirs, (str, type(None))):
        assert ours == theirs, where
    elif isinstance(theirs, list) and not np.isscalar(theirs[0]) and isinstance(theirs[0], dict):
        assert len(ours) == len(theirs), where
        for i, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_alike(one, other, f"{where}[{i}]")
    else:
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=FLOAT_SLACK, err_msg=where)


@pytest.mark.parametrize("name", CASES)
def test_a_request_gets_the_same_from_both_or_the_table_says_so(both, name):
    case = CASES[name]
    (engine, limits), reference, make = both
    server = make(engine, "tiny", limits)
    server.ready = True  # as it is once it listens
    ours, our_json = asyncio.run(ask(server, [case.body], method=case.method, path=case.path, headers=case.headers))
    theirs, their_json = reference.answer(case.method, case.path, case.headers, case.body)
    expected = case.status if case.theirs is None else case.theirs
    assert (ours, theirs) == (case.status, expected), (our_json, their_json)
    for status, answer in ((ours, our_json), (theirs, their_json)):
        assert (status == 200) == (answer is not None and "error" not in answer), answer
    if case.row:
        assert case.row in table()
        if ours == theirs:
            with pytest.raises(AssertionError):
                assert_alike(our_json, their_json)
        return
    if ours == 200:
        assert_alike(our_json, their_json)
    else:
        assert set(our_json) == set(their_json) == {"error"}
        assert "\n" not in our_json["error"]


def test_the_table_of_differences_has_no_row_that_no_request_shows():
    assert table() == {case.row for case in CASES.values() if case.row} | ALSO
    assert len(CASES) >= 30


def test_what_is_said_of_a_data_url_and_of_unknown_codings(both):
    (engine, limits), _, make = both

    def error(case: Case) -> str:
        return asyncio.run(ask(make(engine, "tiny", limits), [case.body], headers=case.headers))[1]["error"]

    said = error(CASES["a data: URL"])
    assert said == "instance 0, image_bytes: a data: URL; send only the base64 that follows its comma"
    assert error(CASES["another coding"]) == "Content-Encoding: br is not taken; send gzip, or the JSON as it is"
    assert error(CASES["gzip that is none"]).startswith("the body is not gzip, as Content-Encoding says: ")
    assert error(CASES["gzip cut off"]) == "the body is not gzip, as Content-Encoding says: it is cut off"


def test_the_body_limit_counts_what_is_unpacked(both):
    from lomit_tf.serving.routes import Limits

    (engine, _), _, make = both
    limit = len(Case(rows(encoded())).body) + 10

    def status(content: bytes, **fields: int) -> int:
        limits = Limits(**({"max_body": limit} | fields))
        server = make(engine, "tiny", limits)
        code, answer = asyncio.run(ask(server, [content], headers=GZIP))
        assert server.open_bytes == server.open_requests == 0
        return code if code == 200 else (code, answer["error"])

    body = Case(rows(encoded())).body
    assert status(gzip.compress(body)) == 200
    assert status(gzip.compress(body[:100]) + gzip.compress(body[100:])) == 200  # two members make one file
    assert status(gzip.compress(body + b" " * 20)) == (
        413,
        f"the body is larger than {limit:,} bytes when it is unpacked",
    )
    bomb = gzip.compress(b" " * (64 << 20))  # 64 MiB in 64 KB
    assert len(bomb) < 100_000
    assert status(bomb, max_body=1 << 20)[0] == 413
    assert status(gzip.compress(body), max_bodies=limit // 2)[0] == 503


def test_a_bomb_is_not_unpacked(monkeypatch):
    """Memory: no more than the limit is ever unpacked, whatever follows."""
    import tracemalloc

    from lomit_tf.serving.encodings import gunzip
    from lomit_tf.serving.wire import RequestError

    bomb = gzip.compress(b"\0" * (64 << 20))
    tracemalloc.start()
    with pytest.raises(RequestError):
        gunzip(bomb, 1 << 20)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_base64_of_many_kinds():
    from lomit_tf.serving.encodings import decode_base64
    from lomit_tf.serving.wire import RequestError

    for data in (b"", b"a", b"ab", b"abc", bytes(range(256))):
        text = base64.b64encode(data).decode()
        for variant in (text, text.rstrip("="), base64.encodebytes(data).decode(), f"\n {text}\t\r\n"):
            assert decode_base64(variant, "x") == data
    for text in ("a", "ab=c", "====", "ä", "QUJD-", "DATA:,QUJD", "data:image/png;base64,QUJD"):
        with pytest.raises(RequestError, match=r"^x: "):
            decode_base64(text, "x")
