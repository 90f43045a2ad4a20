// What regions of a picture are told apart by: CIELAB in units in which its three directions count alike, and the local
// contrast of the lightness; `features` of lomit_tf/imaging/face_regions.py, docs/method.md, eq. (9.14).

import { rint } from "./affine.js";
import { blurredPlane } from "./lab.js";
import { plane } from "./planes.js";

const UNITS = [25, 10, 10], TEXTURE_WEIGHT = 0.5, TEXTURE_SIGMA = 1.2, { fround } = Math;

// For floats OpenCV looks CIELAB up in a table of 33 x 33 x 33, in 14 bits, and interpolates in 16 steps between its places.
const SIDE = 33, BITS = 14, CELL_BITS = 9, STEP_BITS = 4, STEPS = 1 << STEP_BITS, ONE = 1 << BITS, WHOLE_BITS = 3 * STEP_BITS;
const WHITE = [0.950456, 1, 1.088754], DARK = 216 / 24389; // below it the cube root is replaced by a line
const XYZ = [[0.412453, 0.35758, 0.180423], [0.212671, 0.71516, 0.072169], [0.019334, 0.119193, 0.950227]];
const COEFFICIENTS = XYZ.map((row, i) => row.map((value) => value / WHITE[i]));

function table() {
  const linear = Float64Array.from({ length: SIDE }, (_, i) => {
    const x = i / (SIDE - 1);
    return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  });
  const made = new Int16Array(3 * SIDE ** 3), f = new Float64Array(3);
  for (let i = 0; i < SIDE ** 3; i++) {
    const red = linear[Math.trunc(i / SIDE ** 2)], green = linear[Math.trunc(i / SIDE) % SIDE], blue = linear[i % SIDE];
    for (let k = 0; k < 3; k++) {
      const row = COEFFICIENTS[k], x = row[0] * red + row[1] * green + row[2] * blue;
      f[k] = x > DARK ? Math.cbrt(x) : (x * 841) / 108 + 16 / 116;
    }
    made[3 * i] = rint((ONE * (116 * f[1] - 16)) / 100);
    made[3 * i + 1] = rint((ONE * (500 * (f[0] - f[1]) + 128)) / 256);
    made[3 * i + 2] = rint((ONE * (200 * (f[1] - f[2]) + 128)) / 256);
  }
  return made;
}

let TABLE = null; // made when it is first needed
const FINE = Int32Array.from({ length: 256 }, (_, level) => rint(fround(level / 255) * ONE)); // levels in 14 bits
const CELL = FINE.map((value) => value >> CELL_BITS);
const STEP = FINE.map((value) => (value >> (CELL_BITS - STEP_BITS)) & (STEPS - 1));

/** L, a and b of a picture's pixels as three planes: cv2.cvtColor(COLOR_RGB2LAB) of floats. */
function labPlanes({ width, height, data }) {
  TABLE ??= table();
  const planes = UNITS.map(() => plane(width, height)), [light, a, b] = planes.map(({ values }) => values);
  for (let i = 0, from = 0; i < light.length; i++, from += 4) {
    const red = STEP[data[from]], green = STEP[data[from + 1]], blue = STEP[data[from + 2]];
    const first = (CELL[data[from]] * SIDE + CELL[data[from + 1]]) * SIDE + CELL[data[from + 2]];
    let sumL = 0, sumA = 0, sumB = 0;
    for (let corner = 0; corner < 8; corner++) {
      const weight = (corner & 1 ? red : STEPS - red) * (corner & 2 ? green : STEPS - green) * (corner & 4 ? blue : STEPS - blue);
      if (!weight) continue; // beyond the table, too
      const at = 3 * (first + (corner & 1) * SIDE * SIDE + ((corner >> 1) & 1) * SIDE + (corner >> 2));
      sumL += weight * TABLE[at];
      sumA += weight * TABLE[at + 1];
      sumB += weight * TABLE[at + 2];
    }
    const half = 1 << (WHOLE_BITS - 1);
    light[i] = fround(((sumL + half) >> WHOLE_BITS) / ONE) * 100;
    a[i] = fround(fround(((sumA + half) >> WHOLE_BITS) / ONE) * 256) - 128;
    b[i] = fround(fround(((sumB + half) >> WHOLE_BITS) / ONE) * 256) - 128;
  }
  return planes;
}

/** Four planes of a picture: L, a and b in their units, and the local contrast. */
export function features(picture) {
  const { width, height } = picture, lab = labPlanes(picture), light = lab[0].values;
  const [mean, square] = [light, light.map((value) => value * value)].map((values) => blurredPlane(values, width, height, TEXTURE_SIGMA));
  const contrast = mean.map((value, i) => contrastOf(fround(square[i] - fround(value * value))));
  return [...lab.map(({ values }, k) => plane(width, height, values.map((value) => value / UNITS[k]))), plane(width, height, contrast)];
}

const contrastOf = (variance) => TEXTURE_WEIGHT * Math.log1p(Math.sqrt(Math.max(0, variance)));
