"""tools/android/assets.py: a shipped model is exported, compared and copied with what the app reads of it."""

from __future__ import annotations

import functools
import hashlib
import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_model_is_exported_and_described(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "android"))
    assets = importlib.import_module("assets")
    monkeypatch.setattr(assets, "copy", functools.partial(assets.copy, assets=tmp_path))
    monkeypatch.setattr(sys, "argv", ["assets.py", "--model=celeba_hair"])
    assets.main()
    shown = capsys.readouterr().out
    assert "PSNR of the translation" in shown and "fails" not in shown
    for line in (tmp_path / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
    described = (tmp_path / "model.properties").read_text()
    assert described == (ROOT / "android_demo" / "assets" / "model.properties").read_text()
    assert (tmp_path / "generator_int8.tflite").stat().st_size < 1_000_000
