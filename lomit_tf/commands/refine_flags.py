"""The flags of `lomit-refine-masks`."""

from __future__ import annotations

from lomit_tf.commands.file_flags import FileFlags, Invocation
from lomit_tf.settings.mask_teacher import RefineConfig

INTRO = """\
Refine a trained model's masks of its training images by the images' own colours, for python -m lomit_tf.teach_masks.
Labels decide which refinements are used, and with --by=labels where they begin; true masks are never read.

  python -m lomit_tf.refine_masks --model=celeba_small --data_dir=/path/to/celeba --out=runs/masks.npz
  python -m lomit_tf.refine_masks --model=celeba_small --by=regions --refine_size=64 --data_dir=/path/to/celeba \\
      --out=runs/masks.npz
  python -m lomit_tf.refine_masks --model=drawn_faces --face= --refuse= --train_images=500 --out=runs/masks.npz

The data is the model's own where flags do not say otherwise. The same command goes on where an interrupted one stopped.
"""

FLAGS = FileFlags(RefineConfig, INTRO, {"model": "celeba_small", "out": "runs/masks.npz"})
parse, help_text = FLAGS.parse, FLAGS.help_text

__all__ = ["FLAGS", "Invocation", "help_text", "parse"]
