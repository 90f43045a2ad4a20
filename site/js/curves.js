// Local colour curves, applied to a photograph at its own size: lomit_tf/imaging/curves.py, which has the equation.

import { rint } from "./affine.js";

export const BINS = 8, MASK_FLOOR = 0.02;
const CURVE = 4 * BINS;

/** Of the pixels in column x of a bilinear look-up along one axis: the entries before and after, and the latter's share. */
function taps(place, size) {
  const inside = Math.max(0, Math.min(size - 1, place)), low = Math.floor(inside);
  return [low, Math.min(low + 1, size - 1), inside - low];
}

/**
 * changeRow(y, masks, pixels): changes one row of a photograph's pixels (RGBA, width of them) where the masks' rows say so.
 *
 * @param grid {width, height, values}: values has 32 numbers a cell for each of the groups whose masks are given, (group,
 *   bin, colour): changes in -1..1, and of saturation; edges go on.
 * @param map [a, b, c, d, e, f], the photograph's x, y to the grid's 0..1: `matrixOf` a window.
 * @param strength 0 leaves the photograph as it is, more than 1 exaggerates.
 * @param exact the pixels are floats in 0..255, which are not rounded yet.
 */
export function changer(grid, map, strength, exact = false) {
  const { width: columns, height: rows, values } = grid, scale = strength * 127.5;
  const cell = values.length / (columns * rows), groups = cell / CURVE, painted = new Uint8Array(groups);
  for (let i = 0; i < values.length; i++) painted[Math.floor((i % cell) / CURVE)] |= values[i] !== 0;
  const [a, b, c] = map.slice(0, 3).map((n) => n * columns), [d, e, f] = map.slice(3).map((n) => n * rows);
  return (y, masks, pixels) => {
    for (let x = 0; x < masks[0].length; x++) {
      let found = false;
      for (let g = 0; g < groups; g++) found ||= painted[g] === 1 && masks[g][x] >= MASK_FLOOR;
      if (!found) continue;
      const [left, right, across] = taps(a * x + b * y + c - 0.5, columns);
      const [top, bottom, down] = taps(d * x + e * y + f - 0.5, rows);
      const i = 4 * x, light = 0.299 * pixels[i] + 0.587 * pixels[i + 1] + 0.114 * pixels[i + 2];
      const place = Math.max(0, Math.min(BINS - 1, (BINS * light) / 255 - 0.5)), bin = Math.min(BINS - 2, Math.floor(place)), share = place - bin;
      const [wp, wq] = [(1 - across) * (1 - down), across * (1 - down)], [wr, ws] = [(1 - across) * down, across * down];
      let [red, green, blue] = [0, 0, 0];
      for (let g = 0; g < groups; g++) {
        const weight = masks[g][x];
        if (!painted[g] || weight < MASK_FLOOR) continue;
        const at = g * CURVE + 4 * bin;
        const p = (top * columns + left) * cell + at, q = (top * columns + right) * cell + at;
        const r = (bottom * columns + left) * cell + at, s = (bottom * columns + right) * cell + at;
        const look = (k) => {
          const low = wp * values[p + k] + wq * values[q + k] + wr * values[r + k] + ws * values[s + k];
          const high = wp * values[p + 4 + k] + wq * values[q + 4 + k] + wr * values[r + 4 + k] + ws * values[s + 4 + k];
          return low + share * (high - low);
        };
        const saturation = strength * look(3);
        red += weight * (scale * look(0) + saturation * (pixels[i] - light));
        green += weight * (scale * look(1) + saturation * (pixels[i + 1] - light));
        blue += weight * (scale * look(2) + saturation * (pixels[i + 2] - light));
      }
      const made = [pixels[i] + red, pixels[i + 1] + green, pixels[i + 2] + blue];
      for (let k = 0; k < 3; k++) pixels[i + k] = exact ? Math.max(0, Math.min(255, made[k])) : rint(made[k]);
    }
  };
}
