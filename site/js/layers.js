// Pictures and masks on their way to the brush and back: the brush takes data: URLs.

const TINT = [255, 45, 85]; // as lomit_tf.webapp.mask_edits has it

function drawn(width, height, draw) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  draw(canvas.getContext("2d", { willReadFrequently: true }));
  return canvas;
}

/** A canvas of {width, height, data}. */
export const canvasOf = ({ width, height, data }) => (
  drawn(width, height, (context) => context.putImageData(new ImageData(data, width, height), 0, 0)));

/** A picture at another size, for looking at. */
export function pictureUrl(picture, { width, height }) {
  return drawn(width, height, (context) => {
    context.imageSmoothingQuality = "high";
    context.drawImage(canvasOf(picture), 0, 0, width, height);
  }).toDataURL("image/jpeg", 0.92);
}

/** A part of a picture that may be turned, as a square: a face's window, in pixels of the whole photograph. */
export function faceUrl(picture, { left, top, width, height, angle }, scale, side) {
  return drawn(side, side, (context) => {
    context.scale(side / width, side / height);
    context.translate(width / 2, height / 2);
    context.rotate((-angle * Math.PI) / 180);
    context.translate(-left - width / 2, -top - height / 2);
    context.scale(1 / scale, 1 / scale);
    context.drawImage(canvasOf(picture), 0, 0);
  }).toDataURL("image/jpeg", 0.9);
}

/** A layer's opacity, bytes, as a picture in the brush's colour. */
export function layerUrl(layer, { width, height }) {
  const data = new Uint8ClampedArray(4 * layer.length);
  layer.forEach((value, i) => data.set([...TINT, value], 4 * i));
  return canvasOf({ width, height, data }).toDataURL("image/png");
}

/** The opacity, bytes, of a layer that the brush gave. */
export async function layerOf(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const { naturalWidth: width, naturalHeight: height } = image;
  let layer;
  drawn(width, height, (context) => {
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    layer = Uint8Array.from({ length: width * height }, (_, i) => data[4 * i + 3]);
  });
  return layer;
}

/** A square of a colour, as the brush shows an exemplar without a mask. */
export function swatch(code, side = 512) {
  const picture = drawn(side, side, (context) => {
    context.fillStyle = code;
    context.fillRect(0, 0, side, side);
  }).toDataURL("image/png");
  const empty = drawn(side, side, () => {}).toDataURL("image/png");
  return { picture, mask: empty, found: empty, plain: true };
}

/** Red, green and blue in 0..255 of a colour as CSS writes it; null for what is none, or is transparent. */
export function colourOf(text) {
  const given = text.trim();
  if (!given || !CSS.supports("color", given) || /^(currentcolor|inherit|initial|unset|revert)/i.test(given)) return null;
  let found = null;
  drawn(1, 1, (context) => {
    context.fillStyle = given;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    found = alpha === 255 ? [red, green, blue] : null;
  });
  return found;
}
