// Where CelebA's crop would lie around a face, by its points (lomit_tf/imaging/celeba_framing.py).

// Where a face's points lie in CelebA's crop, and how side, angle and centre follow where they lie instead; the numbers
// are those of lomit_tf/imaging/celeba_framing.py, which has the equation.
export const SHAPE = [
  [-0.1111, 0.0217], [0.1111, 0.0217], [0.0, 0.1591], [0.0, 0.2665], [-0.2329, 0.0695], [0.2329, 0.0695],
];
export const CORRECTION = [
  [1.8228, 0.0569, 0.2528, 0.126],
  [-1.8228, 0.0569, 0.2528, -0.126],
  [0.0, 0.6534, 0.2038, 0.0],
  [0.0, -0.242, -0.4278, 0.0],
  [-0.2675, -0.2626, -0.1408, -0.158],
  [0.2675, -0.2626, -0.1408, 0.158],
  [0.4115, -0.6583, -0.4885, 0.338],
  [0.4115, 0.6583, 0.4885, 0.338],
  [-3.1983, 0.0, 0.0, -0.2968],
  [3.0783, 0.0, 0.0, 0.0676],
  [-0.3515, 0.3022, 0.4265, -0.2234],
  [-0.3515, -0.3022, -0.4265, -0.2234],
  [0.0069, 0.0, 0.0, -0.0001],
];
const MOST_CORRECTION = 0.25;

const mean = (pairs) => [0, 1].map((axis) => pairs.reduce((sum, pair) => sum + pair[axis], 0) / pairs.length);
const times = ([a, b], [c, d]) => [a * c - b * d, a * d + b * c];

/**
 * Where CelebA's centre crop would lie around a face.
 *
 * @param points six [x, y] in the photograph, in the order of `faces.POINTS`.
 * @returns the crop's upper side as [x, y], whose length is the crop's, and its centre [x, y].
 */
export function cropAround(points) {
  const middle = mean(points), shapeMiddle = mean(SHAPE);
  let [real, imaginary, size] = [0, 0, 0];
  SHAPE.forEach(([x, y], i) => {
    const [p, q] = [x - shapeMiddle[0], y - shapeMiddle[1]], [u, v] = [points[i][0] - middle[0], points[i][1] - middle[1]];
    real += p * u + q * v;
    imaginary += p * v - q * u;
    size += p * p + q * q;
  });
  const a = [real / size, imaginary / size], square = a[0] ** 2 + a[1] ** 2;
  const moved = times(a, shapeMiddle), b = [middle[0] - moved[0], middle[1] - moved[1]];
  const add = [...CORRECTION[12]];
  points.forEach(([x, y], i) => {
    const [u, v] = times([x - b[0], y - b[1]], [a[0] / square, -a[1] / square]);
    for (let k = 0; k < 4; k++) add[k] += (u - SHAPE[i][0]) * CORRECTION[i][k] + (v - SHAPE[i][1]) * CORRECTION[6 + i][k];
  });
  const [s, t, u, v] = add.map((value) => Math.max(-MOST_CORRECTION, Math.min(MOST_CORRECTION, value)));
  const grown = times(a, [Math.exp(s) * Math.cos(t), Math.exp(s) * Math.sin(t)]), shift = times(a, [u, v]);
  return [grown, [b[0] + shift[0], b[1] + shift[1]]];
}
