// Exemplars in the light of a photograph's face, against lomit_tf/imaging/light.py: a golden file of the Java core's tests,
// which tools/android/golden_regions.py makes; and when styles are made anew.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inLight, known, lightOf } from "../js/light.js";
import { plane, toModelRange } from "../js/planes.js";
import { Session } from "../js/translator.js";
import { difference, numbers, picture } from "./golden.js";

const face = picture("competing.png"), FACE = toModelRange(face), SIZE = face.width;

test("the light of a face, and a picture in another light, are those of Python", () => {
  const [own, wanted, ...rows] = numbers("light.txt"), light = lightOf(FACE, SIZE);
  assert.ok(difference(light, own).most < 1e-5, `${light}`);
  const pixels = toModelRange(picture("patch.png")), made = inLight(pixels, light, Float32Array.from(wanted));
  assert.ok(difference(made, pixels).most > 0.05, "the light changes something");
  const { most } = difference(made, rows.flat());
  assert.ok(most < 1e-5, `${most}`);
});

test("in its own light a picture stays itself", () => {
  assert.equal(inLight(FACE, lightOf(FACE, SIZE), lightOf(FACE.slice(), SIZE)), FACE);
  const lights = [[1, 1, 1], [1.5, 0.6, 0.95], [0.8, 0.9, 1.6]].map((light) => Float32Array.from(light));
  for (const unknown of lights) assert.equal(inLight(FACE, lightOf(FACE, SIZE), unknown), FACE, "no colour of skin");
  assert.deepEqual([...lights.map(known), known(lightOf(FACE, SIZE))], [0, 0, 0, 1]);
  assert.ok(Math.abs(known([1.14, 0.9, 1]) - 0.25) < 1e-6);
});

test("a median of an even count is the mean of its middle values", () => { // at 64 pixels, as many rows above as below 0
  const pixels = Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => [(i / 3) % 64 < 32 ? -1 : 1, -0.2, -0.4][i % 3]);
  const luminance = 0.299 * 0.52 + 0.587 * 0.42 + 0.114 * 0.32;
  assert.ok(difference(lightOf(pixels, 64), [0.52, 0.42, 0.32].map((value) => value / luminance)).most < 1e-6);
});

/** A photograph as the session knows it, its blue times `blue`. */
function photo(id, blue, ofFace = true) {
  const pixels = FACE.map((value, i) => (i % 3 < 2 ? value : (value + 1) * blue - 1)), own = [plane(SIZE, SIZE)];
  own[0].values.fill(0.5);
  return { id, version: 0, pixels, own, ofFace, edited: [false], layers: [[]], notes: [], networkMasks: () => own };
}

/** A session of one group; what its networks were given of exemplars, and the styles with which they painted. */
function session(competing, input, exemplar, small = []) {
  const seen = [], styles = [], made = new Session({
    model: { groups: ["hair"], coloured: [0], size: SIZE, codeSize: 2, boxes: {}, small, competing },
    styles: async (pixels) => Float32Array.from([seen.push(pixels), 0]),
    curves: async (_pixels, _masks, given) => {
      styles.push(given[0]);
      return new Float32Array(1);
    },
  });
  return { seen, styles, made: Object.assign(made, { input, exemplar }) };
}

test("an exemplar is encoded in the light of the input's face, anew for another one", async () => {
  const exemplar = photo(1, 1), first = photo(2, 0.8), { seen, styles, made } = session([0], first, exemplar);
  const expected = (input) => inLight(exemplar.pixels, lightOf(exemplar.pixels, SIZE), lightOf(input.pixels, SIZE));
  await made.painted([0], 1);
  await made.painted([0], 1);
  assert.equal(seen.length, 1);
  assert.deepEqual(seen[0], expected(first));
  const { pixels } = photo(0, 0.6);
  Object.assign(first, { id: 3, pixels }); // as of another of its faces
  await made.painted([0], 1);
  assert.deepEqual(seen[1], expected({ pixels }));
  made.input = photo(4, 0.7); // another photograph
  await made.painted([0], 1);
  assert.deepEqual(seen[2], expected(made.input));
  exemplar.version = 1; // its mask was painted
  await made.painted([0], 1);
  assert.deepEqual([seen.length, styles], [4, [1, 2, 3, 4]]);
});

test("an exemplar stays as it is where no group competes, no face was found, or a colour was named", async () => {
  for (const [competing, ...found] of [[[], true, true], [[0], false, true], [[0], true, false]]) {
    const exemplar = photo(1, 1, found[1]), { seen, styles, made } = session(competing, photo(2, 0.8, found[0]), exemplar);
    await made.painted([0], 1);
    made.input = photo(3, 0.6, found[0]);
    await made.painted([0], 1);
    assert.deepEqual([seen.length, styles], [1, [1, 1]], "it is encoded once");
    assert.equal(seen[0], exemplar.pixels);
    made.takeColour([138, 59, 18], 0);
    await made.painted([0], 1);
    assert.equal(seen.length, 1);
  }
});

test("what only faces have needs one on both sides, or a person's mask", async () => {
  for (const [input, exemplar, painted] of [[true, true, true], [false, true, false], [true, false, false]]) {
    const { styles, made } = session([], photo(2, 0.8, input), photo(1, 1, exemplar), [0]);
    await made.painted([0], 1);
    assert.equal(styles.length > 0, painted);
    const said = [...made.exemplarNotes([0], made.kept.there), ...made.faceNotes([0], made.kept.there)];
    assert.deepEqual(said.map((note) => /without a face nothing/.test(note)), painted ? [] : [true]);
    (input ? made.exemplar : made.input).edited[0] = true;
    Object.assign(made, { kept: null, styled: null });
    await made.painted([0], 1);
    assert.ok(styles.length > 0, "painted by hand");
  }
});
