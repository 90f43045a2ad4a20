// A classic worker, since LiteRT's loader asks for importScripts; everything else are modules. Calls that come while
// they load are kept.
const waiting = [];
self.onmessage = ({ data }) => waiting.push(data);
import("./js/engine.js").then(({ answer }) => {
  self.onmessage = ({ data }) => answer(data);
  waiting.forEach(answer);
}, (error) => self.postMessage({ broken: String(error && error.message) }));
