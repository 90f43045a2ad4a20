"""tools/android/assets.py: a shipped model is exported, compared and copied with what the app reads of it."""

from __future__ import annotations

import functools
import hashlib
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lomit_tf.photos import portraits
from lomit_tf.photos.translator import Translator

ROOT = Path(__file__).parents[2]


def faces_as_celeba(folder: Path) -> Path:
    """The two portraits in the public domain, flipped and in other light, as CelebA's images, to calibrate with."""
    (folder / "img_align_celeba").mkdir(parents=True)
    labels, parts = [], []
    translator = Translator("celeba_hair", log_notes=False)
    framed = [translator.prepare(path).pixels for path in portraits.PORTRAITS.values()]
    for n in range(16):
        square = (framed[n % 2][:, :: 1 - n // 2 % 2 * 2] + 1) * 127.5 * (1 - 0.04 * (n // 4))
        picture = Image.fromarray(np.clip(square, 0, 255).astype(np.uint8)).resize((178, 178))
        whole = np.pad(np.asarray(picture), [(20, 20), (0, 0), (0, 0)], mode="edge")
        Image.fromarray(whole).save(folder / "img_align_celeba" / f"{n:06}.jpg", quality=95)
        colour = [str(2 * (n % 4 == k) - 1) for k in range(4)]
        others = 7 * [str(2 * (n % 8 == 7) - 1)]  # every label has to vary
        labels.append(" ".join([f"{n:06}.jpg", *colour, *others]))
        parts.append(f"{n:06}.jpg {0 if n < 8 else 2}")
    names = "Black_Hair Blond_Hair Brown_Hair Gray_Hair Wearing_Lipstick Male Young Smiling Heavy_Makeup Eyeglasses"
    (folder / "list_attr_celeba.txt").write_text("\n".join(["16", f"{names} Bangs", *labels]) + "\n")
    (folder / "list_eval_partition.txt").write_text("\n".join(parts) + "\n")
    return folder


@pytest.mark.slow
def test_a_model_is_exported_and_described(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "android"))
    assets = importlib.import_module("assets")
    monkeypatch.setattr(assets, "copy", functools.partial(assets.copy, assets=tmp_path))
    data = faces_as_celeba(tmp_path / "faces")
    monkeypatch.setattr(sys, "argv", ["assets.py", "--model=celeba_mobile", f"--data_dir={data}"])
    assets.main()
    shown = capsys.readouterr().out
    assert "PSNR of the translation" in shown and "fails" not in shown
    for line in (tmp_path / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest
    described = (tmp_path / "model.properties").read_text()
    assert described == (ROOT / "android_demo" / "assets" / "model.properties").read_text()
    assert (tmp_path / "generator_int8.tflite").stat().st_size < 2_500_000
