// The resize of the contract, to the bit as in training: antialiased bilinear filtering in integers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace edgetl {

struct Input {
  int height;
  int width;
  int channels;  // 3, or 1: grey
  bool crop;     // to the largest central part with the input's proportions; else images are stretched
};

// Any source of pixels, which need not be in memory at once.
class Image {
 public:
  const int width;
  const int height;

  // Write RGB bytes of `count` pixels of row `y` from column `left` on.
  virtual void read(int y, int left, int count, uint8_t* rgb) const = 0;

 protected:
  Image(int wide, int high) : width(wide), height(high) {}
  ~Image() = default;
};

// How many int32 `resize` works with, for images whose sides are no longer than `side`.
constexpr size_t scratch_words(int side, int width) { return 4 * static_cast<size_t>(side) + 8 * static_cast<size_t>(width); }

// Write the part of an image that the input takes, at its size: uint8 [height, width, channels].
void resize(const Image& image, const Input& input, int32_t* scratch, uint8_t* target);

}  // namespace edgetl
