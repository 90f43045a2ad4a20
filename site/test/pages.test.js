// What arrives, what is written, and what is said.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { PNG } from "pngjs";
import { fetchWhole } from "../js/fetching.js";
import { PageError, asPageError, isMemory, noted, sentence } from "../js/messages.js";
import { encoded } from "../js/png.js";
import { lacking } from "../js/support.js";
import { overWhite } from "../js/framed_photo.js";

const DATA = Uint8Array.from({ length: 1000 }, (_, i) => i);
const KNOWN = { bytes: DATA.length, sha256: createHash("sha256").update(DATA).digest("hex") };

/** A server of given answers, one after the other. */
function server(...answers) {
  const asked = [];
  return { asked, fetched: async (url, given) => {
    asked.push(given.cache);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  } };
}

/** A response whose body breaks off after some bytes. */
function broken(count) {
  let parts = 0;
  return new Response(new ReadableStream({ pull(controller) {
    if (parts) controller.error(new TypeError("network error"));
    else controller.enqueue(DATA.slice(0, count));
    parts += 1;
  } }, { highWaterMark: 0 }));
}

function memory(kept) {
  const held = new Map(Object.entries(kept));
  return {
    held, match: async (url) => held.get(url), delete: async (url) => held.delete(url),
    put: async (url, response) => { held.set(url, response); },
  };
}

test("a file that arrives is kept, and taken from the cache the next time", async () => {
  const { asked, fetched } = server(new Response(DATA)), cache = memory({});
  let received = 0;
  const options = { cache, fetched, onBytes: (bytes) => { received += bytes; } };
  assert.deepEqual(await fetchWhole("u", "model", KNOWN, options), DATA);
  assert.equal(received, 1000);
  assert.deepEqual(await fetchWhole("u", "model", KNOWN, options), DATA);
  assert.deepEqual(asked, ["default"]);
});

test("a torn download is asked for once more, past the browser's own cache", async () => {
  const { asked, fetched } = server(broken(400), new Response(DATA));
  let received = 0;
  assert.deepEqual(await fetchWhole("u", "model", KNOWN, { fetched, onBytes: (bytes) => { received += bytes; } }), DATA);
  assert.deepEqual(asked, ["default", "reload"]);
  assert.equal(received, 1000);
});

test("what does not arrive twice is named", async () => {
  const cases = [
    [[broken(400), broken(700)], { kind: "torn", detail: { file: "model", received: 700, bytes: 1000 } }],
    [[new Response(DATA.slice(1)), new Response(DATA.slice(2))], { kind: "torn", detail: { file: "model", received: 998, bytes: 1000 } }],
    [[new Response("", { status: 503, statusText: "Busy" }), new Response("", { status: 404, statusText: "Not Found" })],
      { kind: "missing", detail: { file: "model", status: "404 Not Found" } }],
    [[new TypeError("Failed to fetch"), new TypeError("Failed to fetch")], { kind: "missing", detail: { file: "model", status: "Failed to fetch" } }],
    [[new Response(DATA.slice().fill(0)), new Response(DATA.slice().fill(1))], { kind: "changed", detail: { file: "model" } }],
  ];
  for (const [answers, expected] of cases) {
    const { asked, fetched } = server(...answers);
    await assert.rejects(fetchWhole("u", "model", KNOWN, { fetched }), (error) => {
      assert.ok(error instanceof PageError);
      assert.deepEqual({ kind: error.kind, detail: error.detail }, expected);
      return true;
    });
    assert.equal(asked.length, 2);
  }
});

test("a damaged copy in the cache is replaced", async () => {
  const cache = memory({ u: new Response(DATA.slice(5)) }), { fetched } = server(new Response(DATA));
  assert.deepEqual(await fetchWhole("u", "model", KNOWN, { cache, fetched }), DATA);
  assert.equal((await cache.held.get("u").arrayBuffer()).byteLength, 1000);
});

for (const [name, alpha] of [["opaque", () => 255], ["transparent", (i) => i % 256]]) {
  test(`a PNG holds every bit of an ${name} picture`, async () => {
    const width = 37, height = 300, data = new Uint8ClampedArray(4 * width * height);
    for (let i = 0; i < data.length; i++) data[i] = i % 4 === 3 ? alpha(i >> 2) : (i * 7919) >> 3;
    const file = Buffer.concat(await encoded({ width, height, data })), read = PNG.sync.read(file);
    assert.deepEqual([read.width, read.height], [width, height]);
    assert.deepEqual(new Uint8ClampedArray(read.data), data);
    assert.equal(file[25], name === "opaque" ? 2 : 6);
  });
}

test("transparency lies over white for the model", () => {
  const data = new Uint8ClampedArray([0, 100, 200, 128, 9, 9, 9, 255, 1, 2, 3, 0]), made = overWhite({ width: 3, height: 1, data });
  assert.deepEqual([...made.data], [127, 177, 227, 255, 9, 9, 9, 255, 255, 255, 255, 255]);
  const opaque = { width: 1, height: 1, data: new Uint8ClampedArray([1, 2, 3, 255]) };
  assert.equal(overWhite(opaque), opaque);
});

test("each fault is one sentence", () => {
  const faults = {
    unreadable: { name: "a.heic" }, large: { name: "a.png", pixels: 96e6 }, memory: { name: "a.png" }, wasm: {}, old: { what: "workers" },
    missing: { file: "m", status: "404" }, torn: { file: "m", received: 1e6, bytes: 2e6 }, changed: { file: "m" },
    colour: { text: "mauvish" }, fault: { message: "x" },
  };
  for (const [kind, detail] of Object.entries(faults)) {
    const text = sentence(kind, detail);
    assert.ok(!text.includes("undefined") && text.endsWith(".") && !text.includes("\n"), text);
    for (const value of Object.values(detail)) if (typeof value === "string") assert.ok(text.includes(value), text);
  }
  assert.equal(sentence("memory", {}), "There is too little memory for this page; close other pages, or give a smaller picture.");
  assert.equal(noted("no face was found, so the centre was taken"), "No face was found, so the centre was taken.");
});

test("a browser's words for too little memory are known", () => {
  for (const error of [
    new RangeError("Array buffer allocation failed"), new RangeError("WebAssembly.Memory(): could not allocate memory"),
    new RangeError("Invalid typed array length: 1"), new Error("Out of memory"), new Error("ERROR: [./litert/cc/litert_tensor_buffer.h:101]"), { name: "InternalError", message: "allocation failed" },
  ]) {
    assert.ok(isMemory(error), error.message);
    assert.equal(asPageError(error, "a.png").kind, "memory");
  }
  assert.equal(asPageError(new TypeError("x is not a function")).kind, "fault");
});

test("what a browser lacks is known before anything is loaded", () => {
  const all = { WebAssembly: {}, Worker() {}, createImageBitmap() {}, OffscreenCanvas() {}, CompressionStream() {} };
  assert.equal(lacking(all), null);
  assert.equal(lacking({ ...all, WebAssembly: undefined }).kind, "wasm");
  assert.deepEqual(lacking({ ...all, OffscreenCanvas: undefined }).detail, { what: "OffscreenCanvas" });
});
