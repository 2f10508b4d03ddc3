#include "decide.h"

#include <cstdio>
#include <cstring>

namespace edgetl {
namespace {

// Write "daisy 97.3 %" and return its length; no more than `size` bytes, with integers alone.
size_t write_class(const Prediction& prediction, int index, const char* before, char* text, size_t size) {
  const int permille = static_cast<int>(1000 * prediction.probabilities[index] + 0.5F);
  const int written = std::snprintf(text, size, "%s%s %d.%d %%", before, kClassNames[index], permille / 10, permille % 10);
  return written < 0 ? 0 : static_cast<size_t>(written) < size ? static_cast<size_t>(written) : size - 1;
}

}  // namespace

void decide(Prediction* prediction) {
  const float* probabilities = prediction->probabilities;
  prediction->best = 0;
  for (int index = 1; index < kClasses; ++index) {
    if (probabilities[index] > probabilities[prediction->best]) prediction->best = index;
  }
  for (int index = 0; index < kClasses; ++index) {
    const bool asked = kSeveral || index == prediction->best;
    prediction->present[index] = asked && probabilities[index] >= kPresentFrom[index];
  }
}

void Smoothing::mean(Prediction* prediction) {
  std::memcpy(frames_[next_], prediction->probabilities, sizeof frames_[next_]);
  next_ = (next_ + 1) % kFrames;
  if (seen_ < kFrames) ++seen_;
  for (int index = 0; index < kClasses; ++index) {
    float sum = 0;
    for (int frame = 0; frame < seen_; ++frame) sum += frames_[frame][index];
    prediction->probabilities[index] = sum / static_cast<float>(seen_);
  }
  decide(prediction);
}

void describe(const Prediction& prediction, char* text, size_t size) {
  if (size == 0) return;
  size_t used = 0;
  for (int index = 0; index < kClasses; ++index) {
    if (prediction.present[index]) used += write_class(prediction, index, used ? ", " : "", text + used, size - used);
  }
  if (used) return;
  used = write_class(prediction, prediction.best, kSeveral ? "none of the classes (nearest: " : "not sure (perhaps ", text, size);
  std::snprintf(text + used, size - used, ")");
}

}  // namespace edgetl
