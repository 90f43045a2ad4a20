// What goes wrong, as one sentence for a person.

export const MAX_PIXELS = 80_000_000; // as lomit_tf.data.opening has it

/** A fault with a name of its own: kind is one of SENTENCES, the rest is what the sentence needs. */
export class PageError extends Error {
  constructor(kind, detail = {}) {
    super(kind);
    Object.assign(this, { kind, detail });
  }
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

const SENTENCES = {
  unreadable: ({ name }) => `${name} cannot be read by this browser; save it as JPEG, PNG or WebP.`,
  large: ({ name, pixels }) => `${name} has ${Math.ceil(pixels / 1e6)} megapixels, and this page takes up to ${MAX_PIXELS / 1e6}; `
    + "give a smaller copy.",
  memory: ({ name }) => `There is too little memory for ${name ?? "this page"}; close other pages, or give a smaller picture.`,
  missing: ({ file, status }) => `${file} did not arrive, twice (${status}); check the connection and reload the page.`,
  torn: ({ file, received, bytes }) => `${file} did not arrive whole, twice (${megabytes(received)} of ${megabytes(bytes)} MB); `
    + "check the connection and reload the page.",
  changed: ({ file }) => `${file} arrived changed, twice; whoever serves this page has to build it anew.`,
  wasm: () => "WebAssembly is switched off in this browser, and this page computes with it; switch it on, or use another browser.",
  old: ({ what }) => `This browser is too old for this page (it lacks ${what}); use a newer one.`,
  colour: ({ text }) => `The colour '${text}' cannot be read; give #rrggbb such as #8a3b12, rgb(138, 59, 18) or a name of CSS `
    + "such as saddlebrown.",
  fault: ({ message }) => `Something went wrong that should not: ${message}; reload the page.`,
};

/** Whether a browser, or LiteRT, says that memory has run out; each has its own words for it. */
export function isMemory(error) {
  return /allocation failed|out of memory|could not allocate|Array buffer|Invalid (typed )?array length|memory access out|litert_tensor_buffer/i
    .test(`${error?.name} ${error?.message}`);
}

/** Any error as a PageError: with the name of the picture that was being worked on. */
export function asPageError(error, name) {
  if (error instanceof PageError) return error;
  if (isMemory(error)) return new PageError("memory", { name });
  return new PageError("fault", { message: String(error?.message ?? error) });
}

/** The sentence of a kind of fault and what it needs. */
export const sentence = (kind, detail) => SENTENCES[kind](detail);

/** A note for the line below the result, with a capital and a full stop. */
export const noted = (note) => `${note[0].toUpperCase()}${note.slice(1)}.`;
