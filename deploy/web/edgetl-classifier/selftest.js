// Proves that this browser runs the validated model, with the same inputs and class names.

import { fetched, parsed, sha256 } from "./classifier.js";
import { compared, goldenOf } from "./golden.js";

export const STEPS = [
  "Every file is the one that was bundled",
  "The class names are in the order of the model's outputs, and the thresholds are those of the validation",
  "The golden images get the golden predictions",
  "Images are cropped and resized as in the validation",
];

export class SelfTestError extends Error {
  name = "SelfTestError";
}

// How far the predictions are off, and how many images are decided otherwise. `passed(index)` is called after each of the STEPS; the one that fails rejects with a SelfTestError.
export async function selfTest(classifier, passed = () => {}) {
  const files = await checkFiles(classifier);
  passed(0);
  const golden = parsed(files["golden/golden.json"]);
  const { pixels, wanted, tolerance } = goldenOf(golden, files["golden/pixels.bin"], classifier.app.model);
  const top1 = golden.top1_class_names[classifier.app.model];
  checkOrder(classifier.classNames, wanted, top1);
  checkDecisions(classifier, wanted, golden.present_class_names?.[classifier.app.model] ?? top1.map((name) => [name])); // older bundles have no thresholds
  passed(1);
  const predictions = await checkPredictions(classifier, pixels, wanted, tolerance);
  passed(2);
  const made = await classifier.pixels(mosaic(pixels, golden.shape, golden.mosaic));
  const resize_max_levels = made.reduce((most, value, at) => Math.max(most, Math.abs(value - files["golden/resized.bin"][at])), 0);
  if (made.length !== files["golden/resized.bin"].length || resize_max_levels > golden.mosaic.max_steps) {
    throw new SelfTestError(`cropping and resizing give other pixels, up to ${resize_max_levels} levels off`);
  }
  passed(3);
  return { images: pixels.length, ...predictions, resize_max_levels };
}

// The files by their names, each with the size and hash that the manifest gives, and the manifest with the one that the app was built with.
async function checkFiles({ folder, app, modelSha256 }) {
  if (!modelSha256) throw new SelfTestError("browsers hash files on pages of https or localhost only");
  const read = async (name, hash) => {
    const bytes = await fetched(new URL(name, folder));
    if ((await sha256(bytes)) !== hash) throw new SelfTestError(`${name} was changed`);
    return bytes;
  };
  const manifest = parsed(await read("manifest.json", app.manifest_sha256));
  const files = {};
  for (const name of ["labels.txt", "golden/golden.json", "golden/pixels.bin", "golden/resized.bin", app.model]) {
    files[name] = await read(name, manifest.files[name].sha256);
    if (files[name].length !== manifest.files[name].size_bytes) throw new SelfTestError(`${name} has another size`);
  }
  if (modelSha256 !== manifest.files[app.model].sha256) throw new SelfTestError(`${app.model} was changed`);
  const names = new TextDecoder("utf-8", { ignoreBOM: true }).decode(files["labels.txt"]);
  if (names !== manifest.contract.output.class_names.map((name) => `${name}\n`).join("")) {
    throw new SelfTestError("labels.txt has other class names than manifest.json");
  }
  return files;
}

function checkOrder(classNames, wanted, top1) {
  const named = wanted.map((row) => classNames[row.indexOf(Math.max(...row))]);
  if (named.length !== top1.length || named.some((name, at) => name !== top1[at])) {
    throw new SelfTestError("the class names are in another order than the model's outputs");
  }
}

// Class names hold no line breaks.
const decided = (classifier, rows) => rows.map((row) => classifier.present(row).join("\n"));

function checkDecisions(classifier, wanted, present) {
  if (decided(classifier, wanted).join("\n\n") !== present.map((names) => names.join("\n")).join("\n\n")) {
    throw new SelfTestError("the golden predictions are decided otherwise: these are not the thresholds of the validation");
  }
}

async function checkPredictions(classifier, pixels, wanted, tolerance) {
  const predictions = [];
  for (const [at, image] of pixels.entries()) {
    const found = await classifier.probabilities(image);
    if (found.length !== wanted[at].length) throw new SelfTestError(`the model has ${found.length} outputs, not ${wanted[at].length}`);
    predictions.push(found);
  }
  const { max_steps, mean_steps, passed } = compared(wanted, predictions, tolerance);
  if (!passed) throw new SelfTestError(`the predictions are up to ${max_steps.toFixed()} steps of 1/256 off, ${mean_steps.toFixed(1)} on average`);
  const sure = decided(classifier, wanted);
  const other_decisions = decided(classifier, predictions).filter((names, at) => names !== sure[at]).length; // of images near a threshold
  return { max_steps, mean_steps, other_decisions };
}

// The images in three rows, from the first again where they run out, cut below to a height: what the bundle's format says.
function mosaic(pixels, [, height, width, channels], { columns, height: rows }) {
  const joined = new ImageData(columns * width, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns * width; column++) {
      const image = pixels[(Math.floor(row / height) * columns + Math.floor(column / width)) % pixels.length];
      const from = ((row % height) * width + (column % width)) * channels;
      const last = channels - 1; // of one channel, which then stands for red, green and blue
      joined.data.set([image[from], image[from + Math.min(1, last)], image[from + last], 255], (row * columns * width + column) * 4);
    }
  }
  return joined;
}
