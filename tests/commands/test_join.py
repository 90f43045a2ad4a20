"""`lomit-join` says of models that are no base or no part what they are, and which to give instead."""

from __future__ import annotations

import re

import pytest

from lomit_tf import join
from lomit_tf.training.joining import A_PART

pytestmark = pytest.mark.quick


@pytest.mark.parametrize(
    ("base", "part", "said"),
    [
        ("celeba_colours", "celeba_hair", f"--part=celeba_hair: it sees whole pictures, and .*; give {A_PART}"),
        ("celeba_colours", "celeba_colours", f"--part=celeba_colours: it sees whole pictures, .*; give {A_PART}"),
        ("celeba_colours", "celeba", rf"--part=celeba: .* of parts for smile and facial_hair; .* itself, {A_PART}"),
        ("celeba_colours", "celeba_smile", f"--part=celeba_smile: there is nothing at celeba_smile; give {A_PART}"),
        ("celeba_colours", "", f"--part is empty; give {A_PART}"),
        ("celeba", "celeba_hair", "--base=celeba: .* parts for smile and facial_hair; give the model .*celeba_colours"),
        ("drawn_faces", "celeba_hair", "--base=drawn_faces: hair and smile are painted freely, .* as celeba_colours"),
        ("celeba_faces", "celeba_hair", "--base=celeba_faces: smile is painted freely, .* as celeba_colours"),
        ("celeba_colour", "celeba_hair", "--base: 'celeba_colour' .*did you mean celeba_colours"),
    ],
)
def test_models_that_cannot_be_joined(base, part, said, tmp_path, capsys):
    assert join.run([f"--base={base}", f"--part={part}", f"--out={tmp_path / 'new'}"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.match(f"lomit-join: {said}", error), error
    assert not (tmp_path / "new").exists()
