#include "edgetl/classifier.h"

#include <cstring>

#include "decide.h"
#include "input.h"
#include "model.h"

namespace edgetl {
namespace {

int32_t scratch[scratch_words(kLongestSide, kWidth)];

class FrameImage : public Image {
 public:
  explicit FrameImage(const Frame& frame) : Image(frame.width, frame.height), frame_(frame) {}

  void read(int y, int left, int count, uint8_t* rgb) const override {
    const size_t start = static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(left);
    for (int at = 0; at < count; ++at, rgb += 3) write(start + static_cast<size_t>(at), rgb);
  }

 private:
  void write(size_t pixel, uint8_t* rgb) const {
    const uint8_t* data = frame_.data;
    switch (frame_.pixels) {
      case Pixels::kGray:
        rgb[0] = rgb[1] = rgb[2] = data[pixel];
        break;
      case Pixels::kRgb565BigEndian:
        write565(data[2 * pixel], data[2 * pixel + 1], rgb);
        break;
      case Pixels::kRgb565LittleEndian:
        write565(data[2 * pixel + 1], data[2 * pixel], rgb);
        break;
      case Pixels::kRgb888:
        std::memcpy(rgb, data + 3 * pixel, 3);
        break;
      case Pixels::kBgr888:
        for (int channel = 0; channel < 3; ++channel) rgb[channel] = data[3 * pixel + 2 - static_cast<size_t>(channel)];
        break;
    }
  }

  // The upper bits again below, so that the darkest is 0 and the brightest 255.
  static void write565(int high, int low, uint8_t* rgb) {
    const int red = high >> 3, green = (high & 7) << 3 | low >> 5, blue = low & 31;
    rgb[0] = static_cast<uint8_t>(red << 3 | red >> 2);
    rgb[1] = static_cast<uint8_t>(green << 2 | green >> 4);
    rgb[2] = static_cast<uint8_t>(blue << 3 | blue >> 2);
  }

  const Frame& frame_;
};

Fault predict(Prediction* prediction) {
  const Fault fault = run_model(prediction->probabilities);
  if (!fault) decide(prediction);
  return fault;
}

}  // namespace

Fault begin() { return open_model(); }

void take(const Image& image, uint8_t* target) { resize(image, {kHeight, kWidth, kChannels, kCrop}, scratch, target); }

Fault classify(const Frame& frame, Prediction* prediction) {
  if (frame.width < 1 || frame.height < 1) return "the frame is empty";
  if (frame.width > kLongestSide || frame.height > kLongestSide) return "the frame is too large: raise EDGETL_MOST_FRAME_SIDE";
  take(FrameImage(frame), model_input());
  return predict(prediction);
}

Fault classify_pixels(const uint8_t* pixels, Prediction* prediction) {
  std::memcpy(model_input(), pixels, kInputBytes);
  return predict(prediction);
}

}  // namespace edgetl
