// ONNX Runtime Web: runs ONNX files on one thread of WebAssembly, which needs no special headers of the web server.

import { env, InferenceSession, Tensor } from "./ort.wasm.min.js";

export const NAME = "ONNX Runtime Web";
const beside = (name) => new URL(name, import.meta.url).href;
env.wasm.numThreads = 1;
env.wasm.wasmPaths = { mjs: beside("ort-wasm-simd-threaded.js"), wasm: beside("ort-wasm-simd-threaded.wasm") };

// A function from uint8 pixels (the input's length) to the output's values, as the file has them: uint8 or float32.
export async function open(bytes) {
  const session = await InferenceSession.create(bytes, { executionProviders: ["wasm"], logSeverityLevel: 3 });
  const [takes] = session.inputMetadata;
  const [gives] = session.outputNames;
  const shape = takes.shape.map((length) => (typeof length === "number" ? length : 1));
  return async (pixels) => {
    const input = new Tensor(takes.type, takes.type === "uint8" ? pixels : Float32Array.from(pixels), shape);
    return (await session.run({ [takes.name]: input }))[gives].data.slice();
  };
}
