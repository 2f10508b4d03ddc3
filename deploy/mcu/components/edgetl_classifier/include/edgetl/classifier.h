// From a camera frame to the classes that it shows.
#pragma once

#include <cstddef>
#include <cstdint>

#include "edgetl/contract.h"

namespace edgetl {

// What went wrong, for people; nullptr: nothing.
using Fault = const char*;

enum class Pixels {
  kGray,                // 1 byte a pixel
  kRgb565BigEndian,     // 2 bytes, the one with red first: ESP32 cameras
  kRgb565LittleEndian,  // 2 bytes, the one with blue first
  kRgb888,              // 3 bytes
  kBgr888,              // 3 bytes: what ESP32 cameras call RGB888
};

// An upright image in memory, row after row without gaps.
struct Frame {
  const uint8_t* data;
  int width;
  int height;
  Pixels pixels;
};

struct Prediction {
  float probabilities[kClasses];
  bool present[kClasses];  // the classes that the image shows; none: it is unknown, or shows none of them
  int best;                // the most probable class: a guess where it is not present
};

// Prepare the model; once, before everything else.
Fault begin();

// Crop and resize a frame, none of whose sides is longer than EDGETL_MOST_FRAME_SIDE, and predict.
Fault classify(const Frame& frame, Prediction* prediction);

// Predict for uint8 pixels [kHeight, kWidth, kChannels].
Fault classify_pixels(const uint8_t* pixels, Prediction* prediction);

// Steadies what a camera shows, and delays it: an average of the probabilities over the last frames of one stream.
class Smoothing {
 public:
  static constexpr int kFrames = 8;

  // Replace a frame's probabilities by the mean of these and of those of the frames before, and decide again.
  void mean(Prediction* prediction);

 private:
  float frames_[kFrames][kClasses];
  int seen_ = 0;  // of them at most kFrames
  int next_ = 0;  // where the newest goes
};

// Write "daisy 97.3 %", "not sure (perhaps daisy 31.2 %)" or "none of the classes (nearest: daisy 31.2 %)".
void describe(const Prediction& prediction, char* text, size_t size);

}  // namespace edgetl
