// From probabilities to what an image shows.
#pragma once

#include "edgetl/classifier.h"

namespace edgetl {

// Fill in `present` and `best` by the contract's thresholds, for the probabilities that are there.
void decide(Prediction* prediction);

}  // namespace edgetl
