// A translation from its parts, each computed once: what lomit_tf/webapp/session.py and lomit_tf/photos/steps.py do, in the page's
// worker.

import { codeOf, styleOf } from "./colours.js";
import { FramedPhoto, foundMasks } from "./framed_photo.js";
import { interleaved } from "./group_masks.js";
import { inLight, lightOf } from "./light.js";
import { pasted } from "./pasting.js";
import { changedPicture, seenAgain } from "./second_look.js";

const listed = (names) => names.join(", ").replaceAll("_", " ");

/** A picture and an exemplar, and what was computed of them, so that nothing is computed twice. */
export class Session {
  constructor(networks) {
    Object.assign(this, { networks, input: null, exemplar: null, colour: null, styled: null, kept: null });
  }

  async open(side, picture, name) {
    const photo = await FramedPhoto.open(this.networks, picture, name, side);
    this[side] = photo;
    if (side === "exemplar") this.colour = null;
    this.styled = side === "exemplar" ? null : this.styled;
    this.kept = null;
    return photo;
  }

  /** Take a colour, red, green and blue in 0..255, for one of the colour groups, instead of an exemplar. */
  takeColour(colour, group) {
    this.colour = { colour, group, name: codeOf(colour) };
    this.styled = this.kept = null;
  }

  get ready() {
    return Boolean(this.input && (this.exemplar || this.colour));
  }

  /**
   * The groups' styles, (G, D), zeros for a group of which there is nothing; and of each group whether there is something.
   * Where both faces were found and some group competes, the exemplar is seen in the light of the input's face.
   */
  async styles() {
    const { networks, input, exemplar, colour } = this, { groups, codeSize, competing, size: side } = networks.model;
    if (colour) {
      const style = styleOf(colour.colour, codeSize), styles = new Float32Array(groups.length * style.length);
      styles.set(style, colour.group * style.length);
      return { styles, there: groups.map((_, g) => g === colour.group) };
    }
    const lit = competing.length > 0 && exemplar.ofFace && input.ofFace;
    const key = JSON.stringify([exemplar.id, exemplar.version, lit ? input.id : null]);
    if (this.styled?.key !== key) {
      const { pixels } = exemplar, light = (photo) => lightOf(photo.pixels, side);
      const seen = lit ? inLight(pixels, light(exemplar), light(input)) : pixels;
      const styles = await networks.styles(seen, interleaved(exemplar.networkMasks()));
      const size = styles.length / groups.length;
      for (const g of this.leftOut(exemplar)) styles.fill(0, g * size, (g + 1) * size);
      const there = groups.map((_, g) => styles.subarray(g * size, (g + 1) * size).some((value) => value !== 0));
      this.styled = { key, styles, there };
    }
    return this.styled;
  }

  /**
   * The groups that only faces have, of a picture in which none was found, but for those that a person painted: masks of
   * lips and smiles are somewhere in any picture.
   */
  leftOut({ ofFace, edited }) {
    const { groups, boxes, small } = this.networks.model;
    return ofFace ? [] : groups.map((_, g) => g).filter((g) => (boxes[g] || small.includes(g)) && !edited[g]);
  }

  /**
   * What the networks paint of the input after the exemplar: pasting.js has what it consists of. Computed anew only when a
   * mask, a picture, the colour or the groups changed; or the strength, where the networks look twice.
   *
   * @param taken numbers of the groups to take.
   */
  async painted(taken, strength) {
    const { networks, input } = this, { model } = networks, { styles, there } = await this.styles();
    const left = this.leftOut(input), asked = taken.filter((g) => there[g] && !left.includes(g));
    const coloured = asked.filter((g) => model.coloured.includes(g));
    const free = asked.filter((g) => !model.coloured.includes(g)), near = free.filter((g) => model.boxes[g]);
    const twice = near.length > 0 && coloured.length > 0;
    const first = JSON.stringify([input.id, input.version, this.exemplar?.version, asked]), key = `${first} ${twice ? strength : ""}`;
    if (this.kept?.key === key) return this.kept;
    const { pixels, own } = input, before = this.kept?.first === first ? this.kept : null, masks = before?.masks ?? input.networkMasks();
    const paint = (part, picture, planes, groups) => (
      networks[part](picture, interleaved(planes), styles, Float32Array.from(model.groups, (_, g) => (groups.includes(g) ? 1 : 0))));
    const { raw, displacement } = before ?? { raw: null, displacement: null };
    const made = { key, first, there, free, masks, own, raw, displacement, curves: null };
    if (free.length && !raw) Object.assign(made, await paint("free", pixels, masks, twice ? near : asked));
    let [seen, picture] = [masks, pixels];
    if (twice) {
      picture = changedPicture(pixels, made, near.map((g) => masks[g]), strength);
      const { edited } = input, moving = model.coloured.filter((g) => !edited[g]);
      seen = seenAgain(pixels, picture, masks, await foundMasks(networks, picture, input.ofFace), moving);
      made.own = own.map((mask, g) => (moving.includes(g)
        ? { ...mask, values: mask.values.map((value, i) => value + seen[g].values[i] - masks[g].values[i]) } : mask));
    }
    if (coloured.length) {
      const values = await paint("curves", picture, seen, coloured), side = model.size / 8;
      made.curves = { width: side, height: side, values };
    }
    this.kept = made;
    return made;
  }

  /** What the screen shows: before and after, at most SCREEN_SIDE large, and notes. */
  async show({ taken, strength }) {
    const painted = await this.painted(taken, strength), { input, exemplar, colour, networks } = this;
    const notes = [...input.notes, ...(colour ? [] : exemplar.notes.map((note) => `exemplar: ${note}`))];
    notes.push(...(colour ? this.colourNotes(taken) : this.exemplarNotes(taken, painted.there)));
    notes.push(...this.faceNotes(taken, painted.there), ...this.maskNotes(taken, painted));
    return { before: input.screen, after: pasted(input, networks.model, painted, strength, false), notes };
  }

  /** The translation at the photograph's own size. */
  async save({ taken, strength }) {
    return pasted(this.input, this.networks.model, await this.painted(taken, strength), strength, true);
  }

  /** What a person should know of a colour: of which group it is, where there are several. */
  colourNotes(taken) {
    const { groups } = this.networks.model, { group, name } = this.colour;
    if (!taken.includes(group)) return [`${name} is a colour of ${listed([groups[group]])}, which is not taken`];
    const others = taken.filter((g) => g !== group).map((g) => groups[g]);
    return others.length ? [`${name} is a colour of ${listed([groups[group]])}; nothing else changes (${listed(others)})`] : [];
  }

  /** Of which groups the exemplar has nothing. */
  exemplarNotes(taken, there) {
    const { groups } = this.networks.model, left = this.leftOut(this.exemplar), notes = [];
    const without = (some) => taken.filter((g) => !there[g] && left.includes(g) === some).map((g) => groups[g]);
    const [faceless, empty] = [without(true), without(false)], of = groups.length > 1 ? ` of ${listed(empty)}` : "";
    if (faceless.length) notes.push(`exemplar: without a face nothing of ${listed(faceless)} is taken from it`);
    if (empty.length) notes.push(`the exemplar's mask${of} is empty: nothing of it is transferred`);
    return notes;
  }

  /** Which groups of the input stay as they are, since no face was found. */
  faceNotes(taken, there) {
    const kept = this.leftOut(this.input).filter((g) => taken.includes(g) && there[g]).map((g) => this.networks.model.groups[g]);
    return kept.length ? [`without a face nothing changes of ${listed(kept)}, unless you paint where it is`] : [];
  }

  /** In which masks that a person painted nothing can change. */
  maskNotes(taken, { there, masks }) {
    const { groups, boxes } = this.networks.model, { edited, layers } = this.input, notes = [];
    for (const [g, name] of groups.entries()) {
      if (!edited[g]) continue;
      const what = groups.length > 1 ? `${listed([name])} ` : "", marked = layers[g].some((value) => value > 0);
      if (!taken.includes(g)) notes.push(`the mask of ${listed([name])} was painted, but ${listed([name])} is not taken`);
      else if (!marked && there[g]) notes.push(`nothing ${what ? `of ${what}` : ""}is marked on your picture`);
      else if (marked && boxes[g] && !within(masks[g], boxes[g])) {
        notes.push(`what is marked of ${what}lies outside of the square in which it is painted; nothing changes there`);
      }
    }
    return notes;
  }
}

/** Whether a mask is more than 0 anywhere in a square: [left, top, side]. */
function within({ width, values }, [left, top, side]) {
  return values.some((value, i) => {
    const [x, y] = [(i % width) - left, Math.floor(i / width) - top];
    return value > 0 && x >= 0 && y >= 0 && x < side && y < side;
  });
}
