// Pixels that move, against what OpenCV gives: tests/site/test_site_units.py writes it.

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { movedPart, movedPixels, mover } from "../js/moving.js";
import { windowOf } from "../js/windows.js";
import { difference, picture } from "./golden.js";

const FOLDER = process.env.LOMIT_GOLDEN, options = { skip: FOLDER ? false : "LOMIT_GOLDEN names no folder" };
const NAMES = ["within", "beyond", "turned", "shrinking"];

/** What tests/site/test_site_units.py has written of an array of float32. */
function values(name) {
  const bytes = fs.readFileSync(new URL(`${name}.bin`, FOLDER));
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

/** A displacement as the networks give it. */
function field(name) {
  const by = values(name), side = Math.sqrt(by.length / 2);
  return { width: side, height: side, values: by };
}

/** A picture in floats whose pixels a mover, if any, has moved, without transparency. */
function moved({ width, height, data }, moving) {
  const made = [];
  for (let y = 0; y < height; y++) {
    const line = Float32Array.from(data.subarray(4 * y * width, 4 * (y + 1) * width));
    moving?.move(y, line);
    for (let i = 0; i < line.length; i++) if (i % 4 < 3) made.push(line[i]);
  }
  return made;
}

test("what the model sees moves as in OpenCV", options, () => {
  const before = values("still"), by = field("small_field");
  for (const [name, strength] of [["small_moved", 1], ["small_half", 0.5]]) {
    const made = movedPixels(before, by, strength), { most, count } = difference(made, values(name));
    assert.ok(most < 1e-5, `${count} differ by up to ${most}`);
    assert.ok(difference(made, before).most > 0.5, "it moves");
  }
  by.values.fill(1 / 65);
  assert.deepEqual(movedPixels(before, by), before);
});

for (const name of NAMES) {
  test(`a photograph's pixels move as in OpenCV: ${name}`, options, () => {
    const photo = picture("moving.png", FOLDER), facts = JSON.parse(fs.readFileSync(new URL("windows.json", FOLDER), "utf8"));
    const moving = mover(photo, windowOf(...facts[name]), field("field"), 1.5), made = moved(photo, moving), expected = values(`moved_${name}`);
    const before = moved(photo, null);
    // A place that lies between two of OpenCV's steps may be rounded to either of them.
    const far = made.filter((value, i) => Math.abs(value - expected[i]) > 0.01).length / made.length, { most } = difference(made, expected);
    assert.ok(far < 1e-4 && most < 8, `${far} of the values differ, by up to ${most}`);
    assert.ok(difference(expected, before).count > 100, "some of them move");
  });
}

test("what moves is taken from the picture as it was, and only within the window", options, () => {
  const photo = picture("moving.png", FOLDER), window = windowOf(40, 30, 32, 32), [left, top] = [40, 30];
  const by = { width: 4, height: 4, values: new Float32Array(32).map((_, i) => (i % 2 ? 0 : 0.5)) }; // 4 pixels to the right
  const line = Float32Array.from(photo.data.subarray(4 * photo.width * 46, 4 * photo.width * 47)), given = line.slice();
  const copy = photo.data.slice();
  mover(photo, window, by, 1).move(46, line);
  assert.deepEqual(photo.data, copy);
  for (let x = left + 4; x < left + 24; x++) assert.equal(line[4 * x], given[4 * (x + 4)], `column ${x}`);
  assert.equal(line[4 * (left + 29) + 1] !== given[4 * (left + 29) + 1], true);
  assert.deepEqual(line.subarray(0, 4 * left), given.subarray(0, 4 * left));
  assert.deepEqual(line.subarray(4 * (left + 32)), given.subarray(4 * (left + 32)));
  const part = movedPart(photo, window, mover(photo, window, by, 1));
  assert.deepEqual([part.window.left, part.window.top, part.picture.width], [1, 1, 34]);
  for (let x = 0; x < 32; x++) assert.equal(part.picture.data[4 * ((46 - top + 1) * 34 + x + 1)], Math.round(line[4 * (left + x)]));
});

test("nothing moves where nothing is said to", () => {
  const photo = { width: 40, height: 40, data: new Uint8ClampedArray(6400) }, by = { width: 4, height: 4, values: new Float32Array(32) };
  assert.equal(mover(photo, windowOf(4, 4, 32, 32), by, 1), null);
});
