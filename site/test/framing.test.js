// The window of a face, against framing.face_window and with framing.choose's words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Look } from "../js/look.js";
import { at } from "../js/affine.js";
import { SHAPE } from "../js/celeba_framing.js";
import { faceWindow, framed } from "../js/framing.js";
import { numbers } from "./golden.js";

const PHOTO = { width: 300, height: 410 };

/** A face as SHAPE has it in a crop of this side, centre and angle. */
function face(side, x, y, degrees = 0) {
  const to = Look.place([x, y], side, degrees);
  return { score: 0.9, points: SHAPE.map(([u, v]) => at(to, u + 0.5, v + 0.5)), centre: [x, y], side: side / 2 };
}

test("windows are framing.face_window's of the same points", () => {
  const rows = numbers("framing.txt");
  assert.equal(rows.length, 6);
  for (const row of rows) {
    const points = Array.from({ length: 6 }, (_, i) => [row[2 * i], row[2 * i + 1]]);
    const { left, top, width, angle } = faceWindow({ points }, row[12]);
    assert.deepEqual([left, top, width], row.slice(13, 16));
    assert.ok(Math.abs(angle - row[16]) < 1e-6);
  }
});

test("points where CelebA has them give CelebA's crop", () => {
  const window = faceWindow(face(178, 88.5, 108.5));
  assert.ok(Math.abs(window.left) <= 1 && Math.abs(window.top - 20) <= 1 && Math.abs(window.width - 178) <= 2);
  assert.ok(Math.abs(faceWindow(face(200, 150, 150, -25)).angle + 25) < 0.1);
});

test("the largest face is taken, else the centre, and the person is told", () => {
  const none = framed(PHOTO, { only: null, all: [] });
  assert.deepEqual(none.window, { left: 0, top: 55, width: 300, height: 300, angle: 0 });
  assert.deepEqual(none.notes, ["no face was found, so the centre was taken"]);
  const [small, large] = [face(60, 100, 100), face(120, 150, 200)];
  const both = framed(PHOTO, { only: null, all: [large, small] });
  assert.deepEqual(both.window, faceWindow(large));
  assert.deepEqual(both.faces, [faceWindow(small), faceWindow(large)]);
  assert.equal(both.face, 1);
  assert.match(both.notes[0], /^2 faces were found/);
  assert.deepEqual(framed(PHOTO, { only: null, all: [small] }), { window: faceWindow(small), notes: [], faces: [], face: -1, ofFace: true });
  const tiny = framed(PHOTO, { only: null, all: [face(20, 100, 100)] });
  assert.deepEqual(tiny.window, none.window);
  assert.match(tiny.notes[0], /too small .* so the centre was taken/);
});

test("one large face that the whole shows is taken without a note", () => {
  const [other, large] = [face(40, 50, 50), face(120, 150, 200)], seen = face(121, 150, 200);
  const found = framed(PHOTO, { only: seen, all: [large, other] });
  assert.deepEqual(found.window, faceWindow(seen));
  assert.deepEqual([found.notes, found.faces.length, found.face], [[], 2, -1]);
});
