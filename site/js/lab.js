// OpenCV's 8-bit conversion from sRGB to Lab, in whole numbers as OpenCV computes it, and its Gaussian blurs.

const GAMMA = 3, SHIFT = 12, SHIFT_LAB = SHIFT + GAMMA, ONE = 1 << SHIFT_LAB;
const WHITE = [0.950456, 1, 1.088754];
const XYZ = [[0.412453, 0.35758, 0.180423], [0.212671, 0.71516, 0.072169], [0.019334, 0.119193, 0.950227]];
const COEFFICIENTS = XYZ.map((row, i) => row.map((value) => Math.round(((1 << SHIFT) * value) / WHITE[i])));
const L_SCALE = Math.trunc((116 * 255 + 50) / 100), L_SHIFT = -Math.trunc((16 * 255 * ONE + 50) / 100);
const linear = (x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
const LINEAR = Uint16Array.from({ length: 256 }, (_, i) => Math.round(255 * (1 << GAMMA) * linear(i / 255)));
const ROOT = Uint16Array.from({ length: 256 * 1.5 * (1 << GAMMA) }, (_, i) => {
  const x = i / (255 * (1 << GAMMA));
  return Math.round(ONE * (x < 0.008856 ? x * 7.787 + 0.13793103448275862 : Math.cbrt(x)));
});
const descaled = (value, bits) => (value + (1 << (bits - 1))) >> bits;
const byte = (value) => Math.max(0, Math.min(255, value));

/** L, a and b (0..255 each) of a picture's pixels, side by side: cv2.cvtColor(COLOR_RGB2LAB). */
export function labOf({ data }) {
  const lab = new Uint8Array((data.length / 4) * 3);
  for (let i = 0, k = 0; i < data.length; i += 4, k += 3) {
    const [r, g, b] = [LINEAR[data[i]], LINEAR[data[i + 1]], LINEAR[data[i + 2]]];
    const [x, y, z] = COEFFICIENTS.map(([p, q, s]) => ROOT[descaled(p * r + q * g + s * b, SHIFT)]);
    lab[k] = byte(descaled(L_SCALE * y + L_SHIFT, SHIFT_LAB));
    lab[k + 1] = byte(descaled(500 * (x - y) + 128 * ONE, SHIFT_LAB));
    lab[k + 2] = byte(descaled(200 * (y - z) + 128 * ONE, SHIFT_LAB));
  }
  return lab;
}

/** A place beyond a line's ends, mirrored without repeating the last: OpenCV's border. */
function mirrored(place, size) {
  if (size === 1) return 0;
  let inside = place;
  while (inside < 0 || inside >= size) inside = inside < 0 ? -inside : 2 * size - 2 - inside;
  return inside;
}

/** values (height x width x channels) blurred along both axes by a symmetric kernel; `finish` after each axis. */
function blurred(values, width, height, channels, kernel, along, finish) {
  const half = (kernel.length - 1) / 2;
  const pass = (source, made, length, step, lines, lineStep, done) => {
    const places = Int32Array.from({ length: length + 2 * half }, (_, i) => mirrored(i - half, length) * step);
    for (let line = 0; line < lines; line++) {
      for (let n = 0; n < length; n++) {
        for (let c = 0; c < channels; c++) {
          const from = line * lineStep + c;
          let sum = 0;
          for (let k = 0; k < kernel.length; k++) sum += kernel[k] * source[from + places[n + k]];
          made[from + n * step] = done(sum);
        }
      }
    }
    return made;
  };
  const row = width * channels;
  const wide = pass(values, along, width, channels, height, row, (sum) => sum);
  return pass(wide, new values.constructor(values.length), height, row, width, channels, finish);
}

/** cv2.GaussianBlur of bytes with a deviation of 1: seven weights of 1/256 each, rounded once, as OpenCV does it. */
export function blurredBytes(values, width, height, channels) {
  const kernel = [1, 14, 62, 102, 62, 14, 1];
  return blurred(values, width, height, channels, kernel, new Uint32Array(values.length), (sum) => (sum + 32768) >> 16);
}

/** cv2.GaussianBlur of a plane of floats. */
export function blurredPlane(values, width, height, deviation) {
  const size = Math.round(deviation * 8 + 1) | 1, half = (size - 1) / 2;
  const weights = Array.from({ length: size }, (_, i) => Math.exp(-((i - half) ** 2) / (2 * deviation ** 2)));
  const sum = weights.reduce((total, weight) => total + weight, 0), kernel = weights.map((weight) => weight / sum);
  return blurred(values, width, height, 1, kernel, new Float32Array(values.length), (total) => total);
}
