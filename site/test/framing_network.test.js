// The framing network's looks, against lomit_tf/imaging/framing_network.py.

import assert from "node:assert/strict";
import { test } from "node:test";
import { corrected, moved } from "../js/framing_network.js";
import { Look } from "../js/look.js";
import { difference, numbers } from "./golden.js";

test("crops are framing_network.moved's of the same outputs", () => {
  const rows = numbers("moved.txt");
  assert.equal(rows.length, 6);
  for (const row of rows) {
    const made = moved([row.slice(0, 2), row.slice(2, 4)], row.slice(4, 8)).flat();
    assert.ok(difference(made, row.slice(8)).most < 1e-6);
  }
});

test("the network is shown a part around the mouth, and once more where it says", async () => {
  const width = 300, height = 410, data = new Uint8ClampedArray(4 * width * height).fill(255), seen = [];
  for (let i = 0; i < width * height; i++) data.set([(i % width) / 2, Math.floor(i / width) / 2, 0], 4 * i);
  const run = async (name, pixels) => {
    assert.deepEqual([name, pixels.length], ["framing", 64 * 64 * 3]);
    seen.push([0, 1].map((c) => pixels.reduce((sum, value, i) => sum + (i % 3 === c ? value : 0), 0) / 64 ** 2 * 127.5 + 127.5));
    return { correction: [0, 0, 1, 0] };
  };
  const made = await corrected(run, new Look({ width, height, data }), [[100, 0], [150, 200]]);
  assert.ok(difference(made.flat(), [100, 0, 157, 200]).most < 1e-9);
  assert.equal(seen.length, 2);
  seen.forEach(([red, green], n) => assert.ok(Math.abs(red - (75 + 1.75 * n)) < 0.6 && Math.abs(green - 104.5) < 0.6, `${red} ${green}`));
});
