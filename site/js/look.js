// Squares of a photograph, upright or turned, at the sizes that small networks take (lomit_tf/imaging/look.py).

import { rint, sampleColour, stepsOf } from "./affine.js";
import { averaged } from "./planes.js";
import { whole as allOf } from "./windows.js";

const LOOK_SIDE = 1280;

/** A photograph to look at: copies of it, each half as large as the one before. */
export class Look {
  constructor(picture) {
    this.width = picture.width;
    this.height = picture.height;
    const scale = Math.min(1, LOOK_SIDE / Math.max(this.width, this.height));
    const [width, height] = [this.width, this.height].map((n) => Math.max(1, rint(n * scale)));
    this.copies = [scale < 1 ? averaged(picture, allOf(picture), width, height) : picture];
  }

  /** x, y in the photograph of u, v in 0..1 of a turned square. */
  static place([x, y], side, angle) {
    const cosine = side * Math.cos((angle * Math.PI) / 180), sine = side * Math.sin((angle * Math.PI) / 180);
    return [cosine, -sine, x - (cosine - sine) / 2, sine, cosine, y - (sine + cosine) / 2];
  }

  /** A turned square, size x size, black beyond the border. */
  square(to, side, size) {
    let level = 0, step = ((side / size) * this.copies[0].width) / this.width;
    while (step >= 2 && Math.min(this.copies[level].width, this.copies[level].height) > 1) {
      level += 1;
      step /= 2;
      if (level === this.copies.length) {
        const last = this.copies[level - 1];
        this.copies.push(averaged(last, allOf(last), (last.width + 1) >> 1, (last.height + 1) >> 1));
      }
    }
    const copy = this.copies[level], across = copy.width / this.width, down = copy.height / this.height, half = 0.5 / size;
    const where = [
      (across * to[0]) / size, (across * to[1]) / size, across * (to[2] + half * (to[0] + to[1]) + 0.5) - 0.5,
      (down * to[3]) / size, (down * to[4]) / size, down * (to[5] + half * (to[3] + to[4]) + 0.5) - 0.5,
    ];
    const made = { width: size, height: size, data: new Uint8ClampedArray(4 * size * size).fill(255) }, rgb = [0, 0, 0];
    for (let i = 0; i < size * size; i++) {
      const [x, y] = stepsOf(where, i % size, Math.floor(i / size));
      sampleColour(copy, x, y, false, rgb, 0);
      made.data.set(rgb, 4 * i);
    }
    return made;
  }
}

/** The pixels of a square as a network's input, side x side x 3 in -1..1; of its mirror image where asked for. */
export function pixelsOf({ width: side, data }, mirrored = false) {
  const pixels = new Float32Array(3 * side * side);
  for (let i = 0; i < side * side; i++) {
    const from = 4 * (mirrored ? i - (i % side) + side - 1 - (i % side) : i);
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = data[from + c] * Math.fround(2 / 255) - 1;
  }
  return pixels;
}
