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
 * changeRow(y, mask, pixels): changes one row of a photograph's pixels (RGBA, width of them) where the mask's row says so.
 *
 * @param grid {width, height, values}: values has 32 numbers a cell, (bin, colour): changes in -1..1, and of saturation; edges go on.
 * @param map [a, b, c, d, e, f], the photograph's x, y to the grid's 0..1: `matrixOf` a window.
 * @param strength 0 leaves the photograph as it is, more than 1 exaggerates.
 */
export function changer(grid, map, strength) {
  const { width: columns, height: rows, values } = grid, scale = strength * 127.5;
  const [a, b, c] = map.slice(0, 3).map((n) => n * columns), [d, e, f] = map.slice(3).map((n) => n * rows);
  return (y, mask, pixels) => {
    for (let x = 0; x < mask.length; x++) {
      const weight = mask[x];
      if (weight < MASK_FLOOR) continue;
      const [left, right, across] = taps(a * x + b * y + c - 0.5, columns);
      const [top, bottom, down] = taps(d * x + e * y + f - 0.5, rows);
      const i = 4 * x, luminance = (0.299 * pixels[i] + 0.587 * pixels[i + 1] + 0.114 * pixels[i + 2]) / 255;
      const place = Math.max(0, Math.min(BINS - 1, BINS * luminance - 0.5)), bin = Math.min(BINS - 2, Math.floor(place));
      const share = place - bin, at = 4 * bin;
      const p = (top * columns + left) * CURVE + at, q = (top * columns + right) * CURVE + at;
      const r = (bottom * columns + left) * CURVE + at, s = (bottom * columns + right) * CURVE + at;
      const [wp, wq] = [(1 - across) * (1 - down), across * (1 - down)], [wr, ws] = [(1 - across) * down, across * down];
      const look = (k) => {
        const low = wp * values[p + k] + wq * values[q + k] + wr * values[r + k] + ws * values[s + k];
        const high = wp * values[p + 4 + k] + wq * values[q + 4 + k] + wr * values[r + 4 + k] + ws * values[s + 4 + k];
        return low + share * (high - low);
      };
      const saturation = strength * look(3);
      for (let k = 0; k < 3; k++) {
        const change = scale * look(k) + saturation * (pixels[i + k] - 255 * luminance);
        pixels[i + k] = rint(pixels[i + k] + weight * change);
      }
    }
  };
}
