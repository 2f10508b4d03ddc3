#pragma once
#include <cstdint>

namespace tflite {

struct Model {
  uint32_t version() const { return 3; }
};

inline const Model* GetModel(const void* buffer) { return static_cast<const Model*>(buffer); }

}  // namespace tflite
