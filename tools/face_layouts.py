"""Learn the layouts by which hair competes with other regions in photographs: lomit_tf/imaging/face_models/layouts.npz.

    python tools/face_layouts.py --celeba=/path/to/celeba [--model=celeba_colours] [--out=FILE]

Twenty-four layouts of 1,500 of CelebA's training pictures, spread over all of them, with the model's own masks and no
true one, as `lomit_tf.refine_masks --by=regions` learns them (docs/method.md, eqs. (9.18) to (9.21)). They are learned
at the model's size and kept at 32 x 32 pixels. Takes about seven minutes of one core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from refined_iou import layouts_of

import lomit_tf
from lomit_tf.imaging.competing import LAYOUTS
from lomit_tf.runtime.atomic import write_bytes
from lomit_tf.settings.mask_teacher import RefineConfig

KEPT = 32  # pixels along each side


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--celeba", type=Path, required=True)
    parser.add_argument("--model", default="celeba_colours")
    parser.add_argument("--out", type=Path, default=LAYOUTS)
    given = parser.parse_args()
    model = lomit_tf.load(given.model)
    layouts = layouts_of(model, given.celeba, RefineConfig(refine_size=model.config.data.image_size))
    content = layouts.resized(KEPT).to_bytes()
    write_bytes(given.out, content)
    print(f"{given.out}: {len(layouts.each)} layouts, {len(content):,} bytes")


if __name__ == "__main__":
    main()
