// Hair that competes for its pixels, against lomit_tf/imaging/competing.py: golden files of the Java core's tests, which
// tools/android/golden_regions.py makes.

import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { compete } from "../js/competing.js";
import { keepConnected } from "../js/connected.js";
import { foundMasks } from "../js/framed_photo.js";
import { interleaved } from "../js/group_masks.js";
import { guided } from "../js/guided_planes.js";
import { Layouts, SIZE } from "../js/layouts.js";
import { averagedAtOnce, plane as planeOf, resizedPlane, toModelRange } from "../js/planes.js";
import { features } from "../js/region_colours.js";
import { prior, responsibilities } from "../js/regions.js";
import { whole } from "../js/windows.js";
import { difference, numbers, picture, plane } from "./golden.js";

const layouts = new Layouts(fs.readFileSync(new URL("../../android_demo/assets/layouts.bin", import.meta.url)));
const LEVEL = 0.501 / 255 + 1e-4; // what rounding to a picture's levels takes
const SMILE = [false, false, true]; // of hair, lips and smile, what lies on the others

/** Planes below each other in a grey picture. */
function stacked(name, count) {
  const { width, height, values } = plane(name), size = (width * height) / count;
  return Array.from({ length: count }, (_, k) => planeOf(width, height / count, values.slice(k * size, (k + 1) * size)));
}

const copied = (planes) => planes.map(({ width, height, values }) => planeOf(width, height, values.slice()));

/** The largest difference of any value. */
const most = (made, expected) => Math.max(...expected.map(({ values }, k) => difference(made[k].values, values).most));

test("colours and the guided filter are those of OpenCV", () => {
  const patch = picture("patch.png"), rows = numbers("patch.txt"), { width, height } = patch;
  const expected = rows[0].map((_, k) => planeOf(width, height, Float32Array.from(rows, (row) => row[k])));
  const red = planeOf(width, height, Float32Array.from(rows, (_, i) => patch.data[4 * i] / 255)), values = features(patch);
  const [found, filtered] = [most(values, expected.slice(0, 4)), most(guided(values.slice(0, 3), [red], 3, 0.1), expected.slice(4))];
  assert.ok(found < 2e-3 && filtered < 2e-4, `${found}, ${filtered}`);
});

test("an even grey has a lightness alone", () => { // of 50.03; OpenCV's table is off by up to a third
  const values = features({ width: 20, height: 20, data: new Uint8ClampedArray(1600).fill(0x77) });
  for (const [k, [expected, within]] of [[50.03 / 25, 0.3 / 25], [0, 0.02], [0, 0.02], [0, 0.02]].entries()) {
    assert.ok(values[k].values.every((value) => Math.abs(value - expected) < within), `${k}: ${values[k].values[0]}`);
  }
});

test("regions and the layout that they point to are those of Python", () => {
  const face = picture("competing.png"), mask = resizedPlane(stacked("competing_masks.png", 3)[0], SIZE, SIZE);
  const found = responsibilities(features(averagedAtOnce(face, whole(face), SIZE, SIZE)), prior(mask, layouts.mean), 4);
  assert.ok(most(found, stacked("competing_regions.png", 4)) < LEVEL);
  assert.ok(most(layouts.nearest(found), stacked("competing_layout.png", 4)) < LEVEL);
  found[0].values.forEach((_, i) => assert.ok(Math.abs(found.reduce((sum, { values }) => sum + values[i], 0) - 1) < 1e-6));
});

test("hair takes what is its own as in Python", (t) => {
  const pixels = toModelRange(picture("competing.png")), before = stacked("competing_masks.png", 3), made = copied(before);
  compete(made, pixels, [0], SMILE, layouts);
  assert.ok(most(made, stacked("competing_made.png", 3)) < LEVEL);
  assert.equal(most([made[2]], [before[2]]), 0, "a smile lies on the others");
  const moved = made[0].values.reduce((sum, value, i) => sum + Math.abs(value - before[0].values[i]), 0) / made[0].values.length;
  assert.ok(moved > 0.02, `the colours say something: ${moved}`);
  const times = Array.from({ length: 15 }, () => {
    const again = copied(before), start = performance.now();
    compete(again, pixels, [0], SMILE, layouts);
    const taken = performance.now() - start;
    assert.equal(most(again, made), 0);
    return taken;
  }).sort((one, other) => one - other);
  t.diagnostic(`a face of 128 x 128: ${times[0].toFixed(1)} ms at least, in the median ${times[7].toFixed(1)}`);
});

test("nothing changes where no group competes or is there", () => {
  const pixels = toModelRange(picture("competing.png")), given = stacked("competing_masks.png", 3);
  const alone = copied(given);
  compete(alone, pixels, [], SMILE, undefined);
  assert.equal(most(alone, given), 0);
  given[0].values.forEach((value, i) => { given[0].values[i] = Math.min(0.5, value); });
  const faint = copied(given);
  compete(faint, pixels, [0], SMILE, layouts);
  assert.equal(most(faint, given), 0);
});

test("masks that a network finds compete, and then are one region", async () => {
  const pixels = toModelRange(picture("competing.png")), before = stacked("competing_masks.png", 3), groups = ["hair", "lips", "smile"];
  const found = (model, ofFace = true) => foundMasks({
    model: { groups, size: before[0].width, boxes: { 2: [0, 0, 64] }, ...model }, layouts, masks: async () => interleaved(before),
  }, pixels, ofFace);
  const expected = copied(before);
  compete(expected, pixels, [0], SMILE, layouts);
  assert.equal(most(await found({ competing: [0], connected: [] }), expected), 0);
  const oneRegion = ([hair, ...others]) => [keepConnected(hair), ...others];
  for (const [competing, masks, least] of [[[], before, 0.9], [[0], expected, 0.05]]) { // the colours leave little apart
    assert.ok(most(oneRegion(masks), masks) > least, "some part is left out");
    assert.equal(most(await found({ competing, connected: [0] }), oneRegion(masks)), 0);
  }
  assert.equal(most(await found({ competing: [0], connected: [] }, false), before), 0); // no face was framed
});
