// Which pictures stay grey when a face is changed freely: the whole of pasting.js, with what a network would have painted.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pasted } from "../js/pasting.js";
import { seen, toModelRange } from "../js/planes.js";
import { windowOf } from "../js/windows.js";
import { picture } from "./golden.js";

const WINDOW = windowOf(12, 31, 110, 101);

/** A FramedPhoto of a picture, in which a mask covers everything. */
function framedPhoto(source) {
  return {
    picture: source, screen: source, at: () => ({ window: WINDOW, picture: source }), layers: [null],
    pixels: toModelRange(seen(source, WINDOW, 64)), maskRows: () => (_, rows) => rows.forEach((row) => row.fill(1)),
  };
}

/** How many values differ from red in their pixel, and whether anything changed, where an orange is painted. */
function painted(source, coloured) {
  const raw = Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => [0.8, 0.1, -0.7][i % 3]);
  const masks = [{ width: 64, height: 64, values: new Float32Array(64 * 64).fill(1) }];
  const { data } = pasted(framedPhoto(source), { coloured, free: [0] }, { raw, displacement: null, free: [0], masks, curves: null, own: [] }, 1, true);
  return [data.filter((value, i) => i % 4 < 3 && value !== data[4 * (i >> 2)]).length, data.some((value, i) => value !== source.data[i])];
}

test("a grey photograph stays grey where curves give the colours, and no other", () => {
  const photo = picture("photo.png"), grey = { ...photo, data: photo.data.map((_, i, all) => (i % 4 === 3 ? 255 : all[4 * (i >> 2)])) };
  assert.deepEqual(painted(grey, [1]), [0, true]);
  assert.ok(painted(grey, [])[0] > 3000, "a model without colour groups paints its colour");
  assert.ok(painted(photo, [1])[0] > 3000, "a coloured photograph is given colour");
});
