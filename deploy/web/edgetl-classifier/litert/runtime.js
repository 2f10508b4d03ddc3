// LiteRT.js: runs TFLite files on one thread of WebAssembly, which needs no special headers of the web server, on WebGPU and by WebNN.

export const NAME = "LiteRT.js";
// Their WebAssembly, and the copy of LiteRT.js that holds it: each holds one. What waits for a GPU is another WebAssembly.
const PARTS = { wasm: ["litert_wasm_compat_internal.js", ""], webgpu: ["litert_wasm_jspi_internal.js", "?jspi"], webnn: ["litert_wasm_jspi_internal.js", "?webnn"] };
const loading = {};

// Why a model is not even tried.
export const refuses = (id) => (id === "wasm" || "Suspending" in WebAssembly ? "" : "this browser cannot let WebAssembly wait for it (JSPI)");

// Fetches what an accelerator needs; resolves at once the second time.
export function load(id) {
  return (loading[id] ??= begin(...PARTS[id], id === "webgpu" ? {} : { webGpuDevice: null }).catch((error) => {
    delete loading[id];
    throw error;
  }));
}

async function begin(file, copy, environment) {
  const litert = await import(`./litert.js${copy}`);
  // Its greetings are not errors, and the console is where a page's errors are looked for.
  globalThis.Module = { printErr: (line) => (/^(INFO|WARNING):/.test(line) ? console.debug : console.error)(line) };
  await litert.loadLiteRt(new URL(file, import.meta.url).href, { environment });
  return litert;
}

// A function from uint8 pixels (the input's length) to float32 probabilities, with `close`. Rejects where part of the model would run elsewhere.
export async function open(id, bytes) {
  const { loadAndCompile, Tensor } = await load(id);
  const model = await loadAndCompile(bytes, { accelerator: id, cpuOptions: { numThreads: 1 }, webNNOptions: { devicePreference: "npu" } });
  if (id !== "wasm" && !model.isFullyAccelerated) {
    model.delete();
    throw new Error("it takes not all of the model");
  }
  const [takes] = model.getInputDetails();
  const run = async (pixels) => {
    const input = new Tensor(takes.dtype === "uint8" ? pixels : Float32Array.from(pixels), Array.from(takes.shape));
    const [output] = await model.run(input);
    const values = await output.data();
    const probabilities = Float32Array.from(values, (value) => (values instanceof Uint8Array ? value / 256 : value));
    input.delete(); // their memory is outside of JavaScript's
    output.delete();
    return probabilities;
  };
  return Object.assign(run, { close: () => model.delete() });
}
