// Photographs, exemplars and translations: what lomit_tf/webapp/session.py and lomit_tf/photos/pasting.py do, in the page's worker.

import { rint } from "./affine.js";
import { styleOf } from "./colours.js";
import { keepConnected } from "./connected.js";
import { MASK_FLOOR, changer } from "./curves.js";
import { findFaces } from "./faces.js";
import { framed } from "./framing.js";
import { extended } from "./mask_edges.js";
import { applied, layerOf, sizeWithin, touchedOf } from "./mask_edits.js";
import { averaged, downsampled, plane, resizedPlane, seen, toModelRange } from "./planes.js";
import { cutPlane, insideOf, matrixOf, scaled, uncutRows, whole } from "./windows.js";

export const SCREEN_SIDE = 1024, EDITOR_SIDE = 512;

/** A picture as the model and a person see it, transparency over white; itself where there is none. */
export function overWhite(picture) {
  const { width, height, data } = picture;
  let opaque = true;
  for (let i = 3; opaque && i < data.length; i += 4) opaque = data[i] === 255;
  if (opaque) return picture;
  const made = { width, height, data: new Uint8ClampedArray(data.length).fill(255) };
  for (let i = 0; i < data.length; i += 4) {
    const share = data[i + 3] / 255;
    for (let c = 0; c < 3; c++) made.data[i + c] = rint(255 + (data[i + c] - 255) * share);
  }
  return made;
}

/** A smaller copy; the picture itself where it is small enough. */
export function shrunk(picture, side) {
  if (Math.max(picture.width, picture.height) <= side) return picture;
  const { width, height } = sizeWithin(picture, side);
  return averaged(picture, whole(picture), width, height);
}

/** A photograph that is worked on: framed, with the mask that the model found and what a person made of it. */
export class Photo {
  /**
   * @param networks {size, zoom, connected, masks, styles, curves, face}; see networks.js.
   * @param side "input", whose mask goes on beyond the window, or "exemplar", of which only the window counts.
   */
  static async open(networks, picture, name, side) {
    const rgb = overWhite(picture), photo = new Photo();
    const found = await findFaces(networks.face, rgb);
    Object.assign(photo, { name, side, picture, rgb, screen: shrunk(rgb, SCREEN_SIDE), editor: sizeWithin(rgb, EDITOR_SIDE) });
    await photo.frame(networks, framed(rgb, found, networks.zoom));
    return photo;
  }

  /** Take a window, and let the model find its mask; what was painted is gone. */
  async frame(networks, { window, notes, faces, face }) {
    const { rgb, screen } = this, across = screen.width / rgb.width, down = screen.height / rgb.height;
    const pixels = toModelRange(seen(rgb, window, networks.size));
    const found = plane(networks.size, networks.size, await networks.masks(pixels));
    const own = networks.connected ? keepConnected(found) : found;
    const screenWindow = screen === rgb ? window : scaled(window, across, down, rint);
    Object.assign(this, { window, notes, faces, face, pixels, own, screenWindow, version: 0, beyond: {} });
    this.screenMask = this.foundMask(false);
    this.layer = this.found = layerOf(this.screenMask, this.editor);
  }

  /** Take another of its faces. */
  async choose(networks, face) {
    await this.frame(networks, { window: this.faces[face], notes: [], faces: this.faces, face });
  }

  /** The photograph (full) or its copy for the screen, and the window in it. */
  at(full) {
    return full ? { picture: this.rgb, window: this.window } : { picture: this.screen, window: this.screenWindow };
  }

  /** read(y, to): the model's mask at the pixels of the photograph (full) or of its copy for the screen. */
  foundRows(full) {
    const { picture, window } = this.at(full);
    if (this.side === "input") {
      const map = matrixOf(window);
      this.beyond[full] ??= extended(picture, this.own, map) ?? { mask: this.own, map };
      return sampledRows(this.beyond[full]);
    }
    const inside = insideOf(window, picture);
    const read = uncutRows(resizedPlane(this.own, window.width, window.height), window, inside);
    return (y, to) => {
      to.fill(0);
      if (y >= inside.top && y < inside.bottom) read(y, to.subarray(inside.left, inside.right));
    };
  }

  /** The same as a plane. */
  foundMask(full) {
    const { width, height } = this.at(full).picture, made = plane(width, height), read = this.foundRows(full);
    for (let y = 0; y < height; y++) read(y, made.values.subarray(y * width, (y + 1) * width));
    return made;
  }

  /** Take a layer, bytes of the editor's size, as the mask; whether it differs from the one before. */
  paint(layer) {
    if (layer.length !== this.layer.length || layer.every((value, i) => value === this.layer[i])) return false;
    this.layer = layer;
    this.version += 1;
    return true;
  }

  get edited() {
    return touchedOf(this.layer, this.found) !== null;
  }

  /** The mask that a person made, a plane of the size of the photograph (full) or of its copy for the screen. */
  editedMask(full) {
    const { width, height, values } = this.screenMask;
    return applied(this.layer, this.found, this.editor, full ? this.foundMask(true) : plane(width, height, values.slice()));
  }

  /** The mask for the networks, size x size. */
  networkMask() {
    return this.edited ? downsampled(cutPlane(this.editedMask(false), this.screenWindow), this.own.width) : this.own;
  }

  /** read(y, to): the mask's row at the photograph's own pixels (full), or at those of its copy for the screen. */
  maskRows(full) {
    if (!this.edited) return this.foundRows(full);
    const { width, values } = this.editedMask(full);
    return (y, to) => to.set(values.subarray(y * width, (y + 1) * width));
  }
}

/**
 * read(y, to): a mask at a photograph's pixels, bilinear with its edges repeated, 0 beyond them and below MASK_FLOOR;
 * mask_planes.shown_masks.
 */
export function sampledRows({ mask: { width, height, values }, map: [a, b, c, d, e, f] }) {
  const HALF = 0.5 + 1e-6; // a pixel whose centre lies on the border counts
  return (y, to) => {
    for (let x = 0; x < to.length; x++) {
      const u = a * x + b * y + c, v = d * x + e * y + f;
      if (Math.abs(u - 0.5) > HALF || Math.abs(v - 0.5) > HALF) {
        to[x] = 0;
        continue;
      }
      const i = Math.max(0, Math.min(width - 1, u * width - 0.5)), j = Math.max(0, Math.min(height - 1, v * height - 0.5));
      const left = Math.floor(i), top = Math.floor(j), across = i - left, down = j - top;
      const at = top * width + left, right = left + 1 < width ? 1 : 0, below = top + 1 < height ? width : 0;
      const upper = values[at] + across * (values[at + right] - values[at]);
      const value = upper + down * (values[at + below] + across * (values[at + below + right] - values[at + below]) - upper);
      to[x] = value < MASK_FLOOR ? 0 : value;
    }
  };
}

/** The photograph with its own pixels sent through curves, within its mask: pasting.paste. */
export function pasted(photo, grid, strength, full) {
  const source = full ? photo.picture : photo.screen, { width, height } = source, data = source.data.slice();
  if (strength && grid.values.some((value) => value !== 0)) {
    const read = photo.maskRows(full), mask = new Float32Array(width);
    const change = changer(grid, matrixOf(full ? photo.window : photo.screenWindow), strength);
    for (let y = 0; y < height; y++) {
      read(y, mask);
      change(y, mask, data.subarray(4 * y * width, 4 * (y + 1) * width));
    }
  }
  return { width, height, data };
}

/** A picture and an exemplar, and what was computed of them, so that nothing is computed twice. */
export class Session {
  constructor(networks) {
    Object.assign(this, { networks, input: null, exemplar: null, colour: null, kept: null });
  }

  async open(side, picture, name) {
    const photo = await Photo.open(this.networks, picture, name, side);
    this[side] = photo;
    if (side === "exemplar") this.colour = null;
    this.kept = null;
    return photo;
  }

  /** Take a colour, red, green and blue in 0..255, instead of an exemplar. */
  takeColour(colour) {
    this.colour = colour;
    this.kept = null;
  }

  get ready() {
    return Boolean(this.input && (this.exemplar || this.colour));
  }

  /** The curves of the input after the exemplar; computed anew only when a mask, a picture or the colour changed. */
  async curves() {
    const { networks, input, exemplar, colour } = this;
    const key = `${input.version} ${input.face} ${colour ?? exemplar.version}`;
    if (this.kept?.key !== key) {
      const styles = colour ? styleOf(colour, networks.codeSize)
        : await networks.styles(exemplar.pixels, exemplar.networkMask().values);
      const values = await networks.curves(input.pixels, input.networkMask().values, styles);
      this.kept = { key, empty: !styles.some((value) => value !== 0), grid: { width: networks.size / 8, height: networks.size / 8, values } };
    }
    return this.kept;
  }

  /** What the screen shows: before and after, at most SCREEN_SIDE large, and notes. */
  async show(strength) {
    const { grid, empty } = await this.curves(), { input, exemplar, colour } = this;
    const notes = [...input.notes, ...(colour ? [] : exemplar.notes.map((note) => `exemplar: ${note}`))];
    if (empty) notes.push("the exemplar's mask is empty: nothing of it is transferred");
    else if (input.edited && !input.layer.some((value) => value > 0)) notes.push("nothing is marked on your picture");
    return { before: input.screen, after: pasted(input, grid, strength, false), notes };
  }

  /** The translation at the photograph's own size. */
  async save(strength) {
    return pasted(this.input, (await this.curves()).grid, strength, true);
  }
}
