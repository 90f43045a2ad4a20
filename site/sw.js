// Keeps the page's files, so that it works without a network. `make site` puts in the version and the names.
// The worker keeps the large ones (js/networks.js): it checks them, and asks again for what is torn.
const VERSION = "{{VERSION}}", FILES = ["{{FILES}}"];
const PREFIX = `lomit ${self.registration.scope} `, CACHE = PREFIX + VERSION;

self.addEventListener("install", (event) => event.waitUntil((async () => {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })));
  await self.skipWaiting();
})()));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
  await self.clients.claim();
})()));

self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || !event.request.url.startsWith(self.registration.scope)) return;
  event.respondWith((async () => {
    const cache = await caches.open(CACHE);
    return await cache.match(event.request, { ignoreSearch: true }) ?? fetch(event.request);
  })());
});
