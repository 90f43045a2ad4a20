// Which part of a photograph the model sees: a face framed as CelebA's are, else the centre (lomit_tf/imaging/framing.py).

import { rint } from "./affine.js";
import { cropAround } from "./celeba_framing.js";
import { centred, windowOf } from "./windows.js";

export const LEAST_SIDE = 32; // of a face's window, in pixels: below it there is too little to see

/** CelebA's centre crop around a face, `zoom` times as large: a square, turned as the face is; framing.face_window. */
export function faceWindow(face, zoom = 1) {
  const [turn, centre] = face.crop ?? cropAround(face.points), side = Math.max(1, rint(Math.hypot(...turn) * zoom));
  const [left, top] = centre.map((place) => Math.floor(place + 0.5 - side / 2 + 0.5));
  return windowOf(left, top, side, side, (Math.atan2(turn[1], turn[0]) * 180) / Math.PI);
}

/**
 * The window of the largest face, else the centre, with the notes of framing.choose for the person.
 *
 * @param found what `findFaces` gave: {only, all}.
 * @returns {window, notes, faces, face, ofFace}: ofFace: whether the window frames a face; windows of the faces that are large enough, from left to right, where there are
 *   several, and which of them was taken; [] and -1 where there are not.
 */
export function framed(picture, { only, all }, zoom = 1) {
  const part = picture.width === picture.height ? "all of it" : "the centre", [chosen] = only ? [only] : all;
  if (!chosen) return { window: centred(picture), notes: [`no face was found, so ${part} was taken`], faces: [], face: -1, ofFace: false };
  const sorted = [...all].sort((one, other) => one.centre[0] - other.centre[0]);
  const windows = sorted.map((face) => faceWindow(face, zoom)).filter(({ width }) => width >= LEAST_SIDE);
  const faces = windows.length > 1 ? windows : [], largest = faceWindow(chosen, zoom);
  const face = faces.findIndex((window) => Object.keys(window).every((key) => window[key] === largest[key]));
  if (largest.width < LEAST_SIDE) {
    const why = `its part is ${largest.width} px wide, at least ${LEAST_SIDE} are needed`;
    return { window: centred(picture), notes: [`the face is too small (${why}), so ${part} was taken`], faces, face: -1, ofFace: false };
  }
  const notes = !only && all.length > 1 ? [`${all.length} faces were found; the largest was taken`] : [];
  return { window: largest, notes, faces, face, ofFace: true };
}
