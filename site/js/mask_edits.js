// Masks as a person paints them, and what that means for the mask at the photograph's size: lomit_tf/webapp/mask_edits.py.

import { rint } from "./affine.js";
import { plane, resizedPlane, resizedRows } from "./planes.js";

const TOLERANCE = 2; // opacities (of 255) that differ by no more were not touched

/** {width, height} of a picture whose longer side becomes `side`. */
export function sizeWithin({ width, height }, side) {
  const scale = side / Math.max(width, height);
  return { width: Math.max(1, rint(width * scale)), height: Math.max(1, rint(height * scale)) };
}

/** A mask as a layer's opacity, bytes of the editor's size. */
export function layerOf(mask, { width, height }) {
  const { values } = resizedPlane(mask, width, height);
  return Uint8Array.from(values, (value) => rint(255 * Math.max(0, Math.min(1, value))));
}

/** Which pixels of a layer a person has changed: 1 and 0; null where none. */
export function touchedOf(layer, found) {
  let any = false;
  const touched = Float32Array.from(layer, (value, i) => {
    const differs = Math.abs(value - found[i]) > TOLERANCE;
    any ||= differs;
    return differs ? 1 : 0;
  });
  return any ? touched : null;
}

/**
 * The mask that a person made of the model's, in place: the layer where it was touched, the mask elsewhere.
 *
 * @param layer, found bytes of the editor's `size`: the opacity as it is, and the one that stands for the model's mask.
 * @param mask the model's, a plane of the photograph's size; it is changed.
 */
export function applied(layer, found, size, mask) {
  const touched = touchedOf(layer, found);
  if (!touched) return mask;
  const { width, height, values } = mask, weights = new Float32Array(width), shares = new Float32Array(width);
  const weight = resizedRows(plane(size.width, size.height, touched), width, height);
  const given = touched.map((one, i) => (one * layer[i]) / 255);
  const value = resizedRows(plane(size.width, size.height, given), width, height);
  for (let y = 0; y < height; y++) {
    weight(y, weights);
    value(y, shares);
    for (let x = 0, i = y * width; x < width; x++, i++) {
      values[i] = Math.max(0, Math.min(1, values[i] * (1 - weights[x]) + shares[x]));
    }
  }
  return mask;
}
