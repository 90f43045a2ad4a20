// Colours on what was painted freely before: where a smile has moved the lips, lipstick goes onto the new ones.
// lomit_tf/photos/second_look.py, which has the equation.

import { movedPixels } from "./moving.js";
import { plane } from "./planes.js";

const VISIBLE = 0.05, REACH = 2;

/**
 * What the model sees with the free groups' change in it, in -1..1.
 *
 * @param made {raw, displacement}: what was painted freely, and how far away its pixels come from, or null.
 * @param masks those of the groups to take.
 */
export function changedPicture(pixels, { raw, displacement }, masks, strength) {
  const before = displacement ? movedPixels(pixels, displacement) : pixels;
  const after = displacement ? movedPixels(pixels, displacement, strength) : pixels;
  return after.map((value, i) => {
    const chosen = Math.min(1, masks.reduce((sum, { values }) => sum + values[Math.trunc(i / 3)], 0));
    return Math.max(-1, Math.min(1, value + strength * chosen * (raw[i] - before[i])));
  });
}

/**
 * The masks with those of what was painted, wherever something was.
 *
 * @param before, painted what the model sees, without and with the change.
 * @param masks, found planes of each group: as they were, and of what was painted.
 * @param groups those that take it; the others stay as they are.
 */
export function seenAgain(before, painted, masks, found, groups) {
  const { width, height } = masks[0], size = new Float32Array(width * height);
  for (let i = 0; i < before.length; i++) size[Math.trunc(i / 3)] += Math.abs(painted[i] - before[i]) / 3;
  const share = blurred(size, width, height).map((value) => value ** 2 / (value ** 2 + VISIBLE ** 2));
  return masks.map((mask, g) => (groups.includes(g)
    ? plane(width, height, mask.values.map((value, i) => value + share[i] * (found[g].values[i] - value))) : mask));
}

/** Means of squares around each pixel; beyond its sides a plane goes on mirrored, without its last row or column. */
function blurred(values, width, height) {
  const mirrored = (at, length) => (at < 0 ? -at : at >= length ? 2 * (length - 1) - at : at), side = 2 * REACH + 1;
  return values.map((_, i) => {
    let sum = 0;
    for (let v = -REACH; v <= REACH; v++) {
      const row = mirrored(Math.trunc(i / width) + v, height) * width;
      for (let u = -REACH; u <= REACH; u++) sum += values[row + mirrored((i % width) + u, width)];
    }
    return sum / side ** 2;
  });
}
