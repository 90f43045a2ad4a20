// Pixels of photographs that move: each takes the colours of a place a displacement away from it.
// lomit_tf/imaging/moving.py, which samples as OpenCV's remap does: at 32 places between two pixels.

import { at, clamp, rint, samplePlane, stepsOf } from "./affine.js";
import { MASK_FLOOR } from "./curves.js";
import { fadingOf } from "./paste_back.js";
import { linear, picture, plane } from "./planes.js";
import { insideOf, pictureToPixels, pixelsToPicture } from "./windows.js";

// LEAST: pixels, by which nothing is seen to move; LEAST_OPAQUE: of what a pixel would show, below which it does not move.
const LEAST = 1 / 64, LEAST_OPAQUE = 0.5, STEPS = 32, SHARPNESS = -0.75, { fround } = Math;

/** INTER_CUBIC's shares of the pixel before the last, the last, the next and the one after it, for each of STEPS places. */
const SHARES = Array.from({ length: STEPS }, (_, step) => {
  const a = SHARPNESS, x = step / STEPS, y = 1 - x;
  const near = (d) => ((a + 2) * d - (a + 3)) * d * d + 1, far = (d) => ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
  return [far(x + 1), near(x), near(y), far(y + 1)];
});

const stays = (across, down) => Math.max(Math.abs(across), Math.abs(down)) < LEAST;

/**
 * What the model sees, moved: x(p + d(p)), bilinear; beyond the edges the nearest pixels. moving.moved(linear=True).
 *
 * @param pixels three values for each pixel.
 * @param displacement {width, height, values}: two numbers for each pixel, to the right and downwards.
 */
export function movedPixels(pixels, { width, height, values }, strength = 1) {
  const made = pixels.slice(), share = fround(strength);
  for (let i = 0; i < width * height; i++) {
    const [across, down] = [fround(share * values[2 * i]), fround(share * values[2 * i + 1])];
    if (stays(across, down)) continue;
    const x = rint(STEPS * fround((i % width) + across)), y = rint(STEPS * fround(Math.trunc(i / width) + down));
    const right = (x & 31) / STEPS, below = (y & 31) / STEPS;
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) {
        const column = clamp((x >> 5) + (k & 1), width), row = clamp((y >> 5) + (k >> 1), height);
        sum += (k & 1 ? right : 1 - right) * (k >> 1 ? below : 1 - below) * pixels[3 * (row * width + column) + c];
      }
      made[3 * i + c] = sum;
    }
  }
  return made;
}

/** First and last output of a filter along an axis that takes from the inputs first..last. */
function reached({ start, weights }, first, last) {
  const takes = start.map((from, i) => from <= last && from + weights[i].length > first);
  return [takes.indexOf(true), takes.lastIndexOf(true)];
}

/**
 * How far away the pixels of a window come from, in the picture's pixels along its rows and columns, for the part of the window
 * outside of which nothing moves: {left, top, across, down}, the latter planes; null where nothing moves at all.
 */
function raised(displacement, window, source, strength) {
  const { width, height, values } = displacement;
  let [first, above, last, below] = [width, height, -1, -1];
  for (let i = 0; i < width * height; i++) {
    if (values[2 * i] === 0 && values[2 * i + 1] === 0) continue;
    const [x, y] = [i % width, Math.trunc(i / width)];
    [first, above, last, below] = [Math.min(first, x), Math.min(above, y), Math.max(last, x), Math.max(below, y)];
  }
  const wide = linear(width, window.width), high = linear(height, window.height), fading = fadingOf(window, source);
  const [left, right] = reached(wide, first, last), [top, bottom] = reached(high, above, below);
  if (left < 0 || top < 0) return null; // there is none; or the window is smaller than it, and leaves entries out
  const [across, down] = [0, 1].map(() => plane(right + 1 - left, bottom + 1 - top));
  const radians = (window.angle * Math.PI) / 180, [cosine, sine] = window.angle ? [Math.cos(radians), Math.sin(radians)] : [1, 0];
  for (let y = top, i = 0; y <= bottom; y++) {
    const parts = high.weights[y];
    for (let x = left; x <= right; x++, i++) {
      const shares = wide.weights[x];
      let [u, v] = [0, 0];
      for (let k = 0; k < parts.length; k++) {
        for (let n = 0; n < shares.length; n++) {
          const from = 2 * ((high.start[y] + k) * width + wide.start[x] + n), share = parts[k] * shares[n];
          u += share * values[from];
          v += share * values[from + 1];
        }
      }
      const weight = strength * fading.wide[x] * fading.high[y];
      u *= (weight * window.width) / width;
      v *= (weight * window.height) / height;
      across.values[i] = cosine * u - sine * v;
      down.values[i] = sine * u + cosine * v;
    }
  }
  return { left, top, across, down };
}

/** The part of a picture in which something moves, as `insideOf` says it. */
function boxOf({ left, top, across: { width, height } }, window, inside) {
  let [first, above, last, below] = [window.left + left, window.top + top, window.left + left + width, window.top + top + height];
  if (window.angle) {
    const to = pixelsToPicture(window), corners = [left - 1, left + width].flatMap((i) => [top - 1, top + height].map((j) => at(to, i, j)));
    [first, above] = [0, 1].map((axis) => Math.floor(Math.min(...corners.map((corner) => corner[axis]))));
    [last, below] = [0, 1].map((axis) => Math.ceil(Math.max(...corners.map((corner) => corner[axis]))) + 1);
  }
  return {
    left: Math.max(inside.left, first), top: Math.max(inside.top, above),
    right: Math.min(inside.right, last), bottom: Math.min(inside.bottom, below),
  };
}

/**
 * sample(column, row, pixels, to): cubic, in 0..255, at a place in steps from the upper left pixel of a part of a picture, as
 * `insideOf` says it; beyond the part its edges are repeated.
 */
function sampler({ width, data }, { left, top, right, bottom }) {
  const at = new Int32Array(4);
  return (column, row, pixels, to) => {
    const [across, along] = [SHARES[column & 31], SHARES[row & 31]];
    let weight = 0;
    for (let n = 0; n < 4; n++) at[n] = 4 * (left + clamp((column >> 5) + n - 1, right - left));
    let [red, green, blue] = [0, 0, 0];
    for (let k = 0; k < 4; k++) {
      const line = 4 * width * (top + clamp((row >> 5) + k - 1, bottom - top));
      for (let n = 0; n < 4; n++) {
        const from = line + at[n], share = along[k] * across[n] * (data[from + 3] / 255);
        weight += share;
        red += share * data[from];
        green += share * data[from + 1];
        blue += share * data[from + 2];
      }
    }
    if (weight <= LEAST_OPAQUE) return;
    pixels[to] = Math.max(0, Math.min(255, red / weight)); // it overshoots beside edges
    pixels[to + 1] = Math.max(0, Math.min(255, green / weight));
    pixels[to + 2] = Math.max(0, Math.min(255, blue / weight));
  };
}

/**
 * {box, move}: move(y, pixels, chosen) moves a row's pixels (RGBA, as floats in 0..255) of a picture, within the box alone and
 * where the masks (chosen) are not next to nothing, if they are given; null where nothing moves. moving.moved_opaque of
 * moving.in_photograph.
 *
 * @param source the picture as it was, from the window's part of which they come.
 * @param displacement as of `movedPixels`, along the window's rows and columns.
 */
export function mover(source, window, displacement, strength) {
  const field = raised(displacement, window, source, strength);
  if (!field) return null;
  const inside = insideOf(window, source), box = boxOf(field, window, inside), sample = sampler(source, inside);
  const { left, top, across, down } = field, to = pictureToPixels(window, inside);
  const move = (y, pixels, chosen = null) => {
    if (y < box.top || y >= box.bottom) return;
    for (let x = box.left; x < box.right; x++) {
      if (chosen && Math.min(1, chosen[x]) < MASK_FLOOR) continue;
      let [right, below] = [0, 0];
      if (window.angle) {
        const [i, j] = stepsOf(to, x - inside.left, y - inside.top), [column, row] = [i - STEPS * left, j - STEPS * top];
        right = samplePlane(across, column, row, false);
        below = samplePlane(down, column, row, false);
      } else {
        const i = (y - window.top - top) * across.width + x - window.left - left;
        right = across.values[i];
        below = down.values[i];
      }
      if (stays(right, below)) continue;
      sample(rint(STEPS * fround(x - inside.left + right)), rint(STEPS * fround(y - inside.top + below)), pixels, 4 * x);
    }
  };
  return { box, move };
}

/** A window's part of a picture in which pixels have moved, rounded, and the window in it: {picture, window}. */
export function movedPart(source, window, { box, move }) {
  const inside = insideOf(window, source), { width, data } = source, line = new Float32Array(4 * width);
  // One pixel more on each side, which a turned window looks at, too.
  const [left, top] = [Math.max(0, inside.left - 1), Math.max(0, inside.top - 1)];
  const [right, bottom] = [Math.min(width, inside.right + 1), Math.min(source.height, inside.bottom + 1)];
  const part = picture(right - left, bottom - top);
  for (let y = top; y < bottom; y++) {
    const from = 4 * y * width, to = 4 * ((y - top) * part.width - left);
    part.data.set(data.subarray(from + 4 * left, from + 4 * right), to + 4 * left);
    if (y < box.top || y >= box.bottom || box.left >= box.right) continue;
    line.set(data.subarray(from + 4 * box.left, from + 4 * box.right), 4 * box.left);
    move(y, line);
    part.data.set(line.subarray(4 * box.left, 4 * box.right), to + 4 * box.left); // rounds halves to even
  }
  return { picture: part, window: { ...window, left: window.left - left, top: window.top - top } };
}
