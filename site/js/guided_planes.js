// The guided filter (He, Sun and Tang, PAMI 2013) of several planes at once, with a guide of three planes of their size, as
// OpenCV's ximgproc.guidedFilter computes it.

import { fit, reflected } from "./guided.js";
import { plane } from "./planes.js";

/** Places -radius - 1 to size + radius - 1 of a line, times a step; beyond its ends it is mirrored, the last twice. */
const places = (size, radius, step) => Int32Array.from({ length: size + 2 * radius + 1 }, (_, i) => step * reflected(i - radius - 1, size));

/** Averages over (2 radius + 1)^2 entries in place; `columns` and `rows` are places, `wide` and `sums` room to work in. */
function average(values, radius, columns, rows, wide, sums) {
  const width = sums.length, reach = 2 * radius + 1, share = 1 / reach ** 2;
  for (let row = 0; row < values.length; row += width) {
    let sum = 0;
    for (let k = 0; k < reach; k++) sum += values[row + columns[k]];
    for (let x = 0; x < width; x++) {
      sum += values[row + columns[x + reach]] - values[row + columns[x]];
      wide[row + x] = sum;
    }
  }
  sums.fill(0);
  for (let k = 0; k < reach; k++) for (let x = 0; x < width; x++) sums[x] += wide[rows[k] + x];
  for (let y = 0, row = 0; row < values.length; y++, row += width) {
    const added = rows[y + reach], gone = rows[y];
    for (let x = 0; x < width; x++) {
      sums[x] += wide[added + x] - wide[gone + x];
      values[row + x] = sums[x] * share;
    }
  }
}

function product(one, other) {
  const made = new Float32Array(one.length);
  for (let i = 0; i < made.length; i++) made[i] = one[i] * other[i];
  return made;
}

function fitAll(means, epsilon, fitted) {
  for (let i = 0; i < means[0].length; i++) fit(means, i, epsilon, fitted);
}

/** What linear functions of the guide's colours give. */
function applied(a, b, c, constant, red, green, blue) {
  const made = new Float32Array(a.length);
  for (let i = 0; i < made.length; i++) made[i] = constant[i] + a[i] * red[i] + b[i] * green[i] + c[i] * blue[i];
  return made;
}

/** Planes smoothed where the guide is smooth: within a radius in pixels, with epsilon in squares of the guide's units. */
export function guided(guide, planes, radius, epsilon) {
  const { width, height } = guide[0], count = width * height, [red, green, blue] = guide.map(({ values }) => values);
  const columns = places(width, radius, 1), rows = places(height, radius, width);
  const wide = new Float64Array(count), sums = new Float64Array(width);
  const means = [
    red.slice(), green.slice(), blue.slice(), product(red, red), product(red, green), product(red, blue),
    product(green, green), product(green, blue), product(blue, blue),
    ...planes.flatMap(({ values }) => [values.slice(), product(values, red), product(values, green), product(values, blue)]),
  ];
  for (const values of means) average(values, radius, columns, rows, wide, sums);
  const fitted = Array.from({ length: 4 * planes.length }, () => new Float32Array(count));
  fitAll(means, epsilon, fitted);
  for (const values of fitted) average(values, radius, columns, rows, wide, sums);
  return planes.map((_, n) => plane(width, height, applied(...fitted.slice(4 * n, 4 * n + 4), red, green, blue)));
}
