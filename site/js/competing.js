// Masks of a photograph's window whose region competes with skin, background and clothes for each pixel by the picture's
// own colours, as hair does: lomit_tf/imaging/competing.py; docs/method.md, eq. (10.8).

import { rint } from "./affine.js";
import { share } from "./group_masks.js";
import { SIZE } from "./layouts.js";
import { averagedAtOnce, picture, plane, resizedPlane } from "./planes.js";
import { features } from "./region_colours.js";
import { HAIR, SKIN, prior, responsibilities } from "./regions.js";
import { whole } from "./windows.js";

const ROUNDS = [4, 3]; // of the expectation maximisation, for the layout and then for the regions
const RAMP = [0.25, 0.6]; // a region's share is a mask of 0 below the first, and of 1 above the second
const SKIN_COUNTS = 2; // times: a rim of skin that is painted shows more than hair that is not
const LEAST = 0.5; // where a mask is nowhere above it, there is no such region
const FACE = [0.5, 0.55, 0.18, 0.13]; // centre and radii of the ellipse in which masks do not grow: eyes are as dark as dark hair

/**
 * Let some groups take what is theirs by the colours, in place; the others share what is left.
 *
 * @param masks a square plane of each group, the network's.
 * @param pixels what it saw, in -1..1, a face framed as CelebA's are.
 * @param competing numbers of the groups that do.
 * @param overlapping of each group whether it takes nothing from others and loses nothing to them.
 */
export function compete(masks, pixels, competing, overlapping, layouts) {
  const there = competing.filter((g) => masks[g].values.some((value) => value > LEAST));
  if (!there.length) return;
  const seen = pictureOf(pixels, masks[0]), given = masks.map((mask, g) => (there.includes(g) ? refined(seen, mask, layouts).values : null));
  share(masks.map(({ values }) => values), given, overlapping);
}

/** What a network saw as a picture. */
function pictureOf(pixels, { width, height }) {
  const made = picture(width, height);
  for (let i = 0, to = 0; i < pixels.length; i += 3, to += 4) {
    for (let c = 0; c < 3; c++) made.data[to + c] = rint((Math.max(-1, Math.min(1, pixels[i + c])) + 1) * 127.5);
    made.data[to + 3] = 255;
  }
  return made;
}

/** One mask of a picture. */
function refined(seen, mask, layouts) {
  const { width, height } = mask, small = averagedAtOnce(seen, whole(seen), SIZE, SIZE);
  const first = responsibilities(features(small), prior(resizedPlane(mask, SIZE, SIZE), layouts.mean), ROUNDS[0]);
  const layout = layouts.nearest(first).map((one) => resizedPlane(one, width, height));
  const regions = responsibilities(features(seen), prior(mask, layout), ROUNDS[1]);
  const hair = regions[HAIR].values, skin = regions[SKIN].values;
  const made = plane(width, height), [low, high] = RAMP, [x, y, across, down] = FACE;
  for (let i = 0; i < hair.length; i++) {
    const grown = Math.max(0, Math.min(1, (hair[i] / (1 + (SKIN_COUNTS - 1) * skin[i]) - low) / (high - low)));
    const u = ((i % width) + 0.5) / width - x, v = (Math.trunc(i / width) + 0.5) / height - y;
    made.values[i] = (u / across) ** 2 + (v / down) ** 2 <= 1 ? Math.min(grown, mask.values[i]) : grown;
  }
  return made;
}
