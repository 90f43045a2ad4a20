// Lab, blurs, averages, continued and painted masks and colours against OpenCV and NumPy: tests/site/test_site_units.py
// writes what they give into the folder that LOMIT_GOLDEN names, and runs these tests.

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { rint } from "../js/affine.js";
import { codeOf, moments, parseHex, styleOf } from "../js/colours.js";
import { keepConnected } from "../js/connected.js";
import { sampledRows } from "../js/group_masks.js";
import { blurredBytes, labOf } from "../js/lab.js";
import { extended } from "../js/mask_edges.js";
import { applied, layerOf, sizeWithin, touchedOf } from "../js/mask_edits.js";
import { averaged, plane as planeOf } from "../js/planes.js";
import { cutPlane, insideOf, matrixOf, uncutRows, whole, windowOf } from "../js/windows.js";
import { difference, grey, numbers, picture, plane } from "./golden.js";

const FOLDER = process.env.LOMIT_GOLDEN, options = { skip: FOLDER ? false : "LOMIT_GOLDEN names no folder" };
const facts = () => JSON.parse(fs.readFileSync(new URL("facts.json", FOLDER), "utf8"));
const colours = ({ data }) => Uint8Array.from({ length: (data.length / 4) * 3 }, (_, i) => data[4 * Math.floor(i / 3) + (i % 3)]);

/** What a file of float32 holds: Node's buffers may begin anywhere in a shared one. */
function values(name) {
  const bytes = fs.readFileSync(new URL(`${name}.bin`, FOLDER));
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i));
}

test("Lab is OpenCV's, but for cube roots that it rounds otherwise: one value of ten thousand, by 1", options, () => {
  const { most, count } = difference(labOf(picture("colours.png", FOLDER)), colours(picture("lab.png", FOLDER)));
  assert.ok(most <= 1 && count <= 5, `${count} values by up to ${most}`);
});

test("blurred bytes are OpenCV's, to the bit", options, () => {
  const { width, height, data } = picture("colours.png", FOLDER);
  const made = blurredBytes(colours({ data }), width, height, 3);
  assert.equal(difference(made, colours(picture("blurred.png", FOLDER))).most, 0);
});

test("averages are those of averaging.py", options, () => {
  const photo = picture("photo.png", FOLDER);
  for (const [name, most] of [["half", 0], ["third", 1]]) {
    const expected = picture(`${name}.png`, FOLDER), made = averaged(photo, whole(photo), expected.width, expected.height);
    const { most: found, count } = difference(made.data, expected.data);
    assert.ok(found <= most && count < 1e-3 * made.data.length, `${name}: ${found}, ${count}`);
  }
});

for (const name of ["upright", "turned"]) {
  test(`a mask goes on beyond an ${name} window as in Python`, options, () => {
    const photo = picture("photo.png", FOLDER), window = windowOf(...facts()[name]);
    const mask = plane("mask.png", FOLDER), { masks, map } = extended(photo, [mask, planeOf(64, 64), mask], matrixOf(window), [2]);
    for (const [n, of] of [[0, name], [2, `${name}_ended`]]) { // the last one ends with the window
      const expected = values(of), read = sampledRows(masks[n], map), row = new Float32Array(photo.width);
      let most = 0;
      for (let y = 0; y < photo.height; y++) {
        read(y, row);
        row.forEach((value, x) => { // Python's are 0 below 0.02, where they change nothing
          const wanted = expected[y * photo.width + x];
          most = Math.max(most, wanted === 0 ? value - 0.02 : Math.abs(value - wanted));
        });
      }
      assert.ok(most < 2e-3, `${of}: ${most}`);
    }
    assert.ok(masks[1].values.every((value) => value === 0), "a group of which there is nothing stays so");
  });
}

test("a mask that does not reach the window's border stays", () => {
  const photo = { width: 40, height: 40, data: new Uint8ClampedArray(4 * 1600) }, mask = planeOf(8, 8);
  mask.values[8 * 4 + 4] = 1;
  assert.equal(extended(photo, [mask], matrixOf(windowOf(10, 10, 16, 16))), null);
  mask.values.fill(1);
  assert.equal(extended(photo, [mask], matrixOf(windowOf(10, 10, 16, 16)), [0]), null, "one that ends there does not count");
  assert.equal(extended(photo, [mask], matrixOf(whole(photo))), null);
});

test("parts apart from the largest are left out as in Python", () => {
  assert.ok(difference(keepConnected(plane("parts.png")).values, plane("parts_kept.png").values).most < 0.501 / 255);
  const faint = planeOf(4, 4, new Float32Array(16).fill(0.2));
  assert.deepEqual([...keepConnected(faint).values], [...planeOf(4, 4).values]);
});

test("what a person painted is taken, the rest stays the model's", options, () => {
  const [layer, found] = ["layer", "found"].map((name) => grey(`${name}.png`, FOLDER)), { width, height } = found;
  const mask = planeOf(480, 360, values("whole"));
  assert.ok(difference(layerOf(mask, found), found.bytes).most <= 1);
  assert.deepEqual(sizeWithin(mask, 256), { width, height });
  assert.equal(touchedOf(found.bytes.map((value) => value ^ 2), found.bytes), null);
  const made = applied(layer.bytes, found.bytes, { width, height }, mask);
  assert.ok(difference(made.values, values("applied")).most < 1e-5);
});

test("colours have the moments of the Java core's golden file", () => {
  const rows = numbers("moments.txt");
  assert.ok(rows.length > 5);
  for (const row of rows) assert.ok(difference(moments(row.slice(0, 3)), row.slice(3)).most < 1e-6);
});

test("colours have the moments of Python", options, () => {
  for (const [colour, expected] of facts().moments) {
    assert.ok(difference(moments(colour), expected).most < 1e-6);
    assert.deepEqual([...styleOf(colour, 2)].slice(0, 2), [0, 0]);
    assert.equal(styleOf(colour, 8).length, 17);
    assert.deepEqual(parseHex(codeOf(colour)), colour);
  }
  assert.deepEqual(parseHex(" #83b "), [136, 51, 187]);
  assert.equal(parseHex("saddlebrown"), null);
});

test("what is cut out of a window comes back to the same place", () => {
  const source = planeOf(30, 20);
  source.values.forEach((_, i) => { source.values[i] = (i % 30) / 30; });
  for (const window of [windowOf(5, -3, 16, 16), windowOf(6, 2, 16, 16, 20)]) {
    const inside = insideOf(window, source), read = uncutRows(cutPlane(source, window), window, inside);
    const row = new Float32Array(inside.right - inside.left);
    read(8, row);
    const middle = 14 - inside.left;
    assert.ok(Math.abs(row[middle] - 14 / 30) < 0.01, `${row[middle]}`);
  }
});

test("halves are rounded to the even number", () => {
  assert.deepEqual([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, -2.6].map(rint), [0, 2, 2, 0, -2, 2, -3]);
});
