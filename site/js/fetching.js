// Files that have to arrive whole: their length and SHA-256 are known, and what is torn is asked for once more.

import { PageError } from "./messages.js";

const ATTEMPTS = 2;

async function digest(bytes) {
  if (!globalThis.crypto?.subtle) return null; // only in secure contexts; elsewhere the length has to do
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A response's bytes, and what broke off the reading, if anything did. */
async function read(response, size, onBytes) {
  const made = new Uint8Array(size), reader = response.body.getReader();
  let received = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (received + value.length <= size) made.set(value, received);
      received += value.length;
      onBytes(value.length);
    }
  } catch {
    // torn: what is missing is seen by its length
  }
  return { made, received };
}

async function attempt(url, file, { bytes, sha256 }, options, fetched, onBytes) {
  let response;
  try {
    response = await fetched(url, options);
  } catch (error) {
    return { fault: new PageError("missing", { file, status: error.message || "no connection" }) };
  }
  if (!response.ok || !response.body) {
    return { fault: new PageError("missing", { file, status: `${response.status} ${response.statusText}`.trim() }) };
  }
  const { made, received } = await read(response, bytes, onBytes);
  if (received !== bytes) return { fault: new PageError("torn", { file, received, bytes }), received };
  const found = await digest(made);
  return found === null || found === sha256 ? { made } : { fault: new PageError("changed", { file }), received };
}

/**
 * The bytes of a file, from the cache if they are there, else from the server and then into the cache.
 *
 * @param url where it is; `file` is what to call it.
 * @param known {bytes, sha256}.
 * @param cache what `caches.open` gave, or null.
 * @param onBytes is told how many bytes came, below 0 where they have to come again.
 * @param fetched the browser's fetch.
 * @throws PageError missing, torn or changed, after the second time.
 */
export async function fetchWhole(url, file, known, { cache = null, onBytes = () => {}, fetched = fetch } = {}) {
  const kept = await cache?.match(url);
  if (kept) {
    const { made } = await attempt(url, file, known, {}, async () => kept, onBytes);
    if (made) return made;
    onBytes(-known.bytes);
    await cache.delete(url);
  }
  let fault;
  for (let n = 0; n < ATTEMPTS; n++) {
    const result = await attempt(url, file, known, { cache: n ? "reload" : "default" }, fetched, onBytes);
    if (result.made) {
      await cache?.put(url, new Response(result.made.slice())).catch(() => {}); // a full disk: it works without
      return result.made;
    }
    fault = result.fault;
    onBytes(-(result.received ?? 0));
  }
  throw fault;
}
