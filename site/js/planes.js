// Resizing: planes of floats {width, height, values}, and pictures {width, height, data} of RGBA bytes.
// lomit_tf/imaging/paste_back.py and lomit_tf/data/preprocess.py do the same with OpenCV and TensorFlow.

import { rint } from "./affine.js";
import { rowsOf, whole } from "./windows.js";

const { fround } = Math;

export const plane = (width, height, values = new Float32Array(width * height)) => ({ width, height, values });
export const picture = (width, height, data = new Uint8ClampedArray(4 * width * height)) => ({ width, height, data });

/**
 * The weights of a resize along one axis: output i is the sum of weights[i][k] * input[start[i] + k]. A triangle of the
 * scale's width where it shrinks: tf.image.resize(antialias=True), with the reciprocals that it rounds to float32.
 */
export function antialiased(from, to) {
  const inverse = fround(1 / fround(to / from)), width = Math.max(inverse, 1), narrowness = fround(1 / width);
  const start = [], weights = [];
  for (let i = 0; i < to; i++) {
    const centre = fround(fround(i + 0.5) * inverse);
    const first = Math.max(0, Math.ceil(fround(fround(centre - width) - 0.5)));
    const end = Math.min(from, Math.floor(fround(fround(centre + width) - 0.5)) + 1);
    const made = new Float32Array(end - first);
    let sum = 0;
    for (let k = first; k < end; k++) {
      made[k - first] = Math.max(0, fround(1 - Math.abs(fround(fround(k + 0.5 - centre) * narrowness))));
      sum = fround(sum + made[k - first]);
    }
    const share = fround(1 / sum);
    for (let k = 0; k < made.length; k++) made[k] *= share;
    start.push(first);
    weights.push(made);
  }
  return { start, weights };
}

/** Half-pixel centres, edges repeated: OpenCV's INTER_LINEAR. */
export function linear(from, to) {
  const start = [], weights = [];
  for (let i = 0; i < to; i++) {
    const centre = fround(((i + 0.5) * from) / to - 0.5), first = Math.floor(centre), part = fround(centre - first);
    const outside = first < 0 || first >= from - 1;
    start.push(outside ? (first < 0 ? 0 : from - 1) : first);
    weights.push(Float32Array.from(outside ? [1] : [1 - part, part]));
  }
  return { start, weights };
}

/** The average of what an output pixel covers, by area: OpenCV's INTER_AREA, with what it leaves out; to <= from. */
export function area(from, to) {
  const scale = 1 / (to / from), start = [], weights = [];
  for (let i = 0; i < to; i++) {
    const low = i * scale, high = low + scale, cell = Math.min(scale, from - low);
    let first = Math.ceil(low);
    const last = Math.min(Math.floor(high), from - 1), made = [];
    first = Math.min(first, last);
    start.push(first - low > 1e-3 ? first - 1 : first);
    if (first - low > 1e-3) made.push((first - low) / cell);
    for (let k = first; k < last; k++) made.push(1 / cell);
    if (high - last > 1e-3) made.push(Math.min(Math.min(high - last, 1), cell) / cell);
    weights.push(Float32Array.from(made));
  }
  return { start, weights };
}

/** A row with `channels` values for each pixel, resized. */
export function across({ start, weights }, row, channels, to) {
  for (let x = 0; x < start.length; x++) {
    const shares = weights[x];
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let k = 0, i = start[x] * channels + c; k < shares.length; k++, i += channels) {
        sum = fround(sum + fround(shares[k] * row[i]));
      }
      to[x * channels + c] = sum;
    }
  }
}

/** The filters of a resize along both axes: averages where both shrink, else bilinear, as paste_back.upsample_masks. */
export function resizing(from, { width, height }) {
  const filter = width <= from.width && height <= from.height ? area : linear;
  return { wide: filter(from.width, width), high: filter(from.height, height) };
}

/**
 * A plane at another size, row by row: read(y, to) fills row y. Bilinear, averaged where both axes shrink, as
 * paste_back.upsample_masks.
 */
export function resizedRows(source, width, height) {
  if (source.width === width && source.height === height) {
    return (y, to) => to.set(source.values.subarray(y * width, (y + 1) * width));
  }
  const { wide, high } = resizing(source, { width, height }), lines = plane(width, source.height);
  for (let y = 0; y < source.height; y++) {
    across(wide, source.values.subarray(y * source.width, (y + 1) * source.width), 1,
      lines.values.subarray(y * width, (y + 1) * width));
  }
  return (y, to) => {
    const shares = high.weights[y];
    to.fill(0);
    for (let k = 0; k < shares.length; k++) {
      const share = shares[k], from = (high.start[y] + k) * width;
      for (let x = 0; x < width; x++) to[x] += share * lines.values[from + x];
    }
  };
}

/** The same as a whole plane. */
export function resizedPlane(source, width, height) {
  if (source.width === width && source.height === height) return source;
  const made = plane(width, height), read = resizedRows(source, width, height);
  for (let y = 0; y < height; y++) read(y, made.values.subarray(y * width, (y + 1) * width));
  return made;
}

/** A mask at the model's size, size x size, in 0..1; paste_back.downsample. */
export function downsampled(mask, size) {
  const made = plane(size, size, Float32Array.from(resizedPlane(mask, size, size).values));
  for (let i = 0; i < made.values.length; i++) made.values[i] = Math.max(0, Math.min(1, made.values[i]));
  return made;
}

/**
 * A smaller copy of a window of a picture, averaged and rounded. Halved before it where that is exact, as
 * lomit_tf/imaging/averaging.py does it.
 */
export function averaged(source, window, width, height) {
  const twice = window.width >= 2 * width && window.height >= 2 * height;
  if (twice && !(window.width % 2 || window.height % 2) && !(window.width === 2 * width && window.height === 2 * height)) {
    const half = averaged(source, window, window.width / 2, window.height / 2);
    return averaged(half, whole(half), width, height);
  }
  return averagedAtOnce(source, window, width, height);
}

/** The same in one step: INTER_AREA, where halves of 2 x 2 pixels go up. */
export function averagedAtOnce(source, window, width, height) {
  const read = rowsOf(source, window), wide = area(window.width, width), high = area(window.height, height);
  const halved = 2 * width === window.width && 2 * height === window.height;
  const row = new Float32Array(3 * window.width), narrow = new Float32Array(3 * width), made = picture(width, height);
  for (let y = 0; y < height; y++) {
    const sum = new Float32Array(3 * width), shares = high.weights[y];
    for (let k = 0; k < shares.length; k++) {
      read(high.start[y] + k, row);
      across(wide, row, 3, narrow);
      for (let i = 0; i < sum.length; i++) sum[i] += shares[k] * narrow[i];
    }
    for (let x = 0; x < width; x++) {
      const to = 4 * (y * width + x);
      for (let c = 0; c < 3; c++) made.data[to + c] = halved ? Math.floor(sum[3 * x + c] + 0.5) : rint(sum[3 * x + c]);
      made.data[to + 3] = 255;
    }
  }
  return made;
}

/**
 * A window of a picture as the model sees it: antialiased bilinear, rounded (half to even) to 0..255, the height before
 * the width as TensorFlow does it; preprocess.resize. Returns a picture size x size.
 */
export function seen(source, window, size) {
  const read = rowsOf(source, window), wide = antialiased(window.width, size), high = antialiased(window.height, size);
  const row = new Float32Array(3 * window.width), line = new Float32Array(3 * size), made = picture(size, size);
  for (let y = 0; y < size; y++) {
    const sum = new Float32Array(3 * window.width), shares = high.weights[y];
    for (let k = 0; k < shares.length; k++) {
      read(high.start[y] + k, row);
      const share = shares[k];
      for (let i = 0; i < sum.length; i++) sum[i] += fround(share * row[i]);
    }
    across(wide, sum, 3, line);
    for (let x = 0; x < size; x++) {
      const to = 4 * (y * size + x);
      for (let c = 0; c < 3; c++) made.data[to + c] = rint(line[3 * x + c]);
      made.data[to + 3] = 255;
    }
  }
  return made;
}

/** A picture's colours as the model takes them: 0..255 -> -1..1, preprocess.to_model_range. */
export function toModelRange({ data }) {
  const values = new Float32Array((data.length / 4) * 3);
  for (let i = 0, k = 0; i < data.length; i += 4) {
    for (let c = 0; c < 3; c++) values[k++] = (data[i + c] - 127.5) * fround(1 / 127.5);
  }
  return values;
}
