"""Files that are made in pieces: taken up, found finished, and never written over."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from lomit_tf.config import ConfigError
from lomit_tf.training.pieces import finished, take_up

RECORD = {"label": "Smiling", "pairs": 9000, "piece": 500}


def load(path: Path) -> SimpleNamespace:
    """A file that holds its record alone."""
    try:
        return SimpleNamespace(record=json.loads(path.read_text()))
    except ValueError:
        raise ConfigError(f"{path}: not mine") from None


def test_a_run_goes_on_with_the_pieces_that_it_began(tmp_path):
    parts = tmp_path / "a.npz.parts"
    assert take_up(parts, RECORD) == RECORD == take_up(parts, RECORD)
    assert take_up(parts, RECORD | {"piece": 100}) == RECORD, "pieces keep their size"
    with pytest.raises(ConfigError, match=r"a.npz.parts holds .* \(pairs was 9000, now 10\); name another --out"):
        take_up(parts, RECORD | {"pairs": 10})


def test_what_is_there_is_taken_or_refused_and_never_written_over(tmp_path):
    out = tmp_path / "a.npz"
    assert finished(out, RECORD, load) is None
    out.write_text(json.dumps(RECORD))
    assert finished(out, RECORD | {"piece": 1}, load).record == RECORD
    with pytest.raises(ConfigError, match=r"a.npz was made otherwise \(label was 'Smiling', now 'Male'\)"):
        finished(out, RECORD | {"label": "Male"}, load)
    out.write_text("something else")
    with pytest.raises(ConfigError, match=r"a\.npz is a file of another kind; name another --out"):
        finished(out, RECORD, load)
    assert out.read_text() == "something else"
