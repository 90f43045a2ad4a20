// Writing a PNG of 8 bits: through a canvas, colours of half transparent pixels would change, and some browsers' canvases
// end at 16 megapixels.

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a], BAND = 256;
const SUB = 1; // the filter that stores each byte's difference from the pixel at its left
const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc(parts) {
  let c = 0xffffffff;
  for (const bytes of parts) for (const byte of bytes) c = TABLE[(c ^ byte) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

function number(value) {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function chunk(name, data) {
  const kind = new TextEncoder().encode(name);
  return [number(data.length), kind, data, number(crc([kind, data]))];
}

/** Rows of a picture as PNG filters them, `channels` bytes a pixel. */
function filtered({ width, data }, from, to, channels) {
  const length = 1 + channels * width, made = new Uint8Array(length * (to - from));
  for (let y = from; y < to; y++) {
    let at = (y - from) * length;
    made[at++] = SUB;
    for (let x = 0; x < width; x++) {
      const i = 4 * (y * width + x);
      for (let c = 0; c < channels; c++) made[at++] = data[i + c] - (x ? data[i + c - 4] : 0);
    }
  }
  return made;
}

/** {width, height, data} of RGBA as a PNG, in parts for a Blob; without alpha where all of it is opaque. */
export async function encoded(picture) {
  const { width, height, data } = picture;
  let opaque = true;
  for (let i = 3; opaque && i < data.length; i += 4) opaque = data[i] === 255;
  const channels = opaque ? 3 : 4, packed = new CompressionStream("deflate"), writer = packed.writable.getWriter();
  const writing = (async () => {
    for (let y = 0; y < height; y += BAND) await writer.write(filtered(picture, y, Math.min(height, y + BAND), channels));
    await writer.close();
  })();
  const head = new Uint8Array(13);
  head.set(number(width));
  head.set(number(height), 4);
  head.set([8, opaque ? 2 : 6, 0, 0, 0], 8);
  const parts = [Uint8Array.from(SIGNATURE), ...chunk("IHDR", head), ...chunk("sRGB", new Uint8Array(1))];
  const reader = packed.readable.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(...chunk("IDAT", value));
  }
  await writing;
  return [...parts, ...chunk("IEND", new Uint8Array(0))];
}
