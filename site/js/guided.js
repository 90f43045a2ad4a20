// The fast guided filter (He, Sun and Tang, PAMI 2013) as OpenCV's ximgproc.guidedFilter computes it, of one plane and with a
// colour guide; lomit_tf/imaging/paste_back.py says what it is for.

import { rint } from "./affine.js";
import { across, linear, plane, resizing } from "./planes.js";

const RADIUS = 1, SMOOTHNESS = 1e-3 * 255 ** 2, BAND = 32, SUMS = 13, FITTED = 4; // BAND: rows that are made at once

/** One filter after another as a single one. */
export function composed(first, second) {
  const start = [], weights = [];
  second.start.forEach((from, i) => {
    const between = Array.from(second.weights[i], (_, k) => from + k);
    const low = Math.min(...between.map((n) => first.start[n]));
    const made = new Float32Array(Math.max(...between.map((n) => end(first, n))) - low);
    between.forEach((n, k) => first.weights[n].forEach((weight, m) => { made[first.start[n] + m - low] += second.weights[i][k] * weight; }));
    start.push(low);
    weights.push(made);
  });
  return { start, weights };
}

/** The entry after the last one that output `i` of a filter needs. */
const end = ({ start, weights }, i) => start[i] + weights[i].length;

/** Row y of a plane that a filter makes of its height, of the plane's width. */
function rowOf({ width, values }, filter, y, to) {
  to.fill(0);
  filter.weights[y].forEach((weight, k) => {
    const from = (filter.start[y] + k) * width;
    for (let x = 0; x < width; x++) to[x] += weight * values[from + x];
  });
}

/** Beyond its ends a line is mirrored, the last twice: OpenCV's BORDER_REFLECT. */
export function reflected(place, size) {
  const at = ((place % (2 * size)) + 2 * size) % (2 * size);
  return at < size ? at : 2 * size - 1 - at;
}

/** Averages over (2 radius + 1)^2 entries, where all of them are there: 2 radius fewer rows and columns. */
function average(values, columns, rows, radius) {
  const size = 2 * radius + 1, narrow = columns - 2 * radius, wide = new Float64Array(rows * narrow);
  for (let y = 0; y < rows; y++) {
    let sum = 0;
    for (let x = 0; x < columns; x++) {
      sum += values[y * columns + x];
      if (x < size - 1) continue;
      wide[y * narrow + x - size + 1] = sum;
      sum -= values[y * columns + x - size + 1];
    }
  }
  const made = new Float32Array(narrow * (rows - 2 * radius)), sums = new Float64Array(narrow);
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < narrow; x++) sums[x] += wide[y * narrow + x];
    if (y < size - 1) continue;
    const first = (y - size + 1) * narrow;
    for (let x = 0; x < narrow; x++) {
      made[first + x] = sums[x] / (size * size);
      sums[x] -= wide[first + x];
    }
  }
  return made;
}

/**
 * Three factors and the constant of each window, by least squares from its averages, for every plane that is filtered.
 *
 * @param mean of the guide's colours, of their products, and of each plane, alone and times the colours.
 * @param fitted four planes for each that is filtered.
 */
export function fit(mean, i, smoothness, fitted) {
  const r = mean[0][i], g = mean[1][i], b = mean[2][i];
  const rr = mean[3][i] - r * r + smoothness, rg = mean[4][i] - r * g, rb = mean[5][i] - r * b;
  const gg = mean[6][i] - g * g + smoothness, gb = mean[7][i] - g * b, bb = mean[8][i] - b * b + smoothness;
  const irr = gg * bb - gb * gb, irg = gb * rb - rg * bb, irb = rg * gb - gg * rb;
  const igg = rr * bb - rb * rb, igb = rb * rg - rr * gb, ibb = rr * gg - rg * rg;
  const one = 1 / (rr * irr + rg * irg + rb * irb);
  for (let n = 0; n < fitted.length; n += FITTED) {
    const value = mean[9 + n][i];
    const vr = mean[10 + n][i] - value * r, vg = mean[11 + n][i] - value * g, vb = mean[12 + n][i] - value * b;
    const ar = (irr * vr + irg * vg + irb * vb) * one, ag = (irg * vr + igg * vg + igb * vb) * one;
    const ab = (irb * vr + igb * vg + ibb * vb) * one;
    fitted[n][i] = ar;
    fitted[n + 1][i] = ag;
    fitted[n + 2][i] = ab;
    fitted[n + 3][i] = value - ar * r - ag * g - ab * b;
  }
}

/** The linear functions, change = constant + factors . colour, on the filter's subsampled grid: rows from..to-1 of it. */
class Coefficients {
  constructor(guide, change, scale) {
    const [width, height] = [Math.trunc(guide.width * scale), Math.trunc(guide.height * scale)];
    const raising = resizing(change, guide);
    Object.assign(this, { guide, change, width, height, radius: Math.max(1, rint(RADIUS / scale)) });
    this.guideWide = linear(guide.width, width);
    this.guideHigh = linear(guide.height, height);
    // The change is raised to the guide's size and taken at the grid's places.
    this.changeWide = composed(raising.wide, this.guideWide);
    this.changeHigh = composed(raising.high, this.guideHigh);
  }

  rows(from, to) {
    const { guide, change, width, height, radius } = this, span = 2 * radius;
    const padded = width + 2 * span, count = to - from + 2 * span;
    const sums = Array.from({ length: SUMS }, () => new Float32Array(count * padded));
    const wide = new Float32Array(3 * guide.width), partial = new Float32Array(3 * width), colour = new Float32Array(3 * width);
    const small = new Float32Array(change.width), target = new Float32Array(width);
    for (let row = 0; row < count; row++) {
      const y = reflected(from - span + row, height), shares = this.guideHigh.weights[y];
      colour.fill(0);
      for (let k = 0; k < shares.length; k++) {
        guide.read(this.guideHigh.start[y] + k, wide);
        across(this.guideWide, wide, 3, partial);
        for (let i = 0; i < colour.length; i++) colour[i] += shares[k] * partial[i];
      }
      rowOf(change, this.changeHigh, y, small);
      across(this.changeWide, small, 1, target);
      for (let n = 0, i = row * padded; n < padded; n++, i++) {
        const x = reflected(n - span, width), value = target[x];
        const [r, g, b] = [colour[3 * x], colour[3 * x + 1], colour[3 * x + 2]];
        sums[0][i] = r; sums[1][i] = g; sums[2][i] = b;
        sums[3][i] = r * r; sums[4][i] = r * g; sums[5][i] = r * b;
        sums[6][i] = g * g; sums[7][i] = g * b; sums[8][i] = b * b;
        sums[9][i] = value; sums[10][i] = value * r; sums[11][i] = value * g; sums[12][i] = value * b;
      }
    }
    const means = sums.map((values) => average(values, padded, count, radius)), narrow = padded - span, fewer = count - span;
    const fitted = Array.from({ length: FITTED }, () => new Float32Array(narrow * fewer));
    for (let i = 0; i < narrow * fewer; i++) fit(means, i, SMOOTHNESS, fitted);
    return fitted.map((values) => average(values, narrow, fewer, radius));
  }
}

/**
 * One step of paste_back.upsample_change: a plane at the guide's size. Rows are made when they are asked
 * for: those of a photograph would take much memory at once.
 */
export class GuidedStep {
  /**
   * @param change the plane.
   * @param guide {width, height, read(y, rgb)}: the photograph's window, or a smaller copy of it.
   * @param first, last rows of the guide, between which rows will be asked for.
   */
  constructor(change, guide, first, last) {
    Object.assign(this, { change, guide, raising: resizing(change, guide), coefficients: null, correction: change });
    const larger = Math.max(change.width, change.height) / Math.max(guide.width, guide.height);
    const scale = Math.max(larger, 1 / Math.min(guide.width, guide.height)); // at least one pixel stays
    if (scale >= 1) return;
    this.coefficients = new Coefficients(guide, change, scale);
    this.wide = linear(this.coefficients.width, guide.width);
    this.high = linear(this.coefficients.height, guide.height);
    this.correction = this.corrected(first, last);
  }

  /** What the filter blurred away: its averages must give the change again. Two rounds of it in one. */
  corrected(firstRow, lastRow) {
    const { change, guide, raising } = this, lowering = resizing(guide, change), { width, height } = change;
    const missing = plane(width, height), narrow = new Float32Array(width);
    // A row of the guide takes from the rows around it, and their correction from those around them.
    const first = Math.max(0, raising.high.start[firstRow] - 4), stop = Math.min(height, end(raising.high, lastRow) + 4);
    for (let from = first; from < stop; from += BAND) {
      const to = Math.min(stop, from + BAND), low = lowering.high.start[from];
      const rows = this.filtered(low, end(lowering.high, to - 1));
      for (let y = from; y < to; y++) {
        missing.values.set(change.values.subarray(y * width, (y + 1) * width), y * width);
        lowering.high.weights[y].forEach((weight, k) => {
          const at = (lowering.high.start[y] + k - low) * guide.width;
          across(lowering.wide, rows.subarray(at, at + guide.width), 1, narrow);
          for (let x = 0; x < width; x++) missing.values[y * width + x] -= weight * narrow[x];
        });
      }
    }
    const wide = composed(raising.wide, lowering.wide), high = composed(raising.high, lowering.high), lines = plane(width, height);
    for (let y = 0; y < height; y++) {
      const at = y * width;
      across(wide, missing.values.subarray(at, at + width), 1, lines.values.subarray(at, at + width));
    }
    for (let y = 0; y < height; y++) {
      rowOf(lines, high, y, narrow);
      for (let x = 0; x < width; x++) missing.values[y * width + x] = 2 * missing.values[y * width + x] - narrow[x];
    }
    return missing;
  }

  /** The filter's own rows from..to-1 of the guide's size. */
  filtered(from, to) {
    const { guide, coefficients, wide, high } = this, low = high.start[from];
    const grid = coefficients.rows(low, end(high, to - 1)).map((values) => (
      { width: coefficients.width, values }));
    const shifted = { start: high.start.map((start) => start - low), weights: high.weights };
    const lines = grid.map(() => new Float32Array(coefficients.width)), at = grid.map(() => new Float32Array(guide.width));
    const rgb = new Float32Array(3 * guide.width), made = new Float32Array((to - from) * guide.width);
    for (let y = from; y < to; y++) {
      grid.forEach((one, n) => {
        rowOf(one, shifted, y, lines[n]);
        across(wide, lines[n], 1, at[n]);
      });
      guide.read(y, rgb);
      for (let x = 0, i = (y - from) * guide.width; x < guide.width; x++, i++) {
        made[i] = at[3][x] + at[0][x] * rgb[3 * x] + at[1][x] * rgb[3 * x + 1] + at[2][x] * rgb[3 * x + 2];
      }
    }
    return made;
  }

  /** {y, row} of the rows first..last, one after the other, within `limits`, the least and the greatest value. */
  * rows(first, last, [least, greatest]) {
    const { change, guide, coefficients, correction, raising } = this, { width } = guide;
    const small = new Float32Array(change.width), raised = new Float32Array(width);
    for (let from = first; from <= last; from += BAND) {
      const to = Math.min(last + 1, from + BAND), rows = coefficients ? this.filtered(from, to) : new Float32Array((to - from) * width);
      for (let y = from; y < to; y++) {
        const row = rows.subarray((y - from) * width, (y - from + 1) * width);
        rowOf(correction, raising.high, y, small);
        across(raising.wide, small, 1, raised);
        for (let x = 0; x < width; x++) row[x] = Math.max(least, Math.min(greatest, row[x] + raised[x]));
        yield { y, row };
      }
    }
  }
}
