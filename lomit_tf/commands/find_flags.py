"""The flags of `lomit-find-movements`."""

from __future__ import annotations

from lomit_tf.commands.file_flags import FileFlags, Invocation
from lomit_tf.settings.movement_teacher import FindConfig

INTRO = """\
Find how faces move with a label, for python -m lomit_tf.teach_movements: in means of training images that look alike
above the mouth, with the label and without it. Labels alone take part; the images must be framed as CelebA's are.

  python -m lomit_tf.find_movements --model=runs/celeba_smile_masks --data_dir=/path/to/celeba --out=runs/smiles.npz

The model says which label, and what part of the picture is seen from near; its weights are not used. The data is its
own where flags do not say otherwise. All images are held in memory, about 0.2 MB for each of 128 x 128 pixels. The
same command goes on where an interrupted one stopped.
"""

FLAGS = FileFlags(FindConfig, INTRO, {"model": "runs/celeba_smile_masks", "out": "runs/smiles.npz"})
parse, help_text = FLAGS.parse, FLAGS.help_text

__all__ = ["FLAGS", "Invocation", "help_text", "parse"]
