// A second look at how CelebA's crop lies around a face (lomit_tf/imaging/framing_network.py, which says why).

import { Look, pixelsOf } from "./look.js";

const SIDE = 64, FIELD = 0.7, DOWN = 0.09, UNIT = [0.07, 0.07, 0.035, 0.035], MOST = 3, LOOKS = 2;

/** A crop [upper side, centre], each [x, y], where the network's output says that it lies; framing_network.moved. */
export function moved([[across, down], [x, y]], output) {
  const [s, t, u, v] = UNIT.map((unit, k) => unit * Math.max(-MOST, Math.min(MOST, output[k])));
  const cosine = Math.exp(s) * Math.cos(t), sine = Math.exp(s) * Math.sin(t);
  return [
    [across * cosine - down * sine, across * sine + down * cosine],
    [x + across * u - down * v, y + down * u + across * v],
  ];
}

/**
 * A face's crop after two looks of the network, each at the crop that the one before gave.
 *
 * @param run async ("framing", pixels) => {correction}: the network on 64 x 64 x 3 in -1..1.
 * @param crop as `cropAround` gives it.
 */
export async function corrected(run, look, crop) {
  let made = crop;
  for (let n = 0; n < LOOKS; n++) {
    const [[across, down], [x, y]] = made, side = FIELD * Math.hypot(across, down);
    const to = Look.place([x - DOWN * down, y + DOWN * across], side, (Math.atan2(down, across) * 180) / Math.PI);
    made = moved(made, (await run("framing", pixelsOf(look.square(to, side, SIDE)))).correction);
  }
  return made;
}
