// Does in a page what runner.py does on a board: loads a runtime and a model, times it, and predicts images. browser_steer.py calls `edgetl`.

const RESOLUTIONS = 20; // that an inference must last to be timed alone: the clock is then wrong by a twentieth at most
const SETTLE_MS = 1000; // of warming up at least: WebAssembly is compiled fast at first, and well while it runs (1.6 times slower till then)
const now = () => performance.now();

const said = []; // ONNX Runtime writes its trace to the console, and to nowhere else
console.log = (line) => said.push(line);

async function bytes(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function adapter() {
  const found = await navigator.gpu?.requestAdapter();
  return found && !found.info.isFallbackAdapter ? found : null; // a fallback is the CPU that plays a GPU
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

// Each makes a loaded model. `infer` runs it on the input that `feed` put there and reads the output, as any page must.
const ENGINES = {
  async onnxruntime({ threads, gpu }) {
    const ort = await import(`/onnxruntime-web/dist/ort.${gpu ? "webgpu" : "wasm"}.min.mjs`);
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmPaths = "/onnxruntime-web/dist/";
    const imported = now(); // the WebAssembly of this runtime comes with the first session
    const open = async (enableProfiling) =>
      ort.InferenceSession.create(await bytes("/model"), {
        executionProviders: [gpu ? "webgpu" : "wasm"],
        logSeverityLevel: 3,
        enableProfiling,
        extra: gpu ? { session: { disable_cpu_ep_fallback: "1" } } : {}, // or both would be timed, under the GPU's name
      });
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
      async profile(runs) {
        const traced = await open(true);
        for (let run = 0; run < runs; run++) await traced.run(feeds);
        const before = said.length;
        traced.endProfiling();
        return operators(JSON.parse(said.slice(before).join("\n")), runs);
      },
    };
  },

  async litert({ threads, gpu }) {
    const litert = await import("/@litertjs/core/dist/index.js");
    await litert.loadLiteRt("/@litertjs/core/wasm/", gpu ? { jspi: true } : { threads: threads > 1 });
    const imported = now();
    const options = { accelerator: gpu ? "webgpu" : "wasm", cpuOptions: { numThreads: threads } };
    const model = await litert.loadAndCompile(await bytes("/model"), options);
    if (gpu && !model.isFullyAccelerated) throw new Error("LiteRT.js cannot run the whole of this model on the GPU");
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

// The pixels of a batch; zeros fill up where there are too few.
function filled(pixels, size) {
  const made = new Uint8Array(size);
  made.set(pixels);
  return made;
}

let engine, batches, image_count;

globalThis.edgetl = {
  async facts() {
    const webgpu = (await adapter()) !== null;
    const browser = { user_agent: navigator.userAgent, cross_origin_isolated: crossOriginIsolated, webgpu };
    return { cores: navigator.hardwareConcurrency, browser };
  },

  async time(job) {
    if (job.gpu && !(await adapter())) throw new Error("there is no WebGPU in this browser on this machine");
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
    const predictions = [];
    for (const pixels of batches) {
      engine.feed(pixels);
      await engine.infer();
      predictions.push(...engine.predict());
    }
    return predictions.slice(0, image_count);
  },

  profile: (runs) => engine.profile(runs),
};
