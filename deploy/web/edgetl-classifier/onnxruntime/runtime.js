// ONNX Runtime Web: runs ONNX files on one thread of WebAssembly, which needs no special headers of the web server, on WebGPU and by WebNN.

export const NAME = "ONNX Runtime Web";
const ACCELERATED = { part: "./ort.webgpu.min.js", wasm: "ort-wasm-simd-threaded.asyncify" };
const PARTS = { wasm: { part: "./ort.wasm.min.js", wasm: "ort-wasm-simd-threaded" }, webgpu: ACCELERATED, webnn: ACCELERATED };
const PROVIDERS = { wasm: "wasm", webgpu: "webgpu", webnn: { name: "webnn", deviceType: "npu" } };
const beside = (name) => new URL(name, import.meta.url).href;

// Why a model is not even tried: 27 MB would be fetched to see that all of it stays on the CPU.
export const refuses = (id, precision) => (id === "webgpu" && precision === "int8" ? "ONNX Runtime Web computes int8 on the CPU alone" : "");

// Fetches what an accelerator needs, except for the WebAssembly, which comes with the first model.
export async function load(id) {
  const { part, wasm } = PARTS[id];
  const ort = await import(part);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = { mjs: beside(`${wasm}.js`), wasm: beside(`${wasm}.wasm`) };
  return ort;
}

// A function from uint8 pixels (the input's length) to float32 probabilities, with `close`. Rejects where part of the model would run elsewhere.
export async function open(id, bytes) {
  const { InferenceSession, Tensor } = await load(id);
  const extra = id === "wasm" ? {} : { session: { disable_cpu_ep_fallback: "1" } };
  const session = await InferenceSession.create(bytes, { executionProviders: [PROVIDERS[id]], logSeverityLevel: 3, extra });
  const [takes] = session.inputMetadata;
  const [gives] = session.outputNames;
  const shape = takes.shape.map((length) => (typeof length === "number" ? length : 1));
  const run = async (pixels) => {
    const input = new Tensor(takes.type, takes.type === "uint8" ? pixels : Float32Array.from(pixels), shape);
    const values = (await session.run({ [takes.name]: input }))[gives].data;
    return Float32Array.from(values, (value) => (values instanceof Uint8Array ? value / 256 : value));
  };
  return Object.assign(run, { close: () => session.release() });
}
