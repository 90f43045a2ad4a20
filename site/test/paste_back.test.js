// What free groups change, brought to a photograph's size, against OpenCV's results; and the masks of several groups.

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { apart, interleaved, share } from "../js/group_masks.js";
import { adder, isMonochrome, markedRows } from "../js/paste_back.js";
import { plane as planeOf, resizedPlane, seen, toModelRange } from "../js/planes.js";
import { changedPicture, seenAgain } from "../js/second_look.js";
import { insideOf, uncutRows, windowOf } from "../js/windows.js";
import { difference, picture, plane } from "./golden.js";

const FOLDER = process.env.LOMIT_GOLDEN, options = { skip: FOLDER ? false : "LOMIT_GOLDEN names no folder" };

/** What tests/site/test_site_units.py has written of an array of float32. */
function values(name) {
  const bytes = fs.readFileSync(new URL(`${name}.bin`, FOLDER));
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

/** A photograph with the change from what the model sees to painted.png, within mask.png. */
function pasted(photo, window, view, strength = 1, grey = false) {
  const mask = plane("mask.png"), before = toModelRange(view), after = toModelRange(picture("painted.png"));
  const change = { width: 64, height: 64, values: after.map((value, i) => (value - before[i]) / 2) };
  const add = adder(photo, window, change, strength, markedRows([mask], window), undefined, grey);
  const inside = insideOf(window, photo), read = uncutRows(resizedPlane(mask, window.width, window.height), window, inside);
  const data = Float32Array.from(photo.data), row = new Float32Array(photo.width);
  for (let y = inside.top; y < inside.bottom; y++) {
    read(y, row.fill(0).subarray(inside.left, inside.right));
    add(y, row, data.subarray(4 * y * photo.width, 4 * (y + 1) * photo.width));
  }
  return Uint8ClampedArray.from(data);
}

const [WITHIN, BEYOND, TURNED] = [windowOf(12, 31, 110, 101), windowOf(30, -47, 296, 296), windowOf(40, 30, 200, 200, 25)];
for (const [name, source, view, window] of [
  ["pasted", "photo", "view", WITHIN], ["pasted_beyond", "large", "view_beyond", BEYOND], ["pasted_turned", "large", "view_turned", TURNED],
]) {
  test(`a change is added to a photograph as in OpenCV: ${name}`, () => {
    const photo = picture(`${source}.png`), made = pasted(photo, window, picture(`${view}.png`));
    const { most, count } = difference(made, picture(`${name}.png`).data), { count: moved } = difference(made, photo.data);
    assert.ok(most <= 1 && count < made.length / 100 && moved > 3000, `${count} differ by up to ${most}, ${moved} changed`);
  });
}

test("a strength of 0, and what lies outside of the mask, leave every bit", () => {
  const photo = picture("photo.png"), view = seen(photo, WITHIN, 64);
  assert.equal(difference(pasted(photo, WITHIN, view, 0), photo.data).most, 0);
  assert.deepEqual([...pasted(photo, WITHIN, view).slice(0, 400)], [...photo.data.slice(0, 400)]);
  assert.equal(markedRows([planeOf(8, 8)], WITHIN), null);
});

for (const angle of [0, 25]) {
  test(`a grey photograph stays grey in a window turned by ${angle}`, () => {
    const photo = picture("large.png"), grey = { ...photo, data: photo.data.map((_, i, all) => (i % 4 === 3 ? 255 : all[4 * (i >> 2)])) };
    const window = windowOf(40, 30, 200, 200, angle), made = [grey, photo].map((one) => pasted(one, window, picture("view_turned.png"), 1, isMonochrome(one, window)));
    const coloured = made.map((data) => data.filter((value, i) => i % 4 < 3 && value !== data[4 * (i >> 2)]).length);
    assert.equal(coloured[0], 0);
    assert.ok(coloured[1] > 3000 && difference(made[0], grey.data).count > 3000);
  });
}

test("one tint is no colour, nor are the traces of a JPEG", () => {
  const of = (...pixels) => ({ width: 4, height: 3, data: Uint8ClampedArray.from({ length: 48 }, (_, i) => [...pixels[(i >> 2) % pixels.length], 255][i % 4]) });
  const window = windowOf(-2, 0, 4, 4, 0), spotted = of([64, 64, 64]);
  spotted.data.set([255, 0, 0], 4 * 2); // beside the window
  const pictures = [of([64, 64, 90]), of([60, 50, 40], [120, 100, 80]), of([60, 64, 64], [120, 116, 120]), spotted, of([80, 64, 64], [64, 80, 64], [64, 64, 80])];
  assert.deepEqual(pictures.map((one) => isMonochrome(one, window)), [true, true, true, true, false]);
});

test("a window smaller than what the model paints", () => {
  const photo = picture("large.png"), window = windowOf(20, 20, 48, 48), made = pasted(photo, window, seen(photo, window, 64));
  assert.ok(difference(made, photo.data).count > 300);
});

test("a group that was given stays, and the others share what is left", () => {
  const [own, given, expected] = ["own_masks.png", "given_mask.png", "shared_masks.png"].map((name) => plane(name).values), n = given.length;
  const masks = [0, 1, 2].map((g) => own.slice(g * n, (g + 1) * n));
  share(masks, [null, given, null], [false, false, false]);
  masks.forEach((mask, g) => assert.ok(difference(mask, expected.subarray(g * n, (g + 1) * n)).most < 0.501 / 255, `group ${g}`));
});

test("groups that overlap take nothing from others", options, () => {
  const own = values("own"), expected = values("replaced"), count = 4, side = Math.sqrt(own.length / count);
  const masks = apart(own, count, side), given = apart(values("given"), count, side).map(({ values: one }, g) => (g === 1 || g === 2 ? one : null));
  assert.deepEqual(interleaved(masks), own);
  share(masks.map((mask) => mask.values), given, [false, false, true, true]);
  assert.ok(difference(interleaved(masks), expected).most < 1e-6);
});

test("the networks look once more at what was painted freely", options, () => {
  const [before, raw, masks, found] = ["before", "raw", "own", "found"].map(values), side = Math.sqrt(before.length / 3);
  const planes = apart(masks, 4, side), near = [planes[2], planes[3]];
  const painted = changedPicture(before, { raw, displacement: null }, near, 0.8);
  assert.ok(difference(painted, values("painted")).most < 1e-6);
  const displacement = { width: side, height: side, values: values("by") }, moved = changedPicture(before, { raw, displacement }, near, 0.8);
  assert.ok(difference(moved, values("painted_moved")).most < 1e-5 && difference(moved, painted).most > 0.5);
  const again = seenAgain(before, painted, planes, apart(found, 4, side), [1]);
  assert.ok(difference(interleaved(again), values("seen")).most < 1e-5);
  assert.equal(again[0], planes[0]);
});

