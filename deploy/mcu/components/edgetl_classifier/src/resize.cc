#include "resize.h"

namespace edgetl {
namespace {

constexpr int kBits = 22;  // of a weight: 255 times the sum of the weights is below 2^31
constexpr int32_t kHalf = 1 << (kBits - 1);

// One direction: `count` outputs of `step / unit` inputs each, from the middle of `length` inputs.
struct Axis {
  int length;
  int count;
  int step;
  int unit;

  // Write the weights of the inputs that make an output, and return how many; `first` becomes the first input.
  // A triangle as wide as the reduction. Positions are in halves of 1 / unit of an input, so that all is exact.
  int weights(int output, int* first, int32_t* found) const {
    const int support = 2 * (step > unit ? step : unit);
    const int centre = length * unit - count * step + (2 * output + 1) * step;
    const int low = centre - support + unit, high = centre + support + unit;
    *first = low > 0 ? low / (2 * unit) : 0;
    const int end = high / (2 * unit) < length ? high / (2 * unit) : length;
    int64_t sum = 0;
    for (int at = *first; at < end; ++at) sum += share(at, centre, support);
    for (int at = *first; at < end; ++at) {
      const int64_t scaled = static_cast<int64_t>(share(at, centre, support)) << (kBits + 1);
      found[at - *first] = static_cast<int32_t>((scaled + sum) / (2 * sum));
    }
    return end - *first;
  }

 private:
  int share(int at, int centre, int support) const {
    const int distance = 2 * unit * at + unit - centre;
    const int left = support - (distance < 0 ? -distance : distance);
    return left > 0 ? left : 0;
  }
};

// The weights of all outputs of a row, one after the other.
struct Row {
  int32_t* weights;
  int32_t* firsts;
  int32_t* counts;
  int left;   // the inputs that are used at all
  int count;

  Row(const Axis& axis, int32_t* into, int32_t* positions) : weights(into), firsts(positions), counts(positions + axis.count) {
    for (int output = 0; output < axis.count; ++output) {
      int first = 0;
      counts[output] = axis.weights(output, &first, into);
      firsts[output] = first;
      into += counts[output];
    }
    left = static_cast<int>(firsts[0]);
    count = static_cast<int>(firsts[axis.count - 1] + counts[axis.count - 1]) - left;
  }

  // Add the resized row to the sums, with the row's own weight.
  void add(const uint8_t* rgb, int32_t share, int outputs, int32_t* sums) const {
    const int32_t* weight = weights;
    for (int output = 0; output < outputs; ++output, sums += 3) {
      const uint8_t* pixel = rgb + 3 * (firsts[output] - left);
      int32_t red = kHalf, green = kHalf, blue = kHalf;
      for (int32_t tap = 0; tap < counts[output]; ++tap, ++weight, pixel += 3) {
        red += *weight * pixel[0];
        green += *weight * pixel[1];
        blue += *weight * pixel[2];
      }
      sums[0] += share * (red >> kBits);
      sums[1] += share * (green >> kBits);
      sums[2] += share * (blue >> kBits);
    }
  }
};

uint8_t gray(int32_t red, int32_t green, int32_t blue) {
  return static_cast<uint8_t>((19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16);
}

}  // namespace

void resize(const Image& image, const Input& input, int32_t* scratch, uint8_t* target) {
  // Cropped, both directions are reduced alike, by the one that has less to spare.
  const bool by_width = image.width * input.height <= image.height * input.width;
  const int step = by_width ? image.width : image.height, unit = by_width ? input.width : input.height;
  const Axis across = {image.width, input.width, input.crop ? step : image.width, input.crop ? unit : input.width};
  const Axis down = {image.height, input.height, input.crop ? step : image.height, input.crop ? unit : input.height};
  int32_t* const sums = scratch;
  int32_t* const positions = sums + 3 * input.width;
  int32_t* const column = positions + 2 * input.width;
  uint8_t* const rgb = reinterpret_cast<uint8_t*>(column + image.height);
  int32_t* const weights = column + image.height + image.width;
  const Row row(across, weights, positions);

  for (int y = 0; y < input.height; ++y) {
    for (int at = 0; at < 3 * input.width; ++at) sums[at] = kHalf;
    int first = 0;
    const int count = down.weights(y, &first, column);
    for (int tap = 0; tap < count; ++tap) {
      image.read(first + tap, row.left, row.count, rgb);
      row.add(rgb, column[tap], input.width, sums);
    }
    for (int x = 0; x < input.width; ++x) {
      const int32_t red = sums[3 * x] >> kBits, green = sums[3 * x + 1] >> kBits, blue = sums[3 * x + 2] >> kBits;
      if (input.channels == 1) {
        *target++ = gray(red, green, blue);
      } else {
        *target++ = static_cast<uint8_t>(red);
        *target++ = static_cast<uint8_t>(green);
        *target++ = static_cast<uint8_t>(blue);
      }
    }
  }
}

}  // namespace edgetl
