// A face's picture parted into hair, skin, background and clothes by its own colours: expectation maximisation, as in
// lomit_tf/imaging/face_regions.py; docs/method.md, eqs. (9.15) to (9.17). Regions are four planes of one size.

import { rint } from "./affine.js";
import { guided } from "./guided_planes.js";
import { OWNER, byLightness, expect, fitted, multiply } from "./mixtures.js";
import { plane } from "./planes.js";

/** Places of two of the regions, hair, skin, background and clothes; and how many there are. */
export const HAIR = 0, SKIN = 1, COUNT = 4;
const SMOOTH_FROM = 2, RADIUS = 1 / 16, EPSILON = 0.1; // of the guided filter: its first round, its radius as a share of the height
const LEAST_PRIOR = 1e-4, FLOOR = 1e-3, MASK_POWER = 0.3; // FLOOR: a network that is sure may be wrong
const FLOOR_POWER = FLOOR ** MASK_POWER;
const power = (share) => (share > FLOOR ? Math.exp(MASK_POWER * Math.log(share)) : FLOOR_POWER); // half the time of **

/** Where the regions lie before the colours are looked at, their sum 1, of a plane with a mask of the hair and a layout. */
export function prior({ width, height, values }, layout) {
  const made = layout.map(() => plane(width, height));
  weigh(values, ...layout.map((one) => one.values), ...made.map((one) => one.values));
  return made;
}

function weigh(mask, hair, skin, background, clothes, ofHair, ofSkin, ofBackground, ofClothes) {
  for (let i = 0; i < mask.length; i++) {
    const share = Math.min(mask[i], 1), left = (1 - share) / (skin[i] + background[i] + clothes[i]);
    const one = power(share) * Math.max(hair[i], FLOOR), two = power(left * skin[i]) * Math.max(skin[i], FLOOR);
    const three = power(left * background[i]) * Math.max(background[i], FLOOR), four = power(left * clothes[i]) * Math.max(clothes[i], FLOOR);
    const sum = one + two + three + four;
    ofHair[i] = one / sum;
    ofSkin[i] = two / sum;
    ofBackground[i] = three / sum;
    ofClothes[i] = four / sum;
  }
}

/**
 * How far each pixel belongs to each region, their sum 1.
 *
 * @param values of `features`.
 * @param where of `prior`.
 * @param rounds of the expectation maximisation.
 */
export function responsibilities(values, where, rounds) {
  const { width, height } = where[0];
  const before = where.map((one) => clipped(one.values, LEAST_PRIOR));
  normalise(...before);
  const found = before.map((one) => one.slice());
  found.forEach((one) => multiply(one, one));
  normalise(...found);
  const parts = byLightness(values, found);
  for (let round = 0; round < rounds; round++) {
    expect(values, fitted(values, parts), before, found, parts);
    if (round >= SMOOTH_FROM) smooth(values, found);
    if (round === rounds - 1) break; // nothing is fitted any more
    parts.forEach((part, c) => multiply(part, found[OWNER[c]]));
  }
  return found.map((one) => plane(width, height, new Float32Array(one)));
}

/** Each pixel's values of the regions divided by their sum, in place. */
function normalise(hair, skin, background, clothes) {
  for (let i = 0; i < hair.length; i++) {
    const share = 1 / (hair[i] + skin[i] + background[i] + clothes[i]);
    hair[i] *= share;
    skin[i] *= share;
    background[i] *= share;
    clothes[i] *= share;
  }
}

/** Responsibilities through the guided filter of the picture's colours, in place; their sum stays 1. */
function smooth(values, found) {
  const { width, height } = values[0], radius = Math.max(1, rint(RADIUS * height));
  const given = found.map((one) => plane(width, height, new Float32Array(one)));
  guided(values.slice(0, 3), given, radius, EPSILON).forEach((made, k) => found[k].set(clipped(made.values, 1e-6)));
  normalise(...found);
}

function clipped(values, least) {
  const made = new Float64Array(values.length);
  for (let i = 0; i < made.length; i++) made[i] = Math.max(least, Math.min(1, values[i]));
  return made;
}
