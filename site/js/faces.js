// Faces in a photograph: BlazeFace's two networks, decoded as lomit_tf/imaging/faces.py does it, which says why.

import { at } from "./affine.js";
import { cropAround } from "./celeba_framing.js";
import { corrected } from "./framing_network.js";
import { Look, pixelsOf } from "./look.js";

const LEAST_CANDIDATE = 0.3, LEAST_SCORE = 0.5, LEAST_LOOKS = 3, MOST = 64, OVERLAP = 0.3, TILE = 0.5, LARGE = 0.12;
const MIRRORED = [1, 0, 2, 3, 5, 4], TURNS = [[0], [-40, 40]];
// Where no face has this score the photograph may stand on its head.
const SURE = 0.85;

/** The networks: side of the input, (stride, anchors in each cell) of the layers, and the square of another look. */
export const SHORT = { name: "short", side: 128, layers: [[8, 2], [16, 6]], near: 1.8 };
export const FULL = { name: "full", side: 192, layers: [[4, 1]], near: 2.2 };

/** x, y of the anchors, 0..1: the cells' centres row by row. */
export function anchors({ side, layers }) {
  const made = [];
  for (const [stride, count] of layers) {
    const cells = side / stride;
    for (let cell = 0; cell < cells * cells; cell++) {
      const place = [(((cell % cells) + 0.5) * stride) / side, ((Math.floor(cell / cells) + 0.5) * stride) / side];
      for (let k = 0; k < count; k++) made.push(place);
    }
  }
  return made;
}

/**
 * A network's output as candidates of at least a probability, the surest first: score, then x, y of the box's upper left
 * and lower right corner and of the six points, 0..1 of the input.
 *
 * @param regressors 16 numbers for each anchor, in pixels of the input.
 * @param logits one for each anchor.
 */
export function decode(regressors, logits, model, least) {
  const found = [], places = anchors(model), { side } = model;
  places.forEach(([x, y], n) => {
    const score = 1 / (1 + Math.exp(-Math.max(-80, Math.min(80, logits[n])))), r = regressors.subarray(16 * n, 16 * n + 16);
    const [half, tall] = [r[2] / side / 2, r[3] / side / 2];
    if (score < least || half <= 0 || tall <= 0) return;
    const [middle, level] = [x + r[0] / side, y + r[1] / side];
    const row = [score, middle - half, level - tall, middle + half, level + tall];
    for (let i = 4; i < 16; i++) row.push((i % 2 ? y : x) + r[i] / side);
    found.push(row);
  });
  return found.sort((one, other) => other[0] - one[0]);
}

/** Intersection over union of two boxes: left, top, right, bottom. */
export function overlap(one, other) {
  const across = Math.max(0, Math.min(one[2], other[2]) - Math.max(one[0], other[0]));
  const both = across * Math.max(0, Math.min(one[3], other[3]) - Math.max(one[1], other[1]));
  const size = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  return both / (size(one) + size(other) - both);
}

/** Candidates that overlap the surest become their mean, weighted by the scores; and so on with the rest. */
export function merged(found) {
  const kept = [];
  let left = found;
  while (left.length) {
    const [first] = left, box = first.slice(1, 5);
    const same = left.filter((row) => row === first || overlap(box, row.slice(1, 5)) > OVERLAP);
    const total = same.reduce((sum, row) => sum + row[0], 0);
    const mean = first.map((_, i) => same.reduce((sum, row) => sum + row[0] * row[i], 0) / total);
    kept.push([first[0], ...mean.slice(1)]);
    left = left.filter((row) => !same.includes(row));
  }
  return kept;
}

/** [centre, side] of squares: all of a photograph, and tiles that cover it and overlap by at least a half. */
export function squares(width, height) {
  const longest = Math.max(width, height), side = TILE * longest;
  const along = (length) => {
    const count = 1 + Math.max(0, Math.ceil((length - side) / (side / 2)));
    return Array.from({ length: count }, (_, i) => (
      count === 1 ? (length - 1) / 2 : side / 2 + i * ((length - side) / (count - 1)) - 0.5));
  };
  const tiles = along(height).flatMap((y) => along(width).map((x) => [[x, y], side]));
  return [[[(width - 1) / 2, (height - 1) / 2], longest], ...tiles];
}

/** Degrees, clockwise as one sees it, by which the line of a face's eyes is turned. */
export function angleOf({ points: [[x, y], [right, bottom]] }) {
  return (Math.atan2(bottom - y, right - x) * 180) / Math.PI;
}

const boxOf = ({ centre: [x, y], side }) => [x - side / 2, y - side / 2, x + side / 2, y + side / 2];
const distance = (one, other) => Math.hypot(one.centre[0] - other.centre[0], one.centre[1] - other.centre[1]);

async function seenBy(run, look, model, centre, side, angle, mirrored, least) {
  const to = Look.place(centre, side, angle);
  const { regressors, logits } = await run(model.name, pixelsOf(look.square(to, side, model.side), mirrored));
  return merged(decode(regressors, logits, model, least)).map((row) => {
    const place = (i) => at(to, mirrored ? 1 - row[i] : row[i], row[i + 1]);
    const points = MIRRORED.map((twin, i) => place(5 + 2 * (mirrored ? twin : i)));
    const middle = (row[1] + row[3]) / 2;
    return {
      score: row[0], points, centre: at(to, mirrored ? 1 - middle : middle, (row[2] + row[4]) / 2),
      side: (side * (row[3] - row[1] + row[4] - row[2])) / 2,
    };
  });
}

/** Those of which no surer one overlaps, the surest first. */
function distinct(faces) {
  const kept = [];
  for (const face of [...faces].sort((one, other) => other.score - one.score)) {
    if (kept.every((other) => overlap(boxOf(face), boxOf(other)) <= OVERLAP)) kept.push(face);
  }
  return kept;
}

/** The one that lies nearest to another, where their centres are less than half its side apart. */
function nearest(faces, to) {
  const [near] = [...faces].sort((one, other) => distance(one, to) - distance(other, to));
  return near && distance(near, to) < to.side / 2 ? near : null;
}

/** A candidate after four more looks at it, upright and near; null where fewer than three see a face. */
async function confirmed(run, look, face) {
  const again = await seenBy(run, look, SHORT, face.centre, SHORT.near * face.side, angleOf(face), false, LEAST_SCORE);
  const first = nearest(again, face) ?? face, saw = [];
  for (const model of [SHORT, FULL]) {
    for (const mirrored of [false, true]) {
      const found = await seenBy(run, look, model, first.centre, model.near * first.side, angleOf(first), mirrored, LEAST_SCORE);
      const one = nearest(found, first);
      if (one) saw.push(one);
    }
  }
  if (saw.length < LEAST_LOOKS) return null;
  const mean = (value) => saw.reduce((sum, one) => sum + value(one), 0) / saw.length;
  return {
    score: Math.max(...saw.map(({ score }) => score)),
    points: first.points.map((_, i) => [mean((one) => one.points[i][0]), mean((one) => one.points[i][1])]),
    centre: [mean((one) => one.centre[0]), mean((one) => one.centre[1])], side: mean((one) => one.side),
  };
}

/** What both networks see in a square, each looked at once. */
async function candidates(run, look, [centre, side], angle) {
  const found = [];
  for (const model of [SHORT, FULL]) found.push(...await seenBy(run, look, model, centre, side, angle, false, LEAST_CANDIDATE));
  return found;
}

/**
 * The faces of an upright photograph, [{score, points, centre, side, crop}], as faces.find has them.
 *
 * @param run async (name, pixels) => {regressors, logits}: the network "short" or "full" on side x side x 3 in -1..1; and
 *   {correction} of "framing".
 * @returns {only, all}: all faces, the largest first; and the one large face that the photograph as a whole shows, which
 *   is taken where the largest is asked for, or null.
 */
export async function findFaces(run, picture) {
  const look = new Look(picture), { only, all } = await found(run, look);
  const framed = async (face) => ({ ...face, crop: await corrected(run, look, cropAround(face.points)) });
  const made = [];
  for (const face of all) made.push(await framed(face));
  return { only: only && (all.includes(only) ? made[all.indexOf(only)] : await framed(only)), all: made };
}

async function found(run, look) {
  const [whole, ...tiles] = squares(look.width, look.height);
  const again = async (ones) => {
    const sure = [];
    for (const candidate of distinct(ones).slice(0, MOST)) {
      const face = await confirmed(run, look, candidate);
      if (face) sure.push(face);
    }
    return sure;
  };
  const atOnce = await candidates(run, look, whole, 0), seen = await again(atOnce);
  const near = async (squares, angles) => {
    const ones = [];
    for (const angle of angles) {
      for (const square of squares) ones.push(...(square === whole && !angle ? atOnce : await candidates(run, look, square, angle)));
    }
    return distinct(await again(ones));
  };
  const upright = async (squares, faces) => {
    if (score(faces) >= SURE) return faces;
    const turned = await near(squares, [180]);
    return score(turned) > score(faces) ? turned : faces;
  };
  const large = seen.length === 1 && seen[0].side >= LARGE * whole[1] ? await upright([whole], seen) : [];
  const only = [...large].sort((one, other) => other.side - one.side)[0] ?? null;
  let faces = [];
  for (const angles of TURNS) if (!faces.length) faces = await near([whole, ...tiles], angles);
  const all = await upright([whole, ...tiles], faces);
  return { only, all: all.length || !only ? all.sort((one, other) => other.side - one.side) : [only] };
}

/** The score of the surest. */
function score(faces) {
  return Math.max(0, ...faces.map((face) => face.score));
}
