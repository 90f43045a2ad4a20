// What groups that are painted freely change, at a photograph's own size: lomit_tf/imaging/paste_back.py. The change's brightness
// follows the photograph's edges, by the guided filter; its two differences of colour are bilinear.

import { stepsOf } from "./affine.js";
import { MASK_FLOOR } from "./curves.js";
import { GuidedStep } from "./guided.js";
import { averaged, plane, resizedRows } from "./planes.js";
import { cornersOf, insideOf, pictureToPixels, rowsOf, whole } from "./windows.js";

const BORDER = 1 / 16, STEP = 4, SIDE_STEPS = 64, TRACES = 5; // the photograph is approached in steps of STEP, with smaller copies of it
const TO_YCC = [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]];
const TO_RGB = [[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]];

const limitsOf = (values) => values.reduce(([least, greatest], n) => [Math.min(least, n), Math.max(greatest, n)], [Infinity, -Infinity]);

/** A window as a guide: {picture, window, width, height, read(y, rgb)}; a turned one is cut out once. */
function guideOf(picture, window) {
  const { width, height } = window, read = rowsOf(picture, window);
  if (!window.angle) return { picture, window, width, height, read };
  const data = new Uint8ClampedArray(4 * width * height), row = new Float32Array(3 * width);
  for (let y = 0; y < height; y++) {
    read(y, row);
    for (let x = 0, i = 4 * y * width; x < width; x++, i += 4) data.set(row.subarray(3 * x, 3 * x + 3), i);
  }
  const cut = { width, height, data };
  return { picture: cut, window: whole(cut), width, height, read: rowsOf(cut, whole(cut)) };
}

/**
 * Whether a picture is grey, or of one tint that follows its brightness, wherever a window covers it, or is around:
 * paste_back.monochrome.
 */
export function isMonochrome(picture, window) {
  const { left, top, right, bottom } = insideOf(window, picture), { width, data } = picture, n = (bottom - top) * (right - left);
  let sy = 0, su = 0, sv = 0, syy = 0, squares = 0, syu = 0, syv = 0;
  for (let row = top; row < bottom; row++) {
    for (let i = 4 * (row * width + left); i < 4 * (row * width + right); i += 4) {
      const green = data[i + 1], u = data[i] - green, v = data[i + 2] - green, y = u + v + 4 * green;
      sy += y, su += u, sv += v, syy += y * y, squares += u * u + v * v, syu += y * u, syv += y * v;
    }
  }
  const brightness = syy / n - (sy / n) ** 2, ofU = syu / n - (sy / n) * (su / n), ofV = syv / n - (sy / n) * (sv / n);
  const explained = brightness > 0 ? (ofU ** 2 + ofV ** 2) / brightness : 0;
  return squares / n - (su / n) ** 2 - (sv / n) ** 2 - explained <= TRACES ** 2;
}

/**
 * {y, row} of a change at the size of a guide, one after the other: paste_back.upsample_change.
 *
 * @param change {width, height, values}, three values for each pixel.
 * @param first, last rows of the guide.
 * @param grey whether to leave out colour, so that a grey photograph stays grey.
 */
export function* raisedRows(change, guide, first, last, grey) {
  const { width, height, values } = change, of = (c) => values.filter((_, i) => i % 3 === c), colours = [0, 1, 2].map(of);
  const limits = colours.map(limitsOf), [light, blue, red] = TO_YCC.map((shares) => plane(width, height,
    Float32Array.from(colours[0], (r, i) => shares[0] * r + shares[1] * colours[1][i] + shares[2] * colours[2][i])));
  const range = limitsOf(light.values), differences = [blue, red].map((one) => resizedRows(one, guide.width, guide.height));
  let guided = light;
  while (Math.max(guided.width, guided.height) < Math.max(guide.width, guide.height)) {
    const size = { width: Math.min(guide.width, STEP * guided.width), height: Math.min(guide.height, STEP * guided.height) };
    if (size.width === guide.width && size.height === guide.height) break;
    const copy = averaged(guide.picture, guide.window, size.width, size.height), raised = plane(size.width, size.height);
    const smaller = { ...size, read: rowsOf(copy, whole(copy)) };
    for (const { y, row } of new GuidedStep(guided, smaller, 0, size.height - 1).rows(0, size.height - 1, range)) {
      raised.values.set(row, y * size.width);
    }
    guided = raised;
  }
  const shades = differences.map(() => new Float32Array(guide.width));
  for (const { y, row } of new GuidedStep(guided, guide, first, last).rows(first, last, range)) {
    differences.forEach((read, n) => read(y, shades[n]));
    const made = new Float32Array(3 * guide.width);
    for (let i = 0; i < made.length; i++) {
      const x = Math.trunc(i / 3), c = i % 3, shares = TO_RGB[c];
      const value = shares[0] * row[x] + shares[1] * shades[0][x] + shares[2] * shades[1][x];
      made[i] = Math.max(limits[c][0], Math.min(limits[c][1], value));
    }
    for (let i = 0; grey && i < made.length; i += 3) {
      made.fill(TO_YCC[0].reduce((sum, part, c) => sum + part * made[i + c], 0), i, i + 3);
    }
    yield { y, row: made };
  }
}

/** Whether a window's left, upper, right and lower side lie, at least in part, within a picture; Window.ends_within. */
function endsWithin(window, { width, height }) {
  const { left, top } = window;
  if (!window.angle) return [left > 0, top > 0, left + window.width < width, top + window.height < height];
  const corners = cornersOf(window);
  return [[3, 0], [0, 1], [1, 2], [2, 3]].map(([one, other]) => (
    Array.from({ length: SIDE_STEPS + 1 }, (_, n) => n / SIDE_STEPS).some((share) => {
      const [x, y] = [0, 1].map((axis) => corners[one][axis] * (1 - share) + corners[other][axis] * share);
      return x > 0 && x < width - 1 && y > 0 && y < height - 1;
    })));
}

/** Weights along one axis: 1, and down to 0 at an end that lies within the picture. */
function fading(length, starts, stops) {
  const ramp = Math.max(1, BORDER * length);
  return Float32Array.from({ length }, (_, i) => (
    Math.max(0, Math.min(1, starts ? (i + 0.5) / ramp : 1, stops ? (length - i - 0.5) / ramp : 1))));
}

/** Of a window's columns and rows, what they count: {wide, high}. paste_back.fading. */
export function fadingOf(window, picture) {
  const [left, top, right, bottom] = endsWithin(window, picture);
  return { wide: fading(window.width, left, right), high: fading(window.height, top, bottom) };
}

/** First and last row of a window in which masks of the networks' size may be more than 0; null where none is. */
export function markedRows(masks, { height }) {
  const { width, height: side } = masks[0], marked = Array.from({ length: side }, (_, y) => (
    masks.some(({ values }) => values.subarray(y * width, (y + 1) * width).some((value) => value > 0))));
  if (!marked.includes(true)) return null;
  const [first, last] = [marked.indexOf(true) - 1, marked.lastIndexOf(true) + 2]; // they are interpolated in between
  return [Math.max(0, Math.floor((first * height) / side)), Math.min(height - 1, Math.ceil((last * height) / side))];
}

/**
 * add(y, chosen, pixels): adds a change to a row of a picture; rows have to come from top to bottom.
 *
 * @param picture that it is added to.
 * @param change as of `raisedRows`, of a window, in units of white.
 * @param rows first and last row of the window in which something changes.
 * @param seen {picture, window}: the guide, the window's own pixels by default; of any picture in which the window lies.
 * @param grey whether to add brightness alone.
 * @returns add takes the masks of the groups to take together, and pixels (RGBA) as floats in 0..255, which are changed.
 */
export function adder(picture, window, change, strength, [first, last], seen = { picture, window }, grey = false) {
  const guide = guideOf(seen.picture, seen.window), { wide, high } = fadingOf(window, picture), scale = 255 * strength;
  const move = (pixels, x, blend, line, from) => {
    for (let k = 0; k < 3; k++) pixels[4 * x + k] = Math.max(0, Math.min(255, pixels[4 * x + k] + scale * blend * line[from + k]));
  };
  if (window.angle) {
    const kept = keptRows(change, guide, first, last, grey), inside = insideOf(window, picture), found = new Float32Array(4);
    const to = pictureToPixels(window, inside);
    return (y, chosen, pixels) => {
      for (let x = inside.left; x < inside.right; x++) {
        const most = Math.min(1, chosen[x]);
        if (most < MASK_FLOOR) continue;
        kept(stepsOf(to, x - inside.left, y - inside.top), wide, high, found);
        if (most * found[3] >= MASK_FLOOR) move(pixels, x, most * found[3], found, 0);
      }
    };
  }
  const start = Math.max(first, -window.top, 0), stop = Math.min(last, picture.height - 1 - window.top);
  const rows = raisedRows(change, guide, start, stop, grey);
  return (y, chosen, pixels) => {
    const at = y - window.top;
    if (at < start || at > stop) return;
    const { row } = rows.next().value;
    for (let x = Math.max(0, window.left); x < Math.min(picture.width, window.left + window.width); x++) {
      const blend = Math.min(1, chosen[x]) * wide[x - window.left] * high[at];
      if (blend >= MASK_FLOOR) move(pixels, x, blend, row, 3 * (x - window.left));
    }
  };
}

/** look([x, y] in steps, wide, high, found): a turned window's change, and how far it fades out, at a place in it. */
function keptRows(change, guide, first, last, grey) {
  const { width, height } = guide, kept = new Float32Array(3 * width * (last + 1 - first));
  for (const { y, row } of raisedRows(change, guide, first, last, grey)) kept.set(row, 3 * width * (y - first));
  return ([x, y], wide, high, found) => {
    const right = (x & 31) / 32, below = (y & 31) / 32;
    found.fill(0);
    for (let k = 0; k < 4; k++) {
      const column = (x >> 5) + (k & 1), row = (y >> 5) + (k >> 1);
      if (column < 0 || row < 0 || column >= width || row >= height) continue;
      const weight = (k & 1 ? right : 1 - right) * (k >> 1 ? below : 1 - below);
      found[3] += weight * wide[column] * high[row];
      if (row < first || row > last) continue;
      const from = 3 * ((row - first) * width + column);
      for (let c = 0; c < 3; c++) found[c] += weight * kept[from + c];
    }
  };
}
