#include "edgetl/self_test.h"

#include <cstdio>
#include <cstring>

#include "decide.h"
#include "edgetl/golden.h"
#include "edgetl/model_data.h"
#include "input.h"
#include "model.h"
#include "sha256.h"

namespace edgetl {
namespace {

bool has_hash(const void* data, size_t size, const char* digits) {
  Sha256 hash;
  hash.add(data, size);
  return hash.is(digits);
}

Fault check_hashes() {
  if (!has_hash(kModel, kModelBytes, kModelSha256)) return "the model was changed";
  if (!has_hash(kGoldenPixels, kGoldenImages * kInputBytes, kGoldenPixelsSha256)) return "the golden images were changed";
  if (!has_hash(kGoldenResized, kInputBytes, kGoldenResizedSha256)) return "the resized golden image was changed";
  Sha256 names;  // of labels.txt, which has a name a line
  for (const char* name : kClassNames) {
    names.add(name, std::strlen(name));
    names.add("\n", 1);
  }
  return names.is(kClassNamesSha256) ? nullptr : "the class names were changed";
}

// Decide the golden predictions, and compare with what they were decided to be; `present` is moved behind the image's names.
Fault check_decision(int image, const char* const** present, Prediction* golden) {
  std::memcpy(golden->probabilities, kGoldenPredictions[image], sizeof golden->probabilities);
  decide(golden);
  if (std::strcmp(kClassNames[golden->best], kGoldenBest[image])) return "the class names are in another order than the model's outputs";
  bool same = true;
  for (int index = 0; index < kClasses; ++index) {
    if (!golden->present[index]) continue;
    same = same && **present && !std::strcmp(kClassNames[index], **present);
    if (**present) ++*present;
  }
  same = same && !**present;
  while (*(*present)++) continue;
  return same ? nullptr : "the golden predictions are decided otherwise: these are not the thresholds of the validation";
}

Fault check_predictions(Proof* proof) {
  static Prediction golden, found;  // static: they may be larger than a small stack
  const char* const* present = kGoldenPresent;
  float sum = 0;
  for (int image = 0; image < kGoldenImages; ++image) {
    Fault fault = check_decision(image, &present, &golden);
    if (!fault) fault = classify_pixels(kGoldenPixels + static_cast<size_t>(image) * kInputBytes, &found);
    if (fault) return fault;
    for (int index = 0; index < kClasses; ++index) {
      const float apart = 256 * (found.probabilities[index] - golden.probabilities[index]);
      const float steps = apart >= 0 ? apart : apart < 0 ? -apart : 256;  // not a number is far off
      if (steps > proof->max_steps) proof->max_steps = steps;
      sum += steps;
    }
    if (std::memcmp(found.present, golden.present, sizeof found.present)) ++proof->other_decisions;
    ++proof->images;
  }
  proof->mean_steps = sum / (kGoldenImages * kClasses);
  const bool near = proof->max_steps <= kMaxSteps && proof->mean_steps <= kMeanSteps;
  return near ? nullptr : "the predictions are not the golden ones";
}

// Golden images side by side, from the first again where they run out, cut below: it is never in memory at once.
class Mosaic : public Image {
 public:
  Mosaic() : Image(kMosaicColumns * kWidth, kMosaicHeight) {}

  void read(int y, int left, int count, uint8_t* rgb) const override {
    for (int x = left; x < left + count; ++x, rgb += 3) {
      const int image = (y / kHeight * kMosaicColumns + x / kWidth) % kGoldenImages;
      const int place = (image * kHeight + y % kHeight) * kWidth + x % kWidth;
      for (int channel = 0; channel < 3; ++channel) rgb[channel] = kGoldenPixels[place * kChannels + channel % kChannels];
    }
  }
};

Fault check_resize(Proof* proof) {
  uint8_t* made = model_input();
  take(Mosaic(), made);
  for (size_t at = 0; at < kInputBytes; ++at) {
    const int levels = made[at] > kGoldenResized[at] ? made[at] - kGoldenResized[at] : kGoldenResized[at] - made[at];
    if (levels > proof->resize_max_levels) proof->resize_max_levels = levels;
  }
  return proof->resize_max_levels <= kResizeMaxLevels ? nullptr : "cropping and resizing give other pixels";
}

// Write a number with two decimals, by integers alone: small C libraries do not print floats.
void write_decimal(float value, char* text, size_t size) {
  const unsigned hundredths = static_cast<unsigned>(100 * (value < 1e6F ? value : 1e6F) + 0.5F);
  std::snprintf(text, size, "%u.%02u", hundredths / 100, hundredths % 100);
}

}  // namespace

Proof self_test() {
  Proof proof = {};
  proof.fault = check_hashes();
  if (!proof.fault) proof.fault = check_predictions(&proof);
  if (!proof.fault) proof.fault = check_resize(&proof);
  return proof;
}

void describe(const Proof& proof, char* text, size_t size) {
  char most[16], mean[16];
  write_decimal(proof.max_steps, most, sizeof most);
  write_decimal(proof.mean_steps, mean, sizeof mean);
  std::snprintf(text, size,
                "edgetl self-test: %s%s; %d images, %s of 256 steps off at most, %s on average, %d decided otherwise; resize %d levels off",
                proof.fault ? "failed: " : "passed", proof.fault ? proof.fault : "", proof.images, most, mean, proof.other_decisions,
                proof.resize_max_levels);
}

}  // namespace edgetl
