// The light that a face is seen in, and pictures as they would look in that of another: lomit_tf/imaging/light.py, which
// says why; docs/method.md, eq. (10.9).

import { rint } from "./affine.js";

const SKIN = [0.5, 0.57, 0.14, 0.09]; // centre and radii of the middle of the face, in sides of a window framed as CelebA's are
const LEAST = 0.02; // added to colours in 0..1, so that a black face has a light
const FURTHEST = 1.6; // how many times as strong a colour's part of the light may be
const SHARE = 0.5; // of the difference of both lights, in logarithms, where both faces have the colour of skin
const WARM = [0.08, 0.2], PINK = 0.2; // of `known`
const { fround } = Math;

const luminance = (r, g, b) => fround(0.299 * r + 0.587 * g + 0.114 * b);

/**
 * The median of a face's skin, red, green and blue, its luminance 1.
 *
 * @param pixels of a square, in -1..1, framed as CelebA's are.
 * @param size its side.
 */
export function lightOf(pixels, size) {
  const skin = skinOf(size);
  const colour = [0, 1, 2].map((c) => fround(median(Float32Array.from(skin, (i) => pixels[3 * i + c] / 2 + 0.5)) + LEAST));
  return Float32Array.from(colour, (value) => value / luminance(...colour));
}

/** How far a light is that of skin, from 0, of grey or painted faces, to 1. */
export function known([red, green, blue]) {
  const [low, high] = WARM;
  return Math.max(0, Math.min(1, (red - blue - low) / (high - low))) * Math.max(0, Math.min(1, 1 + (green - blue) / PINK));
}

/**
 * A picture in other light: its colours change, and the luminance of each pixel stays, as far as 1 allows.
 *
 * @param pixels in -1..1.
 * @param own, wanted its light, of `lightOf`, and the other one.
 * @returns levels of 8 bits; the given picture itself where both lights are the same, or one is not known.
 */
export function inLight(pixels, own, wanted) {
  const way = SHARE * known(own) * known(wanted);
  if (!way || own.every((value, c) => value === wanted[c])) return pixels;
  const gain = Float32Array.from(own, (value, c) => Math.max(1 / FURTHEST, Math.min(FURTHEST, wanted[c] / value)) ** way);
  const made = new Float32Array(pixels.length);
  for (let i = 0; i < made.length; i += 3) {
    const before = [0, 1, 2].map((c) => fround(fround(pixels[i + c] + 1) / 2)), after = before.map((value, c) => fround(value * gain[c]));
    const share = fround(luminance(...before) / Math.max(luminance(...after), 1e-6));
    for (let c = 0; c < 3; c++) made[i + c] = (rint(fround(Math.min(fround(after[c] * share), 1) * 255)) - 127.5) * fround(1 / 127.5);
  }
  return made;
}

/** NumPy's: of an even count the mean of the two middle values. */
function median(values) {
  const sorted = values.sort(), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : fround(sorted[middle - 1] + sorted[middle]) / 2;
}

/** The numbers of the pixels within the ellipse SKIN. */
function skinOf(size) {
  const [x, y, across, down] = SKIN, made = [];
  for (let i = 0; i < size * size; i++) {
    const u = (((i % size) + 0.5) / size - x) / across, v = ((Math.trunc(i / size) + 0.5) / size - y) / down;
    if (u * u + v * v <= 1) made.push(i);
  }
  return made;
}
