// Mixtures of Gaussians of pixels' values, one for each region: the steps of the expectation maximisation in regions.js.

const KERNELS = [2, 2, 4, 3]; // Gaussians of hair, skin, background and clothes
/** The region of each Gaussian. */
export const OWNER = KERNELS.flatMap((count, region) => Array(count).fill(region));
const VALUES = 4, MONOMIALS = 15; // 1, the values and their products: in these the logarithms of Gaussians are linear
const SPREAD = 0.02, LEAST = 1e-6, LEAST_MIXTURE = 1e-250; // SPREAD: added to each Gaussian's variances
const FIRST_YIELDING = 2; // background and clothes learn little from what looks like hair
const YIELDED = 0.9, LIKELY = 2; // how much of a pixel they leave to the hair, and from which density of it on

function sumOf(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum;
}

/**
 * The Gaussians that pixels have: of each the coefficients of the monomials, with which they give the logarithm of its
 * share in its region's mixture times its density.
 *
 * @param values four planes; `parts` of each Gaussian the shares of the pixels in it.
 */
export function fitted(values, parts) {
  const planes = values.map((plane) => plane.values), sums = parts.map((part) => momentsOf(...planes, part));
  const weights = sums.map(([sum]) => sum + LEAST);
  return sums.map((own, c) => {
    const all = sumOf(weights.filter((_, other) => OWNER[other] === OWNER[c]));
    return gaussian(own.map((sum) => sum / weights[c]), weights[c] / all);
  });
}

/** Sums of the monomials over the pixels, each with its weight. */
function momentsOf(one, two, three, four, weights) {
  let [sum, p1, q1, r1, s1, pp, pq, pr, ps, qq, qr, qs, rr, rs, ss] = new Float64Array(MONOMIALS);
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i], p = one[i], q = two[i], r = three[i], s = four[i];
    const ofP = weight * p, ofQ = weight * q, ofR = weight * r, ofS = weight * s;
    sum += weight; p1 += ofP; q1 += ofQ; r1 += ofR; s1 += ofS;
    pp += ofP * p; pq += ofP * q; pr += ofP * r; ps += ofP * s;
    qq += ofQ * q; qr += ofQ * r; qs += ofQ * s; rr += ofR * r; rs += ofR * s; ss += ofS * s;
  }
  return [sum, p1, q1, r1, s1, pp, pq, pr, ps, qq, qr, qs, rr, rs, ss];
}

/** The coefficients of one Gaussian, from the means of the monomials over its pixels. */
function gaussian(means, share) {
  const to = new Float64Array(MONOMIALS), covariance = new Float64Array(VALUES ** 2), precision = new Float64Array(VALUES ** 2);
  for (let k = 0, at = 1 + VALUES; k < VALUES; k++) {
    for (let l = k; l < VALUES; l++, at++) {
      covariance[VALUES * k + l] = covariance[VALUES * l + k] = means[at] - means[1 + k] * means[1 + l];
    }
    covariance[(VALUES + 1) * k] += SPREAD;
  }
  const logarithm = invert(covariance, precision);
  let square = 0;
  for (let k = 0; k < VALUES; k++) {
    for (let l = 0; l < VALUES; l++) to[1 + k] += precision[VALUES * k + l] * means[1 + l];
    square += to[1 + k] * means[1 + k];
  }
  to[0] = Math.log(share) - (logarithm + square) / 2;
  for (let k = 0, at = 1 + VALUES; k < VALUES; k++) { // off the diagonal each product stands once for two
    for (let l = k; l < VALUES; l++, at++) to[at] = -precision[VALUES * k + l] / (k === l ? 2 : 1);
  }
  return to;
}

/** The inverse of a positive definite matrix, which is overwritten; returns the logarithm of its determinant. */
function invert(matrix, inverse) {
  let logarithm = 0;
  for (let k = 0; k < VALUES; k++) inverse[(VALUES + 1) * k] = 1;
  for (let pivot = 0; pivot < VALUES; pivot++) {
    const row = VALUES * pivot, scale = matrix[row + pivot];
    logarithm += Math.log(scale);
    for (let l = 0; l < VALUES; l++) {
      matrix[row + l] /= scale;
      inverse[row + l] /= scale;
    }
    for (let k = 0; k < VALUES; k++) {
      if (k === pivot) continue;
      const factor = matrix[VALUES * k + pivot];
      for (let l = 0; l < VALUES; l++) {
        matrix[VALUES * k + l] -= factor * matrix[row + l];
        inverse[VALUES * k + l] -= factor * inverse[row + l];
      }
    }
  }
  return logarithm;
}

/**
 * Fills of each region the pixels' responsibilities, `found`, and of each Gaussian its shares in its region's mixture, of
 * which background and clothes leave to the hair what looks like it.
 *
 * @param gaussians of `fitted`.
 * @param prior as `found`: where the regions lie before the colours are looked at.
 */
export function expect(values, gaussians, prior, found, shares) {
  const planes = values.map((plane) => plane.values), size = prior[0].length;
  const mixture = new Float64Array(size), sum = new Float64Array(size), left = new Float64Array(size);
  for (let g = 0; g < KERNELS.length; g++) {
    mixture.fill(LEAST_MIXTURE);
    shares.forEach((share, c) => { if (OWNER[c] === g) addDensities(...planes, gaussians[c], share, mixture); });
    weigh(prior[g], mixture, found[g], sum);
    if (g === 0) for (let i = 0; i < size; i++) left[i] = 1 - YIELDED * (mixture[i] / (mixture[i] + LIKELY));
    shares.forEach((share, c) => { if (OWNER[c] === g) divide(share, mixture); });
  }
  shares.forEach((share, c) => { if (OWNER[c] >= FIRST_YIELDING) multiply(share, left); });
  for (const made of found) divide(made, sum);
}

/** Fills a mixture times its prior, and adds it to the sum. */
function weigh(prior, mixture, made, sum) {
  for (let i = 0; i < made.length; i++) {
    made[i] = prior[i] * mixture[i];
    sum[i] += made[i];
  }
}

/** Multiplies values in place. */
export function multiply(values, factors) {
  for (let i = 0; i < values.length; i++) values[i] *= factors[i];
}

function divide(values, by) {
  for (let i = 0; i < values.length; i++) values[i] /= by[i];
}

/** Fills a Gaussian's share times its density at each pixel, and adds it to the mixture. */
function addDensities(one, two, three, four, gaussian, densities, mixture) {
  const [constant, p1, q1, r1, s1, pp, pq, pr, ps, qq, qr, qs, rr, rs, ss] = gaussian;
  for (let i = 0; i < densities.length; i++) {
    const p = one[i], q = two[i], r = three[i], s = four[i];
    const value = constant + p * (p1 + pp * p + pq * q + pr * r + ps * s) + q * (q1 + qq * q + qr * r + qs * s)
      + r * (r1 + rr * r + rs * s) + s * (s1 + ss * s);
    const density = Math.exp(value < -600 ? -600 : value > 300 ? 300 : value);
    densities[i] = density;
    mixture[i] += density;
  }
}

/**
 * Of each Gaussian the shares of pixels in it to begin with: each region's pixels, parted by their lightness.
 *
 * @param found of each region the shares of the pixels in it.
 */
export function byLightness(values, found) {
  const order = ordered(values[0].values), parts = OWNER.map(() => new Float64Array(order.length));
  found.forEach((weights, g) => part(weights, order, parts.filter((_, c) => OWNER[c] === g)));
  return parts;
}

/** Places in the order of their values, none of which is negative, so that their bits have their order; of equal ones the first. */
function ordered(values) {
  const count = values.length, bits = new Uint32Array(values.buffer, values.byteOffset, count), order = new Float64Array(count);
  for (let i = 0; i < count; i++) order[i] = bits[i] * count + i;
  order.sort();
  for (let i = 0; i < count; i++) order[i] -= Math.floor(order[i] / count) * count;
  return order;
}

/** Parts weights, in an order, into as many shares of the same sum as there are arrays for them. */
function part(weights, order, parts) {
  const all = sumOf(weights), number = parts.length;
  for (let i = 0, sum = 0; i < order.length; i++) {
    const pixel = order[i], weight = weights[pixel];
    sum += weight;
    parts[Math.min(Math.trunc((sum / all) * number), number - 1)][pixel] = weight;
  }
}
