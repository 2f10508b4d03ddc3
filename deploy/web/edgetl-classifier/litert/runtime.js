// LiteRT.js: runs TFLite files on one thread of WebAssembly, which needs no special headers of the web server.

import { loadAndCompile, loadLiteRt, Tensor } from "./litert.js";

export const NAME = "LiteRT.js";
let loading;

function load() {
  // Its greetings are no errors, and the console is where a page's errors are looked for.
  globalThis.Module = { printErr: (line) => (/^(INFO|WARNING):/.test(line) ? console.debug : console.error)(line) };
  return loadLiteRt(new URL("litert_wasm_compat_internal.js", import.meta.url).href);
}

// A function from uint8 pixels (the input's length) to the output's values, as the file has them: uint8 or float32.
export async function open(bytes) {
  await (loading ??= load());
  const model = await loadAndCompile(bytes, { accelerator: "wasm", cpuOptions: { numThreads: 1 } });
  const [takes] = model.getInputDetails();
  return async (pixels) => {
    const input = new Tensor(takes.dtype === "uint8" ? pixels : Float32Array.from(pixels), Array.from(takes.shape));
    const [output] = await model.run(input);
    const values = (await output.data()).slice();
    input.delete(); // their memory is outside of JavaScript's
    output.delete();
    return values;
  };
}
