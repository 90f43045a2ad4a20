// What the page needs of a browser.

import { PageError } from "./messages.js";

/** What this browser lacks, as a PageError; null where nothing is missing. */
export function lacking(scope = globalThis) {
  if (typeof scope.WebAssembly !== "object") return new PageError("wasm");
  const needs = { Worker: "workers", createImageBitmap: "createImageBitmap", OffscreenCanvas: "OffscreenCanvas", CompressionStream: "CompressionStream" };
  const missing = Object.keys(needs).find((name) => typeof scope[name] !== "function");
  return missing ? new PageError("old", { what: needs[missing] }) : null;
}
