// Which of a device's accelerators runs the model: the fastest that gives the golden predictions.

import { compared } from "./golden.js";
import { load, NAME, open, refuses } from "./runtime/runtime.js";

const ROUNDS = 3; // of timing, of which the fastest counts: what else the device does only slows
const ROUND_MS = 150; // at least: browsers' clocks have steps of 0.1 ms
const PATIENCE_MS = 30_000; // for all golden images, and for all rounds: what takes longer is of no use
const now = () => performance.now();

// Those that a page can use; the first is there always.
export const ACCELERATORS = [
  { id: "wasm", name: "CPU", missing: async () => "" },
  {
    id: "webgpu",
    name: "GPU",
    missing: async () => (!navigator.gpu ? "this browser has no WebGPU" : (await adapter()) ? "" : "WebGPU finds no GPU"),
  },
  { id: "webnn", name: "NPU", missing: async () => (navigator.ml ? "" : "this browser has no WebNN") },
];
export const CPU = ACCELERATORS[0];

let asked; // once: browsers warn of a missing GPU each time
const adapter = async () => (await (asked ??= navigator.gpu?.requestAdapter())) ?? null;

// What `choose` needs to know of one accelerator, and its `run` where it passed. `alone` lets nothing else use the runtime meanwhile.
export async function measure({ id, name, missing }, { model, precision, golden, alone }) {
  let run;
  try {
    const reason = (await missing()) || refuses(id, precision);
    if (reason) return { name, missing: reason };
    await load(id);
    return await alone(async () => {
      run = await inTime(open(id, model));
      const found = await inTime(predictions(run, golden.pixels));
      const { max_steps, passed, differ } = compared(golden.wanted, found, golden.tolerance);
      const facts = { name, passed, max_steps, differ, images: found.length };
      if (passed) return { ...facts, ms: await inTime(timed(run, golden.pixels)), run };
      run.close();
      return facts;
    });
  } catch (error) {
    run?.close();
    return { name, missing: String(error?.message ?? error).split("\n")[0] };
  }
}

async function predictions(run, pixels) {
  const found = [];
  for (const image of pixels) found.push(await run(image));
  return found;
}

async function timed(run, pixels) {
  let fastest = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const begun = now();
    let runs = 0;
    do await run(pixels[runs++ % pixels.length]);
    while (now() - begun < ROUND_MS);
    fastest = Math.min(fastest, (now() - begun) / runs);
  }
  return fastest;
}

function inTime(promise) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`it takes longer than ${PATIENCE_MS / 1000} s`)), PATIENCE_MS)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// The choice of an earlier visit, for the same model in the same browser on the same device, null where there is none.
export async function remembered(modelSha256) {
  try {
    const { device, ...choice } = JSON.parse(localStorage.getItem(key(modelSha256)));
    return device === (await thisDevice()) ? choice : null;
  } catch {
    return null; // nothing is kept, or nothing may be
  }
}

// Null forgets it.
export async function remember(modelSha256, choice) {
  try {
    if (!modelSha256 || !choice) localStorage.removeItem(key(modelSha256));
    else localStorage.setItem(key(modelSha256), JSON.stringify({ ...choice, device: await thisDevice() }));
  } catch {
    // A page that may keep nothing times again at its next start.
  }
}

const key = (modelSha256) => `edgetl accelerator of ${modelSha256} in ${NAME}`;

async function thisDevice() {
  const { vendor, architecture, device, description } = (await adapter())?.info ?? {};
  return [navigator.userAgent, navigator.hardwareConcurrency, "ml" in navigator, vendor, architecture, device, description].join("|");
}
