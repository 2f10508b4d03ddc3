// Classifies images with the model in the folder beside this file. Images stay on the device.
//
//   import { Classifier } from "./edgetl-classifier/classifier.js";
//   const classifier = await Classifier.load();
//   const { best, present } = await classifier.classify(image);
//
// `best` is [{ className, probability }, ...], the best first. `present` has the names of the classes that the image shows: it is empty
// where the model is not sure, and shows nothing that it knows. A page then says so, whatever the best class is. A model that knows
// several classes at once has `several`: `best` are then all that the image shows, or guesses where it shows none of them.
//
// An image is what createImageBitmap takes: a File or Blob, an <img>, <video> or <canvas>, an ImageBitmap or ImageData.
//
// `await classifier.accelerate()` once moves the model to the fastest accelerator that gives the golden predictions; later visits begin there.

import { ACCELERATORS, CPU, measure, remember, remembered } from "./accelerators.js";
import { choose } from "./choice.js";
import { goldenOf } from "./golden.js";
import { channelsOf, resampled } from "./resample.js";
import { load, NAME, open } from "./runtime/runtime.js";

const HERE = new URL("model/", import.meta.url);
const DECODING = { imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" };

// An ImageBitmap, upright and with the colours as the file has them. Rejects what is not an image.
export const decode = (image) => createImageBitmap(image, DECODING);

export async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: HTTP status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

export const parsed = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

// In hexadecimal digits. Undefined where the page is neither of https nor of localhost, since browsers hash nowhere else.
export async function sha256(bytes) {
  const digest = await globalThis.crypto.subtle?.digest("SHA-256", bytes);
  return digest && Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Classifier {
  #model;
  #run;
  #last = Promise.resolve();

  // `folder` is the URL, ending in a slash, of the model, manifest.json and the golden predictions.
  static async load(folder = HERE) {
    const [app, manifest] = await Promise.all(["app.json", "manifest.json"].map(async (name) => parsed(await fetched(new URL(name, folder)))));
    const model = await fetched(new URL(app.model, folder));
    const digest = await sha256(model);
    const choice = await remembered(digest);
    const classifier = new Classifier(folder, app, manifest, digest, choice);
    classifier.#model = model;
    const found = ACCELERATORS.find(({ name }) => name === choice?.name) ?? CPU;
    await classifier.#start(found).catch((error) => classifier.#fallBack(found, error));
    return classifier;
  }

  // For `load` alone.
  constructor(folder, app, manifest, modelSha256, choice) {
    Object.assign(this, { folder, app, manifest, modelSha256, choice, runtime: NAME, accelerator: null });
  }

  async #start(accelerator) {
    await load(accelerator.id);
    this.#run = await open(accelerator.id, this.#model);
    this.accelerator = accelerator.name;
    await this.#run(new Uint8Array(this.input.height * this.input.width * channelsOf(this.input))); // the first prediction takes ten times as long
  }

  // To the CPU, and the next start times again.
  async #fallBack(from, error) {
    if (from.name === CPU.name) throw error;
    console.info(`${from.name}: ${error.message}`);
    await remember(this.modelSha256, (this.choice = null));
    await this.#start(CPU);
  }

  // Times the accelerators that this device offers with the golden images, moves to the fastest that passes, and remembers it: `name`,
  // null where none passes, and `rows` of text, one for each. Nothing is timed where it is known from an earlier visit, unless `again`.
  async accelerate({ again = false } = {}) {
    if (this.choice && !again) return this.choice;
    const files = await Promise.all(["golden/golden.json", "golden/pixels.bin"].map((name) => fetched(new URL(name, this.folder))));
    const golden = goldenOf(parsed(files[0]), files[1], this.app.model);
    const { precision } = this.manifest.models[this.app.model];
    const given = { model: this.#model, precision, golden, alone: (work) => this.#alone(work) };
    const measured = [];
    for (const accelerator of ACCELERATORS) measured.push(await measure(accelerator, given));
    this.choice = choose(measured);
    await this.#alone(() => this.#move(measured));
    await remember(this.modelSha256, this.choice.name && this.choice);
    return this.choice;
  }

  // To the one that was chosen: the CPU where none passes, whose self-test then says what is wrong.
  async #move(measured) {
    const chosen = measured.find(({ name }) => name === this.choice.name);
    for (const { run } of measured.filter((one) => one.run && one !== chosen)) run.close();
    if (!chosen) return this.accelerator === CPU.name || this.#start(CPU);
    this.#run.close();
    [this.#run, this.accelerator] = [chosen.run, chosen.name];
  }

  // One piece of work at a time: the runtimes have one memory for all inputs.
  #alone(work) {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  // What the model takes: height, width, channels and crop, as the contract has them.
  get input() {
    return this.manifest.contract.input;
  }

  get classNames() {
    return this.manifest.contract.output.class_names;
  }

  // Whether an image may show several classes, or none.
  get several() {
    return this.manifest.contract.output.task === "multi-label";
  }

  // The probability from which on each class counts as present: the larger of the rejection's threshold and the class's own; half, less
  // half a step, of several classes without thresholds.
  get presentFrom() {
    const { rejection, thresholds } = this.manifest.contract.output;
    const unless = this.several ? 0.5 - 1 / 512 : 0;
    return this.classNames.map((_, index) => Math.max(rejection?.threshold ?? 0, thresholds?.per_class[index] ?? unless));
  }

  // The names of the classes that an image shows: of several all that reach their thresholds, else the most probable one where it does, or none.
  present(probabilities) {
    const { presentFrom } = this;
    if (this.several) return this.classNames.filter((_, index) => probabilities[index] >= presentFrom[index]);
    const best = probabilities.reduce((most, one, index) => (one > probabilities[most] ? index : most), 0);
    return probabilities[best] >= presentFrom[best] ? [this.classNames[best]] : [];
  }

  // The `top` best classes, or of several all that the image shows, the best first; the names of those that it shows; how long the model
  // took, and all of it, in milliseconds. With a Smoothing (smoothing.js) of a camera's frames, all of the average over the last of them.
  async classify(image, top = 3, smoothing = null) {
    const begun = performance.now();
    const pixels = await this.pixels(image);
    const ready = performance.now();
    const found = await this.probabilities(pixels);
    const probabilities = smoothing?.mean(found) ?? found;
    const done = performance.now();
    const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b] - probabilities[a]);
    const present = this.present(probabilities);
    const all = this.several && present.length > 0;
    const shown = all ? order.filter((index) => present.includes(this.classNames[index])) : order.slice(0, top);
    const best = shown.map((index) => ({ className: this.classNames[index], probability: probabilities[index] }));
    return { best, present, modelMs: done - ready, totalMs: done - begun };
  }

  // uint8 [H, W, C]: upright, flattened onto white, cropped, resized with antialiased bilinear filtering; grey where the model takes it.
  async pixels(image) {
    const bitmap = await decode(image);
    const read = (left, top, columns, rows) => {
      const canvas = new OffscreenCanvas(columns, rows).getContext("2d", { alpha: false, willReadFrequently: true });
      canvas.fillStyle = "white";
      canvas.fillRect(0, 0, columns, rows);
      canvas.drawImage(bitmap, left, top, columns, rows, 0, 0, columns, rows);
      return canvas.getImageData(0, 0, columns, rows).data;
    };
    try {
      return resampled(bitmap.width, bitmap.height, this.input, read);
    } finally {
      bitmap.close();
    }
  }

  // float32 [K] of uint8 pixels [H, W, C]. An accelerator that fails is left for the CPU.
  probabilities(pixels) {
    return this.#alone(async () => {
      const from = ACCELERATORS.find(({ name }) => name === this.accelerator);
      return this.#run(pixels).catch((error) => this.#fallBack(from, error).then(() => this.#run(pixels)));
    });
  }
}
