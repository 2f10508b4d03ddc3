// The golden images and predictions, and how far other predictions are from them.

// `document` is golden.json, and `bytes` are those of pixels.bin.
export function goldenOf(document, bytes, model) {
  const [images, height, width, channels] = document.shape;
  const length = height * width * channels;
  const pixels = Array.from({ length: images }, (_, at) => bytes.subarray(at * length, (at + 1) * length));
  return { pixels, wanted: document.predictions[model], tolerance: document.tolerance };
}

// In steps of 1/256; `differ` images are by themselves beyond the tolerance. Written so that NaN does not pass.
export function compared(wanted, found, tolerance) {
  const steps = wanted.map((row, at) => row.map((value, index) => Math.abs(value - found[at][index]) / tolerance.step));
  const [within, all] = [(rows) => most(rows) <= tolerance.max_steps && mean(rows) <= tolerance.mean_steps, steps.flat()];
  const lengths = found.every((row, at) => row.length === wanted[at].length);
  return {
    max_steps: most(all),
    mean_steps: mean(all),
    passed: lengths && within(all),
    differ: lengths ? steps.filter((row) => !within(row)).length : steps.length,
  };
}

const most = (values) => values.reduce((largest, one) => Math.max(largest, one), 0);
const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;
