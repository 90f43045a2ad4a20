// Colour curves in a photograph's own pixels, against NumPy's and OpenCV's results.

import assert from "node:assert/strict";
import { test } from "node:test";
import { changer } from "../js/curves.js";
import { rectangle } from "../js/mask_edges.js";
import { resizedPlane } from "../js/planes.js";
import { matrixOf, windowOf } from "../js/windows.js";
import { difference, grey, picture, plane } from "./golden.js";

const SIDE = 8, WINDOW = windowOf(12, 31, 110, 101), TURNED = [0.008, 0.0025, -0.35, -0.0025, 0.008, -0.1];

/** The curves of both groups: level 128 is no change and 127 levels are 0.8. */
function curves() {
  const { bytes } = grey("curves.png");
  return { width: SIDE, height: SIDE, values: Float32Array.from(bytes, (level) => ((level - 128) / 127) * 0.8) };
}

/** A photograph changed within masks of a window. */
function changed(photo, masks, map, strength, exact = false) {
  const data = exact ? Float32Array.from(photo.data) : photo.data.slice();
  const within = masks.map((mask) => resizedPlane(mask, WINDOW.width, WINDOW.height));
  const change = changer(curves(), map, strength, exact), lines = masks.map(() => new Float32Array(photo.width));
  for (let y = 0; y < WINDOW.height; y++) {
    lines.forEach((line, g) => line.fill(0).set(within[g].values.subarray(y * WINDOW.width, (y + 1) * WINDOW.width), WINDOW.left));
    change(WINDOW.top + y, lines, data.subarray(4 * (WINDOW.top + y) * photo.width, 4 * (WINDOW.top + y + 1) * photo.width));
  }
  return data;
}

test("a photograph changes within the masks of two groups as in NumPy", () => {
  const photo = picture("photo.png"), masks = ["mask.png", "mask_other.png"].map((name) => plane(name));
  assert.equal(matrixOf(WINDOW).map((n) => n.toFixed(12)).join(), rectangle(12, 31, 110, 101).map((n) => n.toFixed(12)).join());
  for (const [name, map, strength] of [["curved.png", matrixOf(WINDOW), 1], ["curved_turned.png", TURNED, 0.7]]) {
    const expected = picture(name).data, made = changed(photo, masks, map, strength);
    const { most, count } = difference(made, expected), { count: moved } = difference(made, photo.data);
    assert.ok(most <= 1 && count < 0.05 * made.length && moved > 3000, `${name}: ${count} differ by up to ${most}, ${moved} changed`);
    const { most: between, count: rounded } = difference(Uint8ClampedArray.from(changed(photo, masks, map, strength, true)), made);
    assert.ok(between <= 2 && rounded < 0.05 * made.length, `${name} in floats: ${rounded} differ by up to ${between}`);
  }
});

test("nothing to change leaves every bit", () => {
  const photo = picture("photo.png"), faint = plane("mask.png"), both = [faint, faint];
  assert.equal(difference(changed(photo, both, matrixOf(WINDOW), 0), photo.data).most, 0);
  faint.values.fill(0.019);
  assert.equal(difference(changed(photo, both, matrixOf(WINDOW), 1), photo.data).most, 0);
});

test("the luminance is looked up between the centres of the bins", () => {
  // 8 * 128 / 255 - 1/2 = 3.516 bins of 0.1 * 127.5; below 1/16 the first bin, whose change is 0, holds.
  const values = new Float32Array(32);
  for (let k = 0; k < 8; k++) values[4 * k] = k / 10;
  const pixels = new Uint8ClampedArray([0, 16, 128, 255].flatMap((grey) => [grey, grey, grey, 255]));
  changer({ width: 1, height: 1, values }, matrixOf(windowOf(0, 0, 4, 1)), -1)(0, [new Float32Array(4).fill(1)], pixels);
  assert.deepEqual([...pixels], [0, 0, 0, 255, 16, 16, 16, 255, 83, 128, 128, 255, 166, 255, 255, 255]);
});

test("without saturation a pixel is grey", () => {
  // Luminances: 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2, and likewise.
  const values = new Float32Array(32), grid = { width: 1, height: 1, values }, map = matrixOf(windowOf(0, 0, 3, 1));
  for (let k = 0; k < 8; k++) values[4 * k + 3] = -1;
  const photo = [200, 100, 50, 255, 0, 0, 255, 255, 128, 128, 128, 255];
  const made = (strength) => {
    const pixels = new Uint8ClampedArray(photo);
    changer(grid, map, strength)(0, [new Float32Array(3).fill(1)], pixels);
    return [...pixels];
  };
  assert.deepEqual(made(1), [124, 124, 124, 255, 29, 29, 29, 255, 128, 128, 128, 255]);
  assert.deepEqual(made(0.5).slice(0, 3), [162, 112, 87]);
});
