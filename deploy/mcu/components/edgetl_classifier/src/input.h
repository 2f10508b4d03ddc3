// What the model takes of an image.
#pragma once

#include "edgetl/contract.h"
#include "edgetl/golden.h"
#include "resize.h"

// The longest side of a frame, in pixels: for each 20 bytes of memory.
#ifndef EDGETL_MOST_FRAME_SIDE
#define EDGETL_MOST_FRAME_SIDE 640
#endif

namespace edgetl {

constexpr size_t kInputBytes = size_t{kHeight} * kWidth * kChannels;

// The mosaic of the self-test is an image, too.
constexpr int kMosaicSide = kMosaicColumns * kWidth > kMosaicHeight ? kMosaicColumns * kWidth : kMosaicHeight;
constexpr int kLongestSide = EDGETL_MOST_FRAME_SIDE > kMosaicSide ? EDGETL_MOST_FRAME_SIDE : kMosaicSide;

// Write what the contract takes of an image, no side of which is longer than kLongestSide: kInputBytes.
void take(const Image& image, uint8_t* target);

}  // namespace edgetl
