// What the model takes of an image, to the bit as Pillow makes it: antialiased bilinear filtering in fixed point, across and then down,
// with 8 bits between (its src/libImaging/Resample.c), and one channel of three where the model takes grey (its src/libImaging/Convert.c).

const BITS = 22; // of a weight: 255 times the sum of the weights stays below 2^31
const HALF = 2 ** (BITS - 1);
const BAND_ROWS = 256; // are read at a time, so that a large image needs little memory, and no canvas that a phone refuses

// How many channels an input has, as the contract describes it.
export const channelsOf = (input) => (input.channels === "gray" ? 1 : 3);

// The part of an image that an input takes: all of it, or the largest central one with the input's proportions.
export function box(width, height, input) {
  if (input.crop === "none") return { left: 0, top: 0, wide: width, high: height };
  const wide = Math.min(width, (height * input.width) / input.height);
  const high = Math.min(height, (width * input.height) / input.width);
  return { left: (width - wide) / 2, top: (height - high) / 2, wide, high };
}

// uint8 [H, W, C] of an image of `width` by `height`, of which `read(left, top, columns, rows)` gives RGBA bytes.
export function resampled(width, height, input, read) {
  const taken = box(width, height, input);
  const across = taps(width, taken.left, taken.wide, input.width);
  const down = taps(height, taken.top, taken.high, input.height);
  const [left, top] = [across[0].first, down[0].first];
  const [columns, rows] = [across.at(-1).end - left, down.at(-1).end - top];
  const narrow = new Uint8Array(rows * input.width * 3);
  for (let done = 0; done < rows; done += BAND_ROWS) {
    const count = Math.min(BAND_ROWS, rows - done);
    filterAcross(read(left, top + done, columns, count), columns, count, across, narrow.subarray(done * input.width * 3));
  }
  const rgb = filterDown(narrow, input.width * 3, down);
  return channelsOf(input) === 1 ? grey(rgb) : rgb;
}

function grey(rgb) {
  const luma = (_, at) => (19595 * rgb[3 * at] + 38470 * rgb[3 * at + 1] + 7471 * rgb[3 * at + 2] + 0x8000) >> 16;
  return Uint8Array.from({ length: rgb.length / 3 }, luma);
}

// For each of `size` outputs the inputs from `first` to before `end` that it takes from, and their weights.
function taps(length, begin, side, size) {
  const scale = side / size;
  const support = Math.max(scale, 1);
  return Array.from({ length: size }, (_, output) => {
    const centre = begin + (output + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(length, Math.trunc(centre + support + 0.5));
    const share = (_, tap) => Math.max(0, 1 - Math.abs((tap + first - centre + 0.5) * (1 / support)));
    const shares = Array.from({ length: end - first }, share);
    const sum = shares.reduce((total, one) => total + one, 0);
    return { first, end, weights: Int32Array.from(shares, (one) => 0.5 + (one / sum) * 2 ** BITS) };
  });
}

function filterAcross(rgba, columns, rows, outputs, target) {
  const offset = outputs[0].first;
  let to = 0;
  for (let row = 0; row < rows; row++) {
    for (const { first, weights } of outputs) {
      let from = (row * columns + first - offset) * 4;
      let [red, green, blue] = [HALF, HALF, HALF];
      for (let tap = 0; tap < weights.length; tap++, from += 4) {
        red += rgba[from] * weights[tap];
        green += rgba[from + 1] * weights[tap];
        blue += rgba[from + 2] * weights[tap];
      }
      target[to++] = red >> BITS;
      target[to++] = green >> BITS;
      target[to++] = blue >> BITS;
    }
  }
}

function filterDown(source, width, outputs) {
  const offset = outputs[0].first;
  const target = new Uint8Array(outputs.length * width);
  let to = 0;
  for (const { first, weights } of outputs) {
    for (let column = 0; column < width; column++) {
      let sum = HALF;
      for (let tap = 0; tap < weights.length; tap++) sum += source[(first - offset + tap) * width + column] * weights[tap];
      target[to++] = sum >> BITS;
    }
  }
  return target;
}
