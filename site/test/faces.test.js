// The face detector's decoding and looking, against lomit_tf/imaging/faces.py.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FULL, SHORT, anchors, decode, merged, squares } from "../js/faces.js";
import { Look } from "../js/look.js";
import { difference, numbers, picture } from "./golden.js";

for (const [model, name, count] of [[SHORT, "short", 896], [FULL, "full", 2304]]) {
  test(`the ${name}-range network's output is decoded as in Python`, () => {
    assert.equal(anchors(model).length, count);
    const logits = new Float32Array(count).fill(-100), regressors = new Float32Array(16 * count);
    for (const [anchor, logit, ...values] of numbers(`${name}_output.txt`)) {
      logits[anchor] = logit;
      regressors.set(values, 16 * anchor);
    }
    const found = merged(decode(regressors, logits, model, 0.3)), expected = numbers(`${name}_merged.txt`);
    assert.ok(expected.length > 2);
    assert.equal(found.length, expected.length);
    found.forEach((row, n) => assert.ok(difference(row, expected[n]).most < 1e-6));
  });
}

test("squares near and far, turned and beyond the border are OpenCV's", () => {
  const look = new Look(picture("large.png"));
  [[150, 140, 90, 20, 128], [149.5, 144.5, 300, 0, 64], [40, 250, 260, -40, 48]].forEach(([x, y, side, angle, size], n) => {
    const made = look.square(Look.place([x, y], side, angle), side, size);
    assert.ok(difference(made.data, picture(`look_${n}.png`).data).most <= 1);
  });
});

test("the same squares are looked at", () => {
  const made = [...squares(1000, 700), ...squares(300, 4000)].map(([centre, side]) => [...centre, side]);
  const expected = numbers("squares.txt");
  assert.equal(made.length, expected.length);
  made.forEach((row, n) => assert.ok(difference(row, expected[n]).most < 1e-9));
});
