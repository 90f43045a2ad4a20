// Where hair, skin, background and clothes lie in pictures of faces: lomit_tf/imaging/face_layouts.py; docs/method.md,
// eqs. (9.20) and (9.21).

import { plane, resizedPlane } from "./planes.js";
import { COUNT } from "./regions.js";

/** Pixels along each side at which a picture's own layout is looked for. */
export const SIZE = 64;
const COARSE = 16, SHARPNESS = 0.1, LEAST = 1e-4; // SHARPNESS: how much one coarse pixel says about the layout
const coarse = (regions) => regions.map((one) => resizedPlane(one, COARSE, COARSE).values);

/** Layouts of SIZE x SIZE pixels. */
export class Layouts {
  /** @param bytes what `Layouts.to_plain` of Python gave. */
  constructor(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), count = view.getUint32(0), side = view.getUint32(4);
    let at = 8;
    const numbers = (length) => Float32Array.from({ length }, () => {
      at += 2;
      return view.getUint16(at - 2) / 65535;
    });
    const regions = () => {
      const all = numbers(COUNT * side * side), of = (k) => all.filter((_, i) => i % COUNT === k);
      return Array.from({ length: COUNT }, (_, k) => resizedPlane(plane(side, side, of(k)), SIZE, SIZE));
    };
    this.shares = numbers(count);
    this.mean = regions();
    this.each = Array.from({ length: count }, regions);
    this.logarithms = this.each.map((one) => coarse(one).map((values) => Float64Array.from(values, (value) => Math.log(value + LEAST))));
  }

  /** The layout of regions of SIZE x SIZE pixels: a mixture of those that they are like. */
  nearest(regions) {
    const found = coarse(regions), scores = this.logarithms.map((logarithms, z) => (
      logarithms.reduce((sum, values, k) => sum + SHARPNESS * product(found[k], values), Math.log(this.shares[z]))));
    const most = Math.max(...scores), weights = scores.map((score) => Math.exp(score - most));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return regions.map((_, k) => {
      const made = plane(SIZE, SIZE);
      this.each.forEach((one, z) => add(made.values, weights[z] / sum, one[k].values));
      return made;
    });
  }
}

function add(values, weight, others) {
  for (let i = 0; i < values.length; i++) values[i] += weight * others[i];
}

function product(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += one[i] * other[i];
  return sum;
}
