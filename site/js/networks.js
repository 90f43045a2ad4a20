// The networks, run by LiteRT in WebAssembly. Its loader asks for importScripts, so this runs in a classic worker.

import { Tensor, loadAndCompile, loadLiteRt } from "../litert/core.js";
import { FILES, MODEL } from "./build.js";
import { fetchWhole } from "./fetching.js";
import { Layouts } from "./layouts.js";

const WASM = "litert/litert_wasm_compat_internal.wasm", LOADER = "litert/litert_wasm_compat_internal.js";
const NETWORKS = { lomit: "models/lomit.tflite", short: "models/face_short.tflite", full: "models/face_full.tflite", framing: "models/framing.tflite" };
const LAYOUTS = "models/layouts.bin"; // of faces, where a group competes
const ASKED = [WASM, ...Object.values(NETWORKS), ...(MODEL.competing.length ? [LAYOUTS] : [])];

/** All bytes that `load` asks for. */
export const TOTAL = ASKED.reduce((sum, file) => sum + FILES[file].bytes, 0);

/** Runs one signature of a model on named arrays with their shapes; its outputs as arrays, by name. */
async function run(model, signature, inputs) {
  const tensors = Object.fromEntries(Object.entries(inputs).map(([name, [values, shape]]) => [name, new Tensor(values, shape)]));
  try {
    const given = signature ? tensors : Object.values(tensors);
    const outputs = await (signature ? model.run(signature, given) : model.run(given));
    return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => {
      const values = Float32Array.from(tensor.toTypedArray());
      tensor.delete();
      return [name, values];
    }));
  } finally {
    Object.values(tensors).forEach((tensor) => tensor.delete());
  }
}

/**
 * Fetch everything and make the networks ready.
 *
 * @param base the page's address.
 * @param cache of the Cache API, or null.
 * @param onBytes see fetchWhole.
 * @returns {model, layouts, masks, styles, free, curves, face}: MODEL as site/build.py wrote it, the layouts of faces (null
 *   where no group competes), and functions of arrays: of what the model sees its masks; of it and masks the styles of an
 *   exemplar; of an input, its masks, styles and the groups to take {raw, displacement}, what is painted freely and, where the
 *   model moves pixels, how far away they come from, else null; of the same, curves; and what faces.js asks for.
 */
export async function load(base, cache, onBytes) {
  const get = (file) => fetchWhole(new URL(file, base).href, file, FILES[file], { cache, onBytes });
  const [wasmBinary, ...data] = await Promise.all(ASKED.map(get));
  // LiteRT would wake a graphics card that nothing here uses; what it only tells is no error.
  Object.defineProperty(navigator, "gpu", { value: undefined, configurable: true });
  const printErr = (line) => (/^(INFO|WARNING)/.test(line) ? console.debug(line) : console.error(line));
  self.Module = { wasmBinary, printErr };
  await loadLiteRt(new URL(LOADER, base).href);
  const models = {}, options = { accelerator: "wasm" };
  for (const [n, name] of Object.keys(NETWORKS).entries()) models[name] = await loadAndCompile(data[n], options);
  const { size, groups } = MODEL, image = (pixels) => [pixels, [1, size, size, 3]], masks = (values) => [values, [1, size, size, groups.length]];
  const lomit = (part, inputs) => run(models.lomit, part, inputs);
  const paint = (part) => (pixels, values, styles, transfer) => lomit(part, {
    image: image(pixels), masks: masks(values), styles: [styles, [1, groups.length, styles.length / groups.length]],
    transfer: [transfer, [1, groups.length]],
  });
  return {
    model: MODEL,
    layouts: MODEL.competing.length ? new Layouts(data.at(-1)) : null,
    masks: async (pixels) => (await lomit("mask_net", { image: image(pixels) })).masks,
    styles: async (pixels, values) => (await lomit("style_net", { image: image(pixels), masks: masks(values) })).styles,
    free: async (...given) => {
      const { raw, displacement } = await paint("free_net")(...given), moves = displacement?.some((value) => value !== 0);
      return { raw, displacement: moves ? { width: size, height: size, values: displacement } : null };
    },
    curves: async (...given) => (await paint("curve_net")(...given)).curves,
    face: async (name, pixels) => {
      const side = Math.sqrt(pixels.length / 3), outputs = await run(models[name], "", { image: [pixels, [1, side, side, 3]] });
      if (name === "framing") return { correction: Object.values(outputs)[0] };
      const [logits, regressors] = Object.values(outputs).sort((one, other) => one.length - other.length);
      return { logits, regressors };
    },
  };
}
