// Resizes each image in images.bin into resized.bin: six int32, width and height of the image, then width, height, channels and crop of the
// input, then RGB bytes.
#include "resize.h"

#include <cstdio>

namespace {

// Rows are read from the file when they are asked for, as from a camera that has no room for an image.
class FileImage : public edgetl::Image {
 public:
  FileImage(FILE* file, long start, int wide, int high) : Image(wide, high), file_(file), start_(start) {}

  void read(int y, int left, int count, uint8_t* rgb) const override {
    std::fseek(file_, start_ + 3L * (static_cast<long>(y) * width + left), SEEK_SET);
    if (std::fread(rgb, 3, static_cast<size_t>(count), file_) != static_cast<size_t>(count)) std::printf("row %d is missing\n", y);
  }

 private:
  FILE* file_;
  long start_;
};

constexpr int kSide = 1001, kMostWidth = 192;
int32_t scratch[edgetl::scratch_words(kSide, kMostWidth) + 1];
uint8_t target[3 * 192 * 192];

}  // namespace

int main() {
  FILE* images = std::fopen("images.bin", "rb");
  FILE* resized = std::fopen("resized.bin", "wb");
  int32_t header[6];
  long start = 0;
  while (!std::fseek(images, start, SEEK_SET) && std::fread(header, sizeof header, 1, images) == 1) {
    const int wide = static_cast<int>(header[0]), high = static_cast<int>(header[1]);
    const edgetl::Input input = {static_cast<int>(header[3]), static_cast<int>(header[2]), static_cast<int>(header[4]), header[5] != 0};
    const size_t words = edgetl::scratch_words(wide > high ? wide : high, input.width);
    scratch[words] = 1234567;
    start += static_cast<long>(sizeof header);
    resize(FileImage(images, start, wide, high), input, scratch, target);
    if (scratch[words] != 1234567) std::printf("%d x %d takes more memory than scratch_words says\n", wide, high);
    std::fwrite(target, 1, static_cast<size_t>(input.height * input.width * input.channels), resized);
    start += 3L * wide * high;
  }
  return std::fclose(resized);
}
