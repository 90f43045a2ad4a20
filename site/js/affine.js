// Affine maps as [a, b, c, d, e, f]: x = a i + b j + c, y = d i + e j + f; and sampling through them as OpenCV does it.

const FINE = 1024, STEPS = 32;

/** The place of (i, j). */
export const at = (m, i, j) => [m[0] * i + m[1] * j + m[2], m[3] * i + m[4] * j + m[5]];

export function inverted([a, b, c, d, e, f]) {
  const determinant = a * e - b * d;
  const [p, q, r, s] = [e / determinant, -b / determinant, -d / determinant, a / determinant];
  return [p, q, -p * c - q * f, r, s, -r * c - s * f];
}

/** Rounded to the nearest whole number, halves to the even one: as NumPy, Python and OpenCV round. */
export function rint(value) {
  const floor = Math.floor(value), part = value - floor;
  if (part < 0.5) return floor;
  if (part > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

export const clamp = (place, size) => (place < 0 ? 0 : place >= size ? size - 1 : place);

const steps = (along, across) => (rint(FINE * along) + rint(FINE * across) + FINE / STEPS / 2) >> 5;

/** 32 x and 32 y of column i and row j: warpAffine looks at so many places between two pixels. */
export const stepsOf = (m, i, j) => [steps(m[0] * i, m[1] * j + m[2]), steps(m[3] * i, m[4] * j + m[5])];

/**
 * Red, green and blue of a picture (RGBA) at a place in steps, rounded with halves up; beyond the border its last pixels
 * (edge), or black.
 */
export function sampleColour(picture, x, y, edge, rgb, offset) {
  const { width, height, data } = picture;
  const right = (x & 31) / STEPS, below = (y & 31) / STEPS, column = x >> 5, row = y >> 5;
  let [red, green, blue] = [0, 0, 0];
  for (let k = 0; k < 4; k++) {
    let i = column + (k & 1), j = row + (k >> 1);
    if (i < 0 || j < 0 || i >= width || j >= height) {
      if (!edge) continue;
      i = clamp(i, width);
      j = clamp(j, height);
    }
    const weight = (k & 1 ? right : 1 - right) * (k >> 1 ? below : 1 - below), from = 4 * (j * width + i);
    red += weight * data[from];
    green += weight * data[from + 1];
    blue += weight * data[from + 2];
  }
  rgb[offset] = Math.floor(red + 0.5);
  rgb[offset + 1] = Math.floor(green + 0.5);
  rgb[offset + 2] = Math.floor(blue + 0.5);
}

/** A plane's value at a place in steps; beyond the border its last pixels (edge), or 0. */
export function samplePlane({ width, height, values }, x, y, edge) {
  const right = (x & 31) / STEPS, below = (y & 31) / STEPS, column = x >> 5, row = y >> 5;
  let sum = 0;
  for (let k = 0; k < 4; k++) {
    let i = column + (k & 1), j = row + (k >> 1);
    if (i < 0 || j < 0 || i >= width || j >= height) {
      if (!edge) continue;
      i = clamp(i, width);
      j = clamp(j, height);
    }
    sum += (k & 1 ? right : 1 - right) * (k >> 1 ? below : 1 - below) * values[j * width + i];
  }
  return sum;
}
