// What the model sees, against TensorFlow's and OpenCV's results.

import assert from "node:assert/strict";
import { test } from "node:test";
import { plane, resizedPlane, seen, toModelRange } from "../js/planes.js";
import { centred, windowOf } from "../js/windows.js";
import { difference, picture } from "./golden.js";

test("a picture shrinks and grows as in TensorFlow, to the bit", () => {
  const photo = picture("photo.png"), window = centred(photo);
  assert.equal(window.top, 14);
  assert.equal(difference(seen(photo, window, 64).data, picture("square_64.png").data).most, 0);
  assert.equal(difference(seen(photo, window, 200).data, picture("square_200.png").data).most, 0);
});

test("windows within, beyond and turned in a picture", () => {
  const [photo, large] = [picture("photo.png"), picture("large.png")];
  for (const [source, window, name] of [
    [photo, windowOf(12, 31, 110, 101), "view"],
    [large, windowOf(30, -47, 296, 296), "view_beyond"],
    [large, windowOf(40, 30, 200, 200, 25), "view_turned"],
  ]) {
    assert.ok(difference(seen(source, window, 64).data, picture(`${name}.png`).data).most <= 1, name);
  }
});

test("the model's range", () => {
  assert.deepEqual([...toModelRange({ data: [0, 255, 127, 255] })].map((v) => Math.round(1e4 * v) / 1e4), [-1, 1, -0.0039]);
});

test("planes are averaged where they shrink and interpolated where they grow", () => {
  const four = plane(4, 2, Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7]));
  assert.deepEqual([...resizedPlane(four, 2, 1).values], [2.5, 4.5]);
  assert.deepEqual([...resizedPlane(plane(2, 1, Float32Array.from([0, 1])), 4, 1).values], [0, 0.25, 0.75, 1]);
});
