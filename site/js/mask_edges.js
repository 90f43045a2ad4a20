// Masks continued beyond the window that the model saw, along what looks like the masked and is connected to it:
// lomit_tf/imaging/mask_edges.py, which has the equation and says what each number is.

import { at, clamp, inverted, rint } from "./affine.js";
import { MASK_FLOOR } from "./curves.js";
import { blurredBytes, blurredPlane, labOf } from "./lab.js";
import { averaged, plane } from "./planes.js";
import { windowOf } from "./windows.js";

const SIDE = 192, GRAIN = 8, BEYOND = 1, COLOUR_STEP = 0.01, KEPT = 0.998, UNLIKE_STEP = 0.05, UNLIKE = 2, SWEEPS = 2, BLUR = 1.5;
const ABOVE = 4, SLOPE = 0.25;
const SEED = [0.4, 0.8], NO_SEED = 0.4, HISTOGRAM = 16, STRETCH = 2.5, LEAST = 1e-5;
const { fround } = Math;

/** The map of a rectangle of the photograph to 0..1; curves.rectangle. */
export const rectangle = (left, top, width, height) => [1 / width, 0, (0.5 - left) / width, 0, 1 / height, (0.5 - top) / height];

/**
 * @param picture the photograph.
 * @param masks planes of the window, as the model gave them, one for each group.
 * @param map the photograph's x, y to the masks' 0..1: `matrixOf` the window.
 * @param ending numbers of the masks that end with the window: of regions that lie within it, as lips do.
 * @returns {masks, map}: planes of the window and what lies around it, and their own map; null where the window covers all
 *   of the photograph, or no mask that is continued reaches its border.
 */
export function extended(picture, masks, map, ending = []) {
  const back = inverted(map), ends = [[0, 0], [1, 0], [0, 1], [1, 1]].map((c) => c.map((n) => n * (1 + 2 * BEYOND) - BEYOND));
  const corners = ends.map(([u, v]) => at(back, u, v)), along = (axis) => corners.map((corner) => corner[axis]);
  const [left, top] = [0, 1].map((axis) => Math.max(0, GRAIN * Math.floor(Math.min(...along(axis)) / GRAIN)));
  const [right, bottom] = [0, 1].map((axis) => (
    Math.min(axis ? picture.height : picture.width, GRAIN * Math.ceil((Math.max(...along(axis)) + 1) / GRAIN))));
  if (right <= left || bottom <= top || !masks.some((mask, n) => !ending.includes(n) && reachesBorder(mask))) return null;
  const scale = Math.min(1, SIDE / Math.max(Math.hypot(back[0], back[3]), Math.hypot(back[1], back[4])));
  const [width, height] = [right - left, bottom - top].map((n) => Math.max(1, rint(scale * n)));
  const around = rectangle(left, top, right - left, bottom - top);
  const { outside, seen, place } = lookedUp(masks, map, inverted(around), width, height);
  if (!outside.some((distance) => distance > 0)) return null;
  const part = averaged(picture, windowOf(left, top, right - left, bottom - top), width, height), lab = labOf(part);
  const made = seen.map((mask, n) => (ending.includes(n) ? within(mask, outside) : continued(lab, mask, outside, mostOf(masks[n], place))));
  for (const { values } of made) {
    for (let i = 0; i < values.length; i++) values[i] *= Math.max(0, Math.min(1, (BEYOND - outside[i]) / (BEYOND / 2)));
  }
  return { masks: made, map: around };
}

function reachesBorder({ width, height, values }) {
  for (let i = 0; i < values.length; i++) {
    const x = i % width, y = Math.floor(i / width);
    if ((x === 0 || y === 0 || x === width - 1 || y === height - 1) && values[i] >= MASK_FLOOR) return true;
  }
  return false;
}

/** Of each pixel of the small copy: how far it lies outside of the window, in sides of it, and the masks there. */
function lookedUp(masks, map, back, width, height) {
  const outside = new Float32Array(width * height), seen = masks.map(() => plane(width, height)), place = [];
  const { width: columns, height: rows } = masks[0];
  for (let i = 0; i < outside.length; i++) {
    const [x, y] = at(back, ((i % width) + 0.5) / width, (Math.floor(i / width) + 0.5) / height);
    const [u, v] = at(map, x, y).map(fround);
    outside[i] = Math.max(Math.max(Math.abs(u - 0.5), Math.abs(v - 0.5)) - 0.5, -ABOVE * v);
    place.push([u, v]);
    // cv2.remap looks at 32 places between two pixels, and repeats the border.
    const [p, q] = [rint(32 * fround(fround(u * columns) - 0.5)), rint(32 * fround(fround(v * rows) - 0.5))];
    for (let k = 0; k < 4; k++) {
      const weight = (k & 1 ? (p & 31) / 32 : 1 - (p & 31) / 32) * (k >> 1 ? (q & 31) / 32 : 1 - (q & 31) / 32);
      const from = clamp((q >> 5) + (k >> 1), rows) * columns + clamp((p >> 5) + (k & 1), columns);
      for (let g = 0; g < masks.length; g++) seen[g].values[i] += weight * masks[g].values[from];
    }
  }
  return { outside, seen, place };
}

/** The mask within the window, and nothing beyond it. */
function within({ width, height, values }, outside) {
  return plane(width, height, values.map((value, i) => (outside[i] <= 0 ? value : 0)));
}

/**
 * The most that a mask may be at places in sides of the window: above it the largest value of its upper row within SLOPE
 * times the height, and 1 elsewhere.
 */
function mostOf({ width: count, values }, place) {
  const wider = [values.slice(0, count)];
  for (let n = 0; n < Math.ceil(((SLOPE * BEYOND) / ABOVE) * count); n++) {
    const last = wider[n];
    wider.push(last.map((value, i) => Math.max(value, last[i - 1] ?? 0, last[i + 1] ?? 0)));
  }
  return place.map(([u, v]) => {
    if (v >= 0) return 1;
    const step = Math.min(wider.length - 1, Math.floor(fround(-v * fround(SLOPE * count))));
    return wider[step][clamp(Math.floor(fround(u * count)), count)];
  });
}

/** The mask, known within the window, handed on to the other pixels, up to the most that each may be. */
function continued(lab, mask, outside, most) {
  const { width, height } = mask, known = outside.map((distance) => (distance <= 0 ? 1 : 0));
  const like = likeness(lab, mask.values, known);
  const handed = mask.values.map((value, i) => (known[i] ? value : 0));
  const kept = like.map((value, i) => (known[i] ? 0 : KEPT * value ** UNLIKE_STEP));
  const smooth = blurredBytes(lab, width, height, 3), steps = { across: stepsTo(smooth, 1), down: stepsTo(smooth, width) };
  const hand = (from, to, step) => { handed[to] = Math.max(handed[to], fround(fround(handed[from] * step) * kept[to])); };
  const sweep = (length, stride, lines, lineStride, share) => {
    for (let line = 0; line < lines; line++) {
      const start = line * lineStride;
      for (let n = 1; n < length; n++) hand(start + (n - 1) * stride, start + n * stride, share[start + (n - 1) * stride]);
      for (let n = length - 2; n >= 0; n--) hand(start + (n + 1) * stride, start + n * stride, share[start + n * stride]);
    }
  };
  for (let n = 0; n < SWEEPS; n++) {
    sweep(height, width, width, 1, steps.down);
    sweep(width, 1, height, width, steps.across);
  }
  for (let i = 0; i < handed.length; i++) if (!known[i]) handed[i] = Math.min(handed[i] * like[i] ** UNLIKE, most[i]);
  const soft = blurredPlane(handed, width, height, BLUR);
  return plane(width, height, mask.values.map((value, i) => (known[i] ? value : soft[i])));
}

/** What is kept from each pixel to the one `stride` further; lightness counts half. */
function stepsTo(lab, stride) {
  const steps = new Float32Array(lab.length / 3);
  for (let i = 0; i + stride < steps.length; i++) {
    const [p, q] = [3 * i, 3 * (i + stride)];
    const distance = Math.hypot((lab[q] - lab[p]) / 2, lab[q + 1] - lab[p + 1], lab[q + 2] - lab[p + 2]);
    steps[i] = Math.exp(-COLOUR_STEP * distance);
  }
  return steps;
}

/** 0..1 of each pixel: whether its colour is rather found within the mask than outside of it. */
function likeness(lab, mask, known) {
  const bin = (value) => Math.trunc(Math.max(0, Math.min(HISTOGRAM - 1, value * (HISTOGRAM / 256))));
  const index = Uint16Array.from({ length: mask.length }, (_, i) => {
    const [a, b] = [1, 2].map((c) => fround(fround((lab[3 * i + c] - 128) * STRETCH) + 128));
    return (bin(lab[3 * i]) * HISTOGRAM + bin(a)) * HISTOGRAM + bin(b);
  });
  const limited = (value) => Math.max(0, Math.min(1, value));
  const [within, others] = [(m) => limited((m - SEED[0]) / (SEED[1] - SEED[0])), (m) => limited(1 - m / NO_SEED)].map((weight) => {
    const counts = new Float64Array(HISTOGRAM ** 3);
    mask.forEach((value, i) => { counts[index[i]] += known[i] ? weight(value) : 0; });
    const soft = blurredHistogram(counts), total = Math.max(soft.reduce((sum, n) => sum + n, 0), 1e-6);
    return soft.map((n) => n / total);
  });
  return Float32Array.from(index, (i) => Math.min(1, (2 * (within[i] + LEAST)) / (within[i] + others[i] + 2 * LEAST)));
}

/** Each axis of a cube blurred by 1/4, 1/2, 1/4; beyond its border there is nothing. */
function blurredHistogram(counts) {
  let cube = counts;
  for (const stride of [1, HISTOGRAM, HISTOGRAM ** 2]) {
    cube = cube.map((value, i) => {
      const place = Math.floor(i / stride) % HISTOGRAM;
      return 0.5 * value + 0.25 * ((place ? cube[i - stride] : 0) + (place < HISTOGRAM - 1 ? cube[i + stride] : 0));
    });
  }
  return cube;
}
