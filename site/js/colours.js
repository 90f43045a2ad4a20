// The colour moments of hair that has a colour which a person names: lomit_tf/imaging/colours.py.

const TO_YCC = [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]];
const DEVIATIONS = [[0.358, -0.011, -0.2955], [0.0526, -0.0107, -0.0514], [0.0506, -0.0135, -0.0403]];
const SLOPES = [[0.213, -2.143], [-0.206, -2.622]];
const LEAST_DEVIATION = 0.01, SLOPE_LIMIT = 0.3, COLOURS_ONLY = 0.5;

/** Of red, green and blue in 0..255: means and deviations of luminance and two colour differences, and their slopes. */
export function moments(colour) {
  const mean = TO_YCC.map((row) => row.reduce((sum, share, i) => sum + share * (colour[i] / 127.5 - 1), 0));
  const deviations = DEVIATIONS.map(([a, b, c]) => Math.max(LEAST_DEVIATION, a + b * mean[0] + c * mean[0] ** 2));
  const slopes = SLOPES.map(([a, b], c) => {
    const slope = mean[1 + c] * (a + b * mean[0]);
    return Math.min(Math.max(slope, -SLOPE_LIMIT), SLOPE_LIMIT);
  });
  return [...mean, ...deviations, ...slopes];
}

/** The style that a colour stands for: no code, its moments, and the flag of styles that are known by them alone. */
export function styleOf(colour, codeSize) {
  return Float32Array.from([...new Array(codeSize).fill(0), ...moments(colour), COLOURS_ONLY]);
}

/** "#8b4513" of red, green and blue in 0..255. */
export const codeOf = (colour) => `#${colour.map((n) => n.toString(16).padStart(2, "0")).join("")}`;

/** Red, green and blue of "#8a3b12" or "#83b"; null for anything else. */
export function parseHex(text) {
  const found = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text.trim());
  if (!found) return null;
  const digits = found[1].length === 3 ? [...found[1]].map((digit) => digit + digit) : found[1].match(/../g);
  return digits.map((pair) => parseInt(pair, 16));
}
