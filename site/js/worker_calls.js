// Calls to the worker, as promises.

import { PageError } from "./messages.js";

/** call(method, given): what the worker answers, or a PageError. `onProgress` hears of {received, total}. */
export function connected(address, onProgress) {
  const worker = new Worker(address), waiting = new Map();
  let last = 0, broken = null;
  const fail = (error) => {
    broken = error;
    waiting.forEach(({ reject }) => reject(error));
    waiting.clear();
  };
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    fail(new PageError("missing", { file: "worker.js", status: event.message || "it did not start" }));
  });
  worker.addEventListener("message", ({ data }) => {
    if (data.progress) return onProgress(data.progress);
    if (data.broken) return fail(new PageError("missing", { file: "js/engine.js", status: data.broken }));
    const { resolve, reject } = waiting.get(data.id);
    waiting.delete(data.id);
    return data.kind ? reject(new PageError(data.kind, data.detail)) : resolve(data.result);
  });
  return (method, given = {}) => new Promise((resolve, reject) => {
    if (broken) return reject(broken);
    last += 1;
    waiting.set(last, { resolve, reject });
    return worker.postMessage({ id: last, method, given });
  });
}
