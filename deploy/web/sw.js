// Keeps the complete app, so that it works offline: one cache for each version, filled before it is used, so that versions never mix.

importScripts("precache.js"); // { version, files, later }: made again by each `edgetl ship`

const EDITION = 1; // raise it when you change a file yourself, so that visitors get it
const MINE = `edgetl ${self.registration.scope} `;
const CACHE = `${MINE}${self.PRECACHE.version} ${EDITION}`;
const ROOT = new URL("./", self.location).href;
const address = (file) => new URL(file, self.location).href;
const KEPT = new Set(self.PRECACHE.files.map(address));
const LATER = new Set(self.PRECACHE.later.map(address)); // what only some devices need: kept when it was fetched

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("message", (event) => event.data === "update" && self.skipWaiting());
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const page = url.href.split(/[?#]/)[0];
  const kept = page === `${ROOT}index.html` ? ROOT : page;
  if (event.request.method === "GET" && (KEPT.has(kept) || LATER.has(kept))) event.respondWith(prediction(kept, event.request));
});

async function fill() {
  const cache = await caches.open(CACHE);
  await cache.addAll(Array.from(KEPT, (url) => new Request(url, { cache: "no-cache" }))); // asks the server, in spite of the browser's own cache
}

async function takeOver() {
  const older = (await caches.keys()).filter((name) => name.startsWith(MINE) && name !== CACHE);
  await Promise.all(older.map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function prediction(url, request) {
  const cache = await caches.open(CACHE);
  const found = await cache.match(url, { ignoreVary: true });
  if (found) return found;
  const response = await fetch(request);
  if (LATER.has(url) && response.ok) await cache.put(url, response.clone());
  return response;
}
