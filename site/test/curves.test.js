// Colour curves in a photograph's own pixels, against NumPy's and OpenCV's results.

import assert from "node:assert/strict";
import { test } from "node:test";
import { changer } from "../js/curves.js";
import { rectangle } from "../js/mask_edges.js";
import { resizedPlane } from "../js/planes.js";
import { matrixOf, windowOf } from "../js/windows.js";
import { difference, grey, picture, plane } from "./golden.js";

const SIDE = 8, WINDOW = windowOf(12, 31, 110, 101), TURNED = [0.008, 0.0025, -0.35, -0.0025, 0.008, -0.1];

/** The curves of one of two groups: level 128 is no change and 127 levels are 0.8. */
function curves(group) {
  const { bytes } = grey("curves.png"), values = new Float32Array(SIDE * SIDE * 32);
  values.forEach((_, i) => {
    const level = bytes[Math.floor(i / 32) * 64 + group * 32 + (i % 32)];
    values[i] = ((level - 128) / 127) * 0.8;
  });
  return { width: SIDE, height: SIDE, values };
}

/** A photograph changed within a mask of a window. */
function changed(photo, mask, group, map, strength) {
  const data = photo.data.slice(), within = resizedPlane(mask, WINDOW.width, WINDOW.height);
  const change = changer(curves(group), map, strength), line = new Float32Array(photo.width);
  for (let y = 0; y < WINDOW.height; y++) {
    line.fill(0).set(within.values.subarray(y * WINDOW.width, (y + 1) * WINDOW.width), WINDOW.left);
    change(WINDOW.top + y, line, data.subarray(4 * (WINDOW.top + y) * photo.width, 4 * (WINDOW.top + y + 1) * photo.width));
  }
  return data;
}

test("where one group alone shows, a photograph changes as in NumPy", () => {
  const photo = picture("photo.png"), [mask, other] = [plane("mask.png"), plane("mask_other.png")];
  const apart = other.values.map((value) => (value < 0.02 ? 1 : 0)), alone = resizedPlane({ ...other, values: apart }, WINDOW.width, WINDOW.height);
  assert.equal(matrixOf(WINDOW).map((n) => n.toFixed(12)).join(), rectangle(12, 31, 110, 101).map((n) => n.toFixed(12)).join());
  for (const [name, map, strength] of [["curved.png", matrixOf(WINDOW), 1], ["curved_turned.png", TURNED, 0.7]]) {
    const made = changed(photo, mask, 0, map, strength), expected = picture(name).data;
    let [compared, moved] = [0, 0];
    for (let i = 0; i < made.length; i++) {
      const x = (i >> 2) % photo.width, y = Math.floor((i >> 2) / photo.width);
      const inside = x >= 12 && x < 122 && y >= 31 && y < 132;
      if (inside && alone.values[(y - 31) * 110 + x - 12] < 1) continue;
      assert.ok(Math.abs(made[i] - expected[i]) <= 1, `${name}, pixel ${x},${y}: ${made[i]}, expected ${expected[i]}`);
      compared += 1;
      moved += made[i] !== photo.data[i] ? 1 : 0;
    }
    assert.ok(compared > 50000 && moved > 3000, `${compared} compared, ${moved} changed`);
  }
});

test("nothing to change leaves every bit", () => {
  const photo = picture("photo.png"), faint = plane("mask.png");
  assert.equal(difference(changed(photo, faint, 0, matrixOf(WINDOW), 0), photo.data).most, 0);
  faint.values.fill(0.019);
  assert.equal(difference(changed(photo, faint, 0, matrixOf(WINDOW), 1), photo.data).most, 0);
});

test("the luminance is looked up between the centres of the bins", () => {
  // 8 * 128 / 255 - 1/2 = 3.516 bins of 0.1 * 127.5; below 1/16 the first bin, whose change is 0, holds.
  const values = new Float32Array(32);
  for (let k = 0; k < 8; k++) values[4 * k] = k / 10;
  const pixels = new Uint8ClampedArray([0, 16, 128, 255].flatMap((grey) => [grey, grey, grey, 255]));
  changer({ width: 1, height: 1, values }, matrixOf(windowOf(0, 0, 4, 1)), -1)(0, new Float32Array(4).fill(1), pixels);
  assert.deepEqual([...pixels], [0, 0, 0, 255, 16, 16, 16, 255, 83, 128, 128, 255, 166, 255, 255, 255]);
});

test("without saturation a pixel is grey", () => {
  // Luminances: 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2, and likewise.
  const values = new Float32Array(32), grid = { width: 1, height: 1, values }, map = matrixOf(windowOf(0, 0, 3, 1));
  for (let k = 0; k < 8; k++) values[4 * k + 3] = -1;
  const photo = [200, 100, 50, 255, 0, 0, 255, 255, 128, 128, 128, 255];
  const made = (strength) => {
    const pixels = new Uint8ClampedArray(photo);
    changer(grid, map, strength)(0, new Float32Array(3).fill(1), pixels);
    return [...pixels];
  };
  assert.deepEqual(made(1), [124, 124, 124, 255, 29, 29, 29, 255, 128, 128, 128, 255]);
  assert.deepEqual(made(0.5).slice(0, 3), [162, 112, 87]);
});
