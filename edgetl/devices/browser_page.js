// Does in a page what runner.py does on a board: loads a runtime and a model, times it, and predicts images. browser_steer.py calls `edgetl`.

const RESOLUTIONS = 20; // that an inference must last to be timed alone: the clock is then wrong by a twentieth at most
const SETTLE_MS = 1000; // of warming up at least: WebAssembly is compiled fast at first, and well while it runs (1.6 times slower till then)
const NOISE = 16; // images
const now = () => performance.now();

const said = []; // ONNX Runtime writes its trace to the console, LiteRT what the GPU refuses, and to nowhere else
for (const kind of ["log", "info", "warn", "error"]) console[kind] = (line) => said.push(String(line));

async function bytes(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

const adapter = async () => (await navigator.gpu?.requestAdapter()) ?? null;

// The GPU as LiteRT's log names it elsewhere; a fallback is the CPU that plays a GPU.
async function adapterLine() {
  const info = (await adapter())?.info;
  if (!info) return "";
  const name = info.description || [info.vendor, info.architecture].filter(Boolean).join(" ") || "a GPU";
  return `Selected adapter: ${name}, arch=${info.architecture}, backend=WebGPU, adapterType=${info.isFallbackAdapter ? "CPU" : "GPU"}\n`;
}

// The output as probabilities: the exported uint8 models have a scale of 1/256.
const probabilities = (values) => Array.from(values, (value) => (values instanceof Uint8Array ? value / 256 : value));
const cut = (values, size) => Array.from({ length: Math.ceil(values.length / size) }, (_, at) => values.slice(at * size, (at + 1) * size));
const typed = (dtype, pixels) => (dtype === "uint8" ? pixels : Float32Array.from(pixels));

// The mean milliseconds of each operator in one inference.
function operators(events, runs) {
  const spent = new Map();
  for (const { cat, name, dur, args } of events) {
    if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
    const operator = name.slice(0, -"_kernel_time".length);
    const entry = spent.get(operator) ?? { operator, type: args.op_name, ms: 0 };
    entry.ms += dur / 1000 / runs;
    spent.set(operator, entry);
  }
  return [...spent.values()];
}

// Who ran each operator, from ONNX Runtime's trace.
function providers(events) {
  const found = new Map();
  for (const { cat, name, args } of events) {
    if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
    const operator = name.slice(0, -"_kernel_time".length);
    found.set(operator, { operator, type: args.op_name, by: args.provider ?? "" });
  }
  return [...found.values()];
}

let liteRt; // loads once in a page

// Each makes a loaded model. `infer` runs it on the input that `feed` put there and reads the output, as any page must.
const ENGINES = {
  async onnxruntime({ threads, backend, device_type }) {
    const ort = await import(`/onnxruntime-web/dist/ort.${backend === "wasm" ? "wasm" : "webgpu"}.min.mjs`);
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmPaths = "/onnxruntime-web/dist/";
    const imported = now(); // the WebAssembly of this runtime comes with the first session
    const open = async (enableProfiling) =>
      ort.InferenceSession.create(await bytes("/model"), {
        executionProviders: [backend === "webnn" ? { name: backend, deviceType: device_type } : backend, "wasm"].slice(0, backend === "wasm" ? 1 : 2),
        logSeverityLevel: 3,
        enableProfiling,
      });
    const traced = async (runs) => {
      const session = await open(true);
      for (let run = 0; run < runs; run++) await session.run(feeds);
      const before = said.length;
      session.endProfiling();
      const written = said.slice(before).join("\n"); // the trace is an array, and warnings may stand around it
      return JSON.parse(written.slice(written.indexOf("["), written.lastIndexOf("]") + 1));
    };
    const session = await open(false);
    const [takes] = session.inputMetadata;
    const [name] = session.outputNames;
    const shape = takes.shape.map((size) => (typeof size === "number" ? size : 1));
    let feeds, values;
    return {
      imported,
      shape,
      feed: (pixels) => (feeds = { [takes.name]: new ort.Tensor(takes.type, typed(takes.type, pixels), shape) }),
      infer: async () => (values = (await session.run(feeds))[name].data),
      predict: () => cut(probabilities(values), values.length / shape[0]),
      profile: async (runs) => operators(await traced(runs), runs),
      placed: async () => ({ operators: providers(await traced(1)) }),
    };
  },

  async litert({ threads, backend, device_type }) {
    const litert = await import("/@litertjs/core/dist/index.js");
    liteRt ??= litert.loadLiteRt("/@litertjs/core/wasm/", backend === "wasm" ? { threads: threads > 1 } : { jspi: true });
    await liteRt;
    const imported = now();
    const options = { accelerator: backend, cpuOptions: { numThreads: threads }, webNNOptions: { devicePreference: device_type } };
    const model = await litert.loadAndCompile(await bytes("/model"), options);
    const [takes] = model.getInputDetails();
    const shape = Array.from(takes.shape);
    let input, values;
    return {
      imported,
      shape,
      feed: (pixels) => {
        input?.delete(); // its memory is outside of JavaScript's
        input = new litert.Tensor(typed(takes.dtype, pixels), shape);
      },
      infer: async () => {
        const [output] = await model.run(input);
        values = await output.data();
        output.delete();
      },
      predict: () => cut(probabilities(values), values.length / shape[0]),
      profile: async () => null, // LiteRT.js has none
      placed: async () => ({ alone: backend === "wasm" || model.isFullyAccelerated, log: said.join("\n").slice(-20000) }),
    };
  },
};

// The smallest step of the clock, in ms: 5 us where the page is isolated from all others, 100 us elsewhere.
function resolution() {
  let smallest = Infinity;
  for (let step = 0; step < 50; step++) {
    const before = now();
    let after = before;
    while (after === before) after = now();
    smallest = Math.min(smallest, after - before);
  }
  return smallest;
}

async function timed(infer, { runs, warmup, duration_s }) {
  const settled = now() + SETTLE_MS;
  for (let run = 0; run < warmup || (warmup && now() < settled); run++) await infer();
  const step = resolution();
  let group = 0; // inferences that are timed together, since one alone would be too short for the clock
  const begun = now();
  do {
    await infer();
    group++;
  } while (now() - begun < RESOLUTIONS * step);
  const samples = [];
  const end = now() + 1000 * duration_s;
  while (samples.length < runs || now() < end) {
    const started = now();
    for (let run = 0; run < group; run++) await infer();
    samples.push((now() - started) / group);
  }
  return { samples_ms: samples, clock_resolution_ms: step, inferences_per_sample: group };
}

// Images to compare by where none were sent: noise around a colour that changes from image to image, as predictions then do.
function noise([, height, width, channels]) {
  const hash = (at) => (Math.imul(at + 1, 2654435761) >>> 24) % 256;
  const one = (image) => Uint8Array.from({ length: height * width * channels }, (_, at) =>
    Math.min(255, Math.max(0, hash(16 * image + (at % channels)) + hash(at + 977 * image) / 4 - 32)));
  return Array.from({ length: NOISE }, (_, image) => [...one(image)]).flat();
}

async function predicted(engine, batches) {
  const predictions = [];
  for (const pixels of batches) {
    engine.feed(pixels);
    await engine.infer();
    predictions.push(...engine.predict());
  }
  return predictions;
}

// The pixels of a batch; zeros fill up where there are too few.
function filled(pixels, size) {
  const made = new Uint8Array(size);
  made.set(pixels);
  return made;
}

let engine, batches, image_count, asked;

globalThis.edgetl = {
  async facts() {
    const webgpu = (await adapter())?.info.isFallbackAdapter === false;
    const browser = { user_agent: navigator.userAgent, cross_origin_isolated: crossOriginIsolated, webgpu };
    return { cores: navigator.hardwareConcurrency, browser };
  },

  async time(job) {
    if (job.backend === "webgpu" && !(await adapter())) throw new Error("there is no WebGPU in this browser on this machine");
    if (job.backend === "webnn") {
      const context = await navigator.ml?.createContext({ deviceType: job.device_type }).catch((error) => said.push(error.message) && null);
      if (!context) throw new Error(`there is no WebNN in this browser on this machine (${said.at(-1) ?? "navigator.ml is not there"})`);
    }
    asked = job;
    const begun = now();
    engine = await ENGINES[job.runtime](job);
    const loaded = now();
    const size = engine.shape.reduce((product, length) => product * length, 1);
    const pixels = job.image_count ? await bytes("/images.bin") : Uint8Array.from({ length: size }, (_, at) => (at * 2654435761) >>> 24);
    image_count = job.image_count;
    batches = image_count ? cut(pixels, size).map((images) => filled(images, size)) : [];
    engine.feed(batches[0] ?? pixels);
    const first = now();
    await engine.infer();
    const first_ms = now() - first;
    return {
      import_ms: engine.imported - begun,
      load_ms: loaded - engine.imported,
      first_ms,
      cold_start_ms: loaded - begun + first_ms,
      ...(await timed(engine.infer, job)),
    };
  },

  async predict() {
    return (await predicted(engine, batches)).slice(0, image_count);
  },

  async placed() {
    const found = await engine.placed();
    return { ...found, log: `${asked.backend === "webgpu" ? await adapterLine() : ""}${found.log ?? ""}` };
  },

  // An accelerator's predictions, and those of the CPU for the same images: those that were sent, else noise.
  async beside() {
    const size = engine.shape.reduce((product, length) => product * length, 1);
    const images = batches.length ? batches : cut(noise(engine.shape), size).map((pixels) => filled(pixels, size));
    const count = image_count || NOISE;
    const accelerated = (await predicted(engine, images)).slice(0, count);
    const cpu = await ENGINES[asked.runtime]({ ...asked, backend: "wasm" });
    return { accelerated, by_cpu: (await predicted(cpu, images)).slice(0, count) };
  },

  profile: (runs) => engine.profile(runs),
};
