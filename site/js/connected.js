// A mask whose region is one connected whole, such as hair: lomit_tf/imaging/connected.py, which has the equation.

import { plane } from "./planes.js";

const ABOVE = Math.fround(0.2), KEPT = 0.6, REACH = 1 / 64, RAMP = Math.fround(0.02), { fround } = Math;

/** A mask in which parts apart from the largest are 0, as a new plane. */
export function keepConnected({ width, height, values }) {
  const { labels, sums } = parts(values, width, height), least = KEPT * Math.max(...sums);
  const made = plane(width, height), radius = Math.max(1, Math.floor(REACH * Math.max(width, height) + 0.5));
  const kept = (i) => labels[i] >= 0 && sums[labels[i]] >= least;
  for (let i = 0; i < values.length; i++) {
    if (!kept(i)) continue;
    const x = i % width, y = Math.floor(i / width);
    made.values[i] = values[i];
    const share = Math.min(1, fround(fround(values[i] - ABOVE) / RAMP));
    for (let v = Math.max(0, y - radius); v <= Math.min(height - 1, y + radius); v++) {
      for (let u = Math.max(0, x - radius); u <= Math.min(width - 1, x + radius); u++) {
        const near = v * width + u;
        if (labels[near] < 0) made.values[near] = Math.max(made.values[near], share * values[near]);
      }
    }
  }
  return made;
}

/** Parts of what is above ABOVE, 8-connected: labels of pixels, -1 for those in none, and the mask's sum in each part. */
function parts(values, width, height) {
  const labels = new Int32Array(values.length).fill(-1), sums = [], waiting = [];
  for (let start = 0; start < values.length; start++) {
    if (labels[start] >= 0 || !(values[start] > ABOVE)) continue;
    const label = sums.push(0) - 1;
    labels[start] = label;
    waiting.push(start);
    while (waiting.length) {
      const i = waiting.pop(), x = i % width, y = Math.floor(i / width);
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
          const next = v * width + u;
          if (labels[next] >= 0 || !(values[next] > ABOVE)) continue;
          labels[next] = label;
          waiting.push(next);
        }
      }
    }
  }
  for (let i = 0; i < values.length; i++) if (labels[i] >= 0) sums[labels[i]] += values[i];
  return { labels, sums };
}
