// Proves that this device runs the validated model, with the same inputs and class names.
#pragma once

#include "edgetl/classifier.h"

namespace edgetl {

struct Proof {
  Fault fault;               // nullptr: passed
  int images;                // golden images that were predicted
  float max_steps;           // how far the predictions are off, in steps of 1/256
  float mean_steps;
  int other_decisions;       // images near a threshold that this device decides otherwise
  int resize_max_levels;     // how far the resized golden image is off, in levels of 255
};

// Compare the model, class names, thresholds, predictions, crop and resize with what was validated; after begin().
Proof self_test();

// Write "edgetl self-test: passed, ..." or "edgetl self-test: failed: ...", for the serial port.
void describe(const Proof& proof, char* text, size_t size);

}  // namespace edgetl
