// The model behind TensorFlow Lite Micro: all that the rest knows of it.
#pragma once

#include "edgetl/classifier.h"

namespace edgetl {

// Lay out the model's tensors in the arena.
Fault open_model();

// Where uint8 pixels [kHeight, kWidth, kChannels] go before each run: the run may use the place for other things.
uint8_t* model_input();

// Predict; float probabilities [kClasses].
Fault run_model(float* probabilities);

}  // namespace edgetl
