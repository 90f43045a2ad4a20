// Reads what tools/android/golden.py wrote: the same files that the Java core's tests compare with.

import fs from "node:fs";
import { PNG } from "pngjs";

export const CORE = new URL("../../android_demo/core/testdata/", import.meta.url);

/** A picture: {width, height, data} of RGBA. */
export function picture(name, folder = CORE) {
  const { width, height, data } = PNG.sync.read(fs.readFileSync(new URL(name, folder)));
  return { width, height, data: new Uint8ClampedArray(data) };
}

/** A grey picture as bytes. */
export function grey(name, folder = CORE) {
  const { width, height, data } = picture(name, folder);
  return { width, height, bytes: Uint8Array.from({ length: width * height }, (_, i) => data[4 * i]) };
}

/** A grey picture as a plane in 0..1. */
export function plane(name, folder = CORE) {
  const { width, height, bytes } = grey(name, folder);
  return { width, height, values: Float32Array.from(bytes, (value) => value / 255) };
}

/** Rows of numbers. */
export function numbers(name, folder = CORE) {
  return fs.readFileSync(new URL(name, folder), "utf8").trim().split("\n").map((line) => line.trim().split(/\s+/).map(Number));
}

/** The largest difference of any byte, and how many differ. */
export function difference(one, other) {
  if (one.length !== other.length) throw new Error(`${one.length} values, expected ${other.length}`);
  let [most, count] = [0, 0];
  for (let i = 0; i < one.length; i++) {
    const by = Math.abs(one[i] - other[i]);
    most = Math.max(most, by);
    count += by > 0 ? 1 : 0;
  }
  return { most, count };
}
