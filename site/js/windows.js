// Rectangles in a picture that may be turned: {left, top, width, height, angle}, as lomit_tf/imaging/framing.py has them.

import { at, clamp, inverted, sampleColour, samplePlane, stepsOf } from "./affine.js";

const RADIANS = Math.PI / 180;

export const windowOf = (left, top, width, height, angle = 0) => ({ left, top, width, height, angle });

/** All of a picture. */
export const whole = ({ width, height }) => windowOf(0, 0, width, height);

/** The largest centred square; an odd margin leaves the extra pixel at the bottom or right. */
export function centred({ width, height }) {
  const side = Math.min(width, height);
  return windowOf(Math.floor((width - side) / 2), Math.floor((height - side) / 2), side, side);
}

const turn = (angle) => (angle ? [Math.cos(angle * RADIANS), Math.sin(angle * RADIANS)] : [1, 0]);

/** x, y in the picture of u, v in 0..1 from the window's left and upper side; Window.inverse. */
export function inverseOf({ left, top, width, height, angle }) {
  const [cosine, sine] = turn(angle);
  const [a, b, d, e] = [cosine * width, -sine * height, sine * width, cosine * height];
  const [x, y] = [left + width / 2 - 0.5, top + height / 2 - 0.5];
  return [a, b, x - (a + b) / 2, d, e, y - (d + e) / 2];
}

/** u, v in 0..1 of the picture's x, y; Window.matrix. */
export const matrixOf = (window) => inverted(inverseOf(window));

/** x, y in the picture of the window's pixel in column i and row j. */
export function pixelsToPicture(window) {
  const [a, b, c, d, e, f] = inverseOf(window), { width, height } = window;
  const [p, q, r, s] = [a / width, b / height, d / width, e / height];
  return [p, q, c + (p + q) / 2, r, s, f + (r + s) / 2];
}

/** The way back, from column 0 and row 0 of the part of a picture that `insideOf` says. */
export function pictureToPixels(window, { left, top }) {
  const m = inverted(pixelsToPicture(window));
  return [m[0], m[1], m[2] + m[0] * left + m[1] * top, m[3], m[4], m[5] + m[3] * left + m[4] * top];
}

/** The corners: upper left, upper right, lower right, lower left. */
export function cornersOf(window) {
  const to = inverseOf(window);
  return [[0, 0], [1, 0], [1, 1], [0, 1]].map(([u, v]) => at(to, u, v));
}

/** First column and row, and the ones after the last, of the part of a picture that a window covers or lies in. */
export function insideOf(window, { width, height }) {
  let [left, top, right, bottom] = [window.left, window.top, window.left + window.width, window.top + window.height];
  if (window.angle) {
    const corners = cornersOf(window), along = (axis) => corners.map((corner) => corner[axis]);
    [left, top] = [0, 1].map((axis) => Math.floor(Math.min(...along(axis))));
    [right, bottom] = [0, 1].map((axis) => Math.ceil(Math.max(...along(axis))) + 1);
  }
  return {
    left: Math.min(Math.max(0, left), width), top: Math.min(Math.max(0, top), height),
    right: Math.max(0, Math.min(width, right)), bottom: Math.max(0, Math.min(height, bottom)),
  };
}

/** The same part of a copy of other size; Window.scaled. `round` is Python's. */
export function scaled({ left, top, width, height, angle }, across, down, round) {
  return windowOf(
    round(left * across), round(top * down), Math.max(1, round(width * across)), Math.max(1, round(height * down)), angle,
  );
}

/** read(y, rgb): fills 3 values for each pixel of a window's row y; the picture's border is repeated beyond it. */
export function rowsOf(picture, window) {
  if (window.angle) {
    const to = pixelsToPicture(window);
    return (y, rgb) => {
      for (let x = 0; x < window.width; x++) {
        const [i, j] = stepsOf(to, x, y);
        sampleColour(picture, i, j, true, rgb, 3 * x);
      }
    };
  }
  const { width, height, data } = picture;
  return (y, rgb) => {
    const row = clamp(window.top + y, height) * width;
    for (let x = 0; x < window.width; x++) {
      const from = 4 * (row + clamp(window.left + x, width));
      rgb[3 * x] = data[from];
      rgb[3 * x + 1] = data[from + 1];
      rgb[3 * x + 2] = data[from + 2];
    }
  };
}

/** A window's part of a plane that lies in the picture from (left, top) on; framing.cut. */
export function cutPlane(source, window, left = 0, top = 0) {
  const { width, height } = window, values = new Float32Array(width * height), to = pixelsToPicture(window);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (window.angle) {
        const [i, j] = stepsOf(to, x, y);
        values[y * width + x] = samplePlane(source, i - 32 * left, j - 32 * top, true);
      } else {
        const row = clamp(window.top + y - top, source.height), column = clamp(window.left + x - left, source.width);
        values[y * width + x] = source.values[row * source.width + column];
      }
    }
  }
  return { width, height, values };
}

/**
 * The way back from `cutPlane`: read(y, to) fills the picture's row y, from column left to right of `insideOf`, with a
 * window's plane; 0 outside of it. framing.uncut.
 */
export function uncutRows(source, window, inside) {
  if (!window.angle) {
    return (y, to) => {
      const from = (y - window.top) * window.width - window.left;
      for (let x = inside.left; x < inside.right; x++) to[x - inside.left] = source.values[from + x];
    };
  }
  const back = pictureToPixels(window, inside);
  return (y, to) => {
    for (let x = inside.left; x < inside.right; x++) {
      const [i, j] = stepsOf(back, x - inside.left, y - inside.top);
      to[x - inside.left] = samplePlane(source, i, j, false);
    }
  };
}
