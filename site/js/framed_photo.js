// Photographs that are worked on: what lomit_tf/webapp/photograph.py and lomit_tf/photos/photo_masks.py do, in the page's worker.

import { rint } from "./affine.js";
import { compete } from "./competing.js";
import { keepConnected } from "./connected.js";
import { MASK_FLOOR } from "./curves.js";
import { findFaces } from "./faces.js";
import { framed } from "./framing.js";
import { apart, sampledRows, share } from "./group_masks.js";
import { extended } from "./mask_edges.js";
import { applied, layerOf, sizeWithin, touchedOf } from "./mask_edits.js";
import { averaged, downsampled, plane, resizedPlane, seen, toModelRange } from "./planes.js";
import { cutPlane, insideOf, matrixOf, scaled, uncutRows, whole } from "./windows.js";

export const SCREEN_SIDE = 1024, EDITOR_SIDE = 512;
let framings = 0; // so far, of all photographs

/** A picture as the model and a person see it, transparency over white; itself where there is none. */
export function overWhite(picture) {
  const { width, height, data } = picture;
  let opaque = true;
  for (let i = 3; opaque && i < data.length; i += 4) opaque = data[i] === 255;
  if (opaque) return picture;
  const made = { width, height, data: new Uint8ClampedArray(data.length).fill(255) };
  for (let i = 0; i < data.length; i += 4) {
    const opacity = data[i + 3] / 255;
    for (let c = 0; c < 3; c++) made.data[i + c] = rint(255 + (data[i + c] - 255) * opacity);
  }
  return made;
}

/** A smaller copy; the picture itself where it is small enough. */
export function shrunk(picture, side) {
  if (Math.max(picture.width, picture.height) <= side) return picture;
  const { width, height } = sizeWithin(picture, side);
  return averaged(picture, whole(picture), width, height);
}

/** Of each group whether it lies on others: those that are painted from near. */
const overlappingOf = ({ groups, boxes }) => groups.map((_, g) => Boolean(boxes[g]));

/**
 * The masks that the model finds of what it sees, a plane of each group; some compete by its colours, and those of connected
 * groups are one region. lomit_tf/imaging/found_masks.py.
 *
 * @param ofFace whether it is a face framed as CelebA's are, of which alone it is known where hair lies.
 */
export async function foundMasks({ model, layouts, masks }, pixels, ofFace) {
  const planes = apart(await masks(pixels), model.groups.length, model.size);
  if (ofFace) compete(planes, pixels, model.competing, overlappingOf(model), layouts);
  return planes.map((mask, g) => (model.connected.includes(g) ? keepConnected(mask) : mask));
}

/** A photograph: framed, with the masks that the model found and what a person made of them. */
export class FramedPhoto {
  /**
   * @param networks {model, masks, face, ...}; see networks.js.
   * @param side "input", whose masks of colour groups go on beyond the window, or "exemplar", of which only the window counts.
   */
  static async open(networks, picture, name, side) {
    const rgb = overWhite(picture), photo = new FramedPhoto(), { model } = networks;
    const found = await findFaces(networks.face, rgb), groups = model.groups.map((_, g) => g);
    Object.assign(photo, { name, side, picture, rgb, screen: shrunk(rgb, SCREEN_SIDE), editor: sizeWithin(rgb, EDITOR_SIDE) });
    photo.continued = groups.filter((g) => side === "input" && model.coloured.includes(g));
    photo.ending = photo.continued.flatMap((g, n) => (model.small.includes(g) ? [n] : [])); // which of them, with the window
    photo.overlapping = overlappingOf(model);
    await photo.frame(networks, framed(rgb, found, model.zoom));
    return photo;
  }

  /** Take a window, and let the model find its masks; what was painted is gone. */
  async frame(networks, { window, notes, faces, face, ofFace }) {
    const { rgb, screen } = this, across = screen.width / rgb.width, down = screen.height / rgb.height;
    const pixels = toModelRange(seen(rgb, window, networks.model.size)), own = await foundMasks(networks, pixels, ofFace);
    const screenWindow = screen === rgb ? window : scaled(window, across, down, rint);
    framings += 1;
    Object.assign(this, { id: framings, window, notes, faces, face, ofFace, pixels, own, screenWindow, version: 0, beyond: new WeakMap() });
    this.screenMasks = own.map((_, g) => this.foundMask(g, false));
    this.found = this.screenMasks.map((mask) => layerOf(mask, this.editor));
    this.layers = [...this.found];
    this.edited = own.map(() => false); // of each group whether a person changed its mask
  }

  /** Take another of its faces. */
  async choose(networks, face) {
    await this.frame(networks, { window: this.faces[face], notes: [], faces: this.faces, face, ofFace: true });
  }

  /** The photograph (full) or its copy for the screen, and the window in it. */
  at(full) {
    return full ? { picture: this.rgb, window: this.window } : { picture: this.screen, window: this.screenWindow };
  }

  /** The continued groups' masks, with what lies around the window, where those of small groups are 0: {masks, map}. */
  extended(full, own) {
    const { picture, window } = this.at(full), map = matrixOf(window), masks = this.continued.map((g) => own[g]);
    if (!this.beyond.has(own)) this.beyond.set(own, {});
    const kept = this.beyond.get(own);
    kept[full] ??= extended(picture, masks, map, this.ending) ?? { masks, map };
    return kept[full];
  }

  /**
   * read(y, to): a group's mask at the pixels of the photograph (full) or of its copy for the screen.
   *
   * @param floor below which it counts as 0 where it is continued.
   * @param own planes of the window, one for each group, in the place of those that the model found.
   */
  foundRows(group, full, floor = MASK_FLOOR, own = this.own) {
    const { picture, window } = this.at(full), place = this.continued.indexOf(group);
    if (place >= 0) {
      const { masks, map } = this.extended(full, own);
      return sampledRows(masks[place], map, floor);
    }
    return withinRows(resizedPlane(own[group], window.width, window.height), window, picture);
  }

  /** The same as a plane. */
  foundMask(group, full) {
    return planeOf(this.foundRows(group, full), this.at(full).picture);
  }

  /** Take a layer, bytes of the editor's size, as a group's mask; whether it differs from the one before. */
  paint(group, layer) {
    const before = this.layers[group];
    if (layer.length !== before.length || layer.every((value, i) => value === before[i])) return false;
    this.layers[group] = layer;
    this.edited[group] = touchedOf(layer, this.found[group]) !== null;
    this.version += 1;
    return true;
  }

  /** The mask that a person made, a plane of the size of the photograph (full) or of its copy for the screen. */
  editedMask(group, full) {
    const { width, height, values } = this.screenMasks[group], own = full ? this.foundMask(group, true) : plane(width, height, values.slice());
    return applied(this.layers[group], this.found[group], this.editor, own);
  }

  /** The masks for the networks, planes of size x size. */
  networkMasks() {
    const { edited, own } = this;
    if (!edited.includes(true)) return own;
    const given = edited.map((one, g) => (
      one ? downsampled(cutPlane(this.editedMask(g, false), this.screenWindow), own[g].width).values : null));
    const made = own.map(({ width, height, values }) => plane(width, height, values.slice()));
    share(made.map(({ values }) => values), given, this.overlapping);
    return made;
  }

  /**
   * read(y, rows): the masks' rows, one for each group, at the photograph's own pixels (full), or at those of its copy for
   * the screen.
   *
   * @param groups those that are needed; rows of others may be left as they are.
   * @param own as of `foundRows`.
   */
  maskRows(full, groups, own = this.own) {
    const { edited, overlapping } = this, all = this.layers.map((_, g) => g), sharing = all.filter((g) => !overlapping[g]);
    const shared = sharing.some((g) => edited[g]), alone = sharing.every((g) => edited[g]); // nothing is left for others
    const needed = all.filter((g) => groups.includes(g) || (shared && !overlapping[g]));
    const floor = edited.includes(true) ? 0 : MASK_FLOOR, { picture } = this.at(full);
    const given = all.map((g) => (needed.includes(g) && edited[g] ? this.givenRows(g, full) : null));
    const found = all.map((g) => (
      !needed.includes(g) || (edited[g] && (alone || overlapping[g])) ? null : this.foundRows(g, full, floor, own)));
    const lines = given.map((one) => one && new Float32Array(picture.width));
    return (y, rows) => {
      for (const g of needed) {
        found[g]?.(y, rows[g]);
        given[g]?.(y, lines[g]);
      }
      share(rows, lines, overlapping);
    };
  }

  /** read(y, to): a mask that a person gave, as it is where it is continued, else cut to the window. */
  givenRows(group, full) {
    const mask = this.editedMask(group, full), { width, values } = mask, { picture, window } = this.at(full);
    if (!this.continued.includes(group)) return withinRows(cutPlane(mask, window), window, picture);
    return (y, to) => to.set(values.subarray(y * width, (y + 1) * width));
  }
}

/** read(y, to): a window's plane at the pixels of a picture, 0 outside of the window. */
function withinRows(part, window, picture) {
  const inside = insideOf(window, picture), read = uncutRows(part, window, inside);
  return (y, to) => {
    to.fill(0);
    if (y >= inside.top && y < inside.bottom) read(y, to.subarray(inside.left, inside.right));
  };
}

/** What read(y, to) gives, as a plane of a picture's size. */
function planeOf(read, { width, height }) {
  const made = plane(width, height);
  for (let y = 0; y < height; y++) read(y, made.values.subarray(y * width, (y + 1) * width));
  return made;
}
