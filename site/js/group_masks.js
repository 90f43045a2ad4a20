// Masks of several groups: those that a person gave among the model's own, and masks at a photograph's pixels.

import { MASK_FLOOR } from "./curves.js";

const LEAST_SHARE = 1e-6;

/**
 * Put given masks among the model's own, in place: the given as they are, the rest sharing what is left.
 * given_masks.replace.
 *
 * @param values of each group an array of the same length, its own mask; where all are given, they are not read.
 * @param given of each group an array, or null where its own mask stays.
 * @param overlapping of each group whether it takes nothing from others and loses nothing to them.
 */
export function share(values, given, overlapping) {
  const groups = values.map((_, g) => g), sharing = groups.filter((g) => !overlapping[g]);
  for (const g of groups) if (overlapping[g] && given[g]) values[g].set(given[g]);
  const among = sharing.filter((g) => given[g]), others = sharing.filter((g) => !given[g]);
  for (let i = 0; among.length && i < values[0].length; i++) {
    let [total, all, left] = [0, 0, 0];
    for (const g of among) total += given[g][i];
    for (const g of sharing) all += values[g][i];
    for (const g of others) left += values[g][i];
    left += Math.max(0, Math.min(1, 1 - all)); // the background
    const factor = left > LEAST_SHARE ? Math.max(0, Math.min(1, 1 - total)) / left : 0;
    for (const g of others) values[g][i] *= factor;
    for (const g of among) values[g][i] = given[g][i] / Math.max(1, total);
  }
}

/**
 * read(y, to): a mask at a photograph's pixels, bilinear with its edges repeated, 0 beyond them and below a floor;
 * mask_planes.shown_masks.
 *
 * @param mask a plane; `map` takes the photograph's x, y to its 0..1.
 */
export function sampledRows({ width, height, values }, [a, b, c, d, e, f], floor = MASK_FLOOR) {
  const HALF = 0.5 + 1e-6; // a pixel whose centre lies on the border counts
  return (y, to) => {
    for (let x = 0; x < to.length; x++) {
      const u = a * x + b * y + c, v = d * x + e * y + f;
      if (Math.abs(u - 0.5) > HALF || Math.abs(v - 0.5) > HALF) {
        to[x] = 0;
        continue;
      }
      const i = Math.max(0, Math.min(width - 1, u * width - 0.5)), j = Math.max(0, Math.min(height - 1, v * height - 0.5));
      const left = Math.floor(i), top = Math.floor(j), across = i - left, down = j - top;
      const at = top * width + left, right = left + 1 < width ? 1 : 0, below = top + 1 < height ? width : 0;
      const upper = values[at] + across * (values[at + right] - values[at]);
      const value = upper + down * (values[at + below] + across * (values[at + below + right] - values[at + below]) - upper);
      to[x] = value < floor ? 0 : value;
    }
  };
}

/** Planes of one size side by side, as the networks take them: (height, width, groups). */
export function interleaved(planes) {
  const count = planes.length, made = new Float32Array(count * planes[0].values.length);
  planes.forEach(({ values }, g) => values.forEach((value, i) => { made[i * count + g] = value; }));
  return made;
}

/** The way back: (height, width, groups) as planes of a square. */
export function apart(values, count, side) {
  return Array.from({ length: count }, (_, g) => (
    { width: side, height: side, values: Float32Array.from({ length: side * side }, (_value, i) => values[i * count + g]) }));
}
