// What the worker answers. A call is {id, method, given}; its answer {id, result} or {id, kind, detail}.

import { codeOf } from "./colours.js";
import { asPageError } from "./messages.js";
import { TOTAL, load } from "./networks.js";
import { decoded } from "./photo.js";
import { encoded } from "./png.js";
import { Session } from "./translator.js";

const tell = (progress) => self.postMessage({ progress });
let session = null;

/** What the page shows of a photograph: its picture, and each group's mask as a layer to paint on. */
const described = ({ id, name, screen, editor, layers, found, faces, face, window, rgb }) => ({
  id, name, screen, editor, layers, found, face, window, width: rgb.width, height: rgb.height,
  faces: faces.map(({ left, top, width, height, angle }) => ({ left, top, width, height, angle })),
});

const METHODS = {
  async load({ base, cacheName }) {
    let received = 0;
    const cache = cacheName && globalThis.caches ? await caches.open(cacheName).catch(() => null) : null;
    session = new Session(await load(base, cache, (bytes) => {
      received += bytes;
      tell({ received, total: TOTAL });
    }));
    return { total: TOTAL, kept: Boolean(cache) };
  },
  async open({ side, file, name }) {
    return described(await session.open(side, await decoded(file, name), name));
  },
  async face({ face }) {
    await session.input.choose(session.networks, face);
    return described(session.input);
  },
  async paint({ side, id, group, layer }) { // of a picture that may be gone by now
    return session[side].id === id && session[side].paint(group, layer);
  },
  async colour({ colour, group }) {
    session.takeColour(colour, group);
    return codeOf(colour);
  },
  async show(settings) {
    return session.ready ? session.show(settings) : null;
  },
  async save(settings) {
    return new Blob(await encoded(await session.save(settings)), { type: "image/png" });
  },
};

let last = Promise.resolve(); // calls are answered one after the other

export function answer({ id, method, given }) {
  last = last.then(async () => {
    try {
      self.postMessage({ id, result: await METHODS[method](given) });
    } catch (error) {
      const { kind, detail } = asPageError(error, given.name ?? session?.input?.name);
      if (kind === "fault") console.error(error);
      self.postMessage({ id, kind, detail });
    }
  });
}
