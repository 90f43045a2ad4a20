// From what the networks painted to the photograph: lomit_tf/photos/pasting.py. Free groups first, whose pixels move before anything
// is added to them; then colours.

import { rint } from "./affine.js";
import { changer } from "./curves.js";
import { overWhite } from "./framed_photo.js";
import { movedPart, movedPixels, mover } from "./moving.js";
import { adder, isMonochrome, markedRows } from "./paste_back.js";
import { matrixOf } from "./windows.js";

/**
 * The translated photograph, (full) or its copy for the screen: {width, height, data}.
 *
 * @param photo a FramedPhoto.
 * @param model coloured and free: the model's groups of either kind.
 * @param painted {raw, displacement, free, masks, curves, own}: what was painted freely, or null; how far away its pixels
 *   come from, or null; the groups of it; the masks that the networks were given; the curves, or null; and the planes that the
 *   colour groups' masks are made of.
 */
export function pasted(photo, { coloured, free }, painted, strength, full) {
  const { raw, displacement, free: asked, masks, curves, own } = painted;
  const source = full ? photo.picture : photo.screen, { window } = photo.at(full), { width, height } = source;
  const made = { width, height, data: source.data.slice() }, exact = free.length > 0; // rounded once, not between the two
  const marked = raw && strength ? markedRows(asked.map((g) => masks[g]), window) : null;
  const moving = raw && displacement && strength ? mover(source, window, displacement, strength) : null;
  const moved = moving && movedPart(source, window, moving), seen = moved ? { ...moved, picture: overWhite(moved.picture) } : undefined;
  const before = displacement ? movedPixels(photo.pixels, displacement) : photo.pixels;
  // In models whose curves give colour, what is painted freely does not mean to: a grey photograph stays grey.
  const grey = coloured.length > 0 && isMonochrome(source, window), { picture } = photo.at(full);
  const add = marked && adder(picture, window, changeOf(before, raw, masks[0]), strength, marked, seen, grey);
  const bends = strength && curves?.values.some((value) => value !== 0);
  const change = bends && changer(curves, matrixOf(window), strength, exact);
  if (!add && !change) return made;
  const rows = photo.layers.map(() => new Float32Array(width)), chosen = new Float32Array(width);
  const readFree = add && photo.maskRows(full, asked), read = change && photo.maskRows(full, coloured, own);
  const floats = exact && new Float32Array(4 * width);
  for (let y = 0; y < height; y++) {
    const bytes = made.data.subarray(4 * y * width, 4 * (y + 1) * width), pixels = floats || bytes;
    if (floats) floats.set(bytes);
    if (add) {
      readFree(y, rows);
      chosen.fill(0);
      for (const g of asked) for (let x = 0; x < width; x++) chosen[x] += rows[g][x];
      moving?.move(y, pixels, chosen); // nothing moves where nothing is added
      add(y, chosen, pixels);
    }
    if (change) {
      read(y, rows);
      change(y, coloured.map((g) => rows[g]), pixels);
    }
    if (floats) for (let i = 0; i < bytes.length; i++) bytes[i] = rint(floats[i]);
  }
  return made;
}

/** What was changed, in units of white: {width, height, values}. */
function changeOf(before, raw, { width, height }) {
  return { width, height, values: raw.map((value, i) => (value - before[i]) / 2) };
}
