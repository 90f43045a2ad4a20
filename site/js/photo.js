// Decoding a file: upright by its EXIF orientation, in sRGB, 8 bits, as the browser does it.

import { MAX_PIXELS, PageError, isMemory } from "./messages.js";

const BAND = 1024; // rows that are read at once: some browsers' canvases end at 16 megapixels

/** A picture file as {width, height, data} of RGBA. Throws PageError: unreadable, large or memory. */
export async function decoded(file, name) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image", premultiplyAlpha: "none" });
  } catch (error) {
    throw new PageError(isMemory(error) ? "memory" : "unreadable", { name });
  }
  const { width, height } = bitmap;
  try {
    if (width * height > MAX_PIXELS) throw new PageError("large", { name, pixels: width * height });
    const data = new Uint8ClampedArray(4 * width * height);
    for (let top = 0; top < height; top += BAND) {
      const rows = Math.min(BAND, height - top), canvas = new OffscreenCanvas(width, rows);
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(bitmap, 0, -top);
      data.set(context.getImageData(0, 0, width, rows).data, 4 * top * width);
    }
    return { width, height, data };
  } finally {
    bitmap.close();
  }
}
