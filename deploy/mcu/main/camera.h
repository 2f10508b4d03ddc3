// The camera of the board.
#pragma once

#include "edgetl/classifier.h"

// Return nullptr, or why there is no camera.
edgetl::Fault start_camera();

// Classify what the camera sees now. Returns nullptr, or what is wrong.
edgetl::Fault classify_camera(edgetl::Prediction* prediction);
