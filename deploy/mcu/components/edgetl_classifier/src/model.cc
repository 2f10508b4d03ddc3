#include "model.h"

#include "edgetl/model_data.h"
#include "edgetl/operators.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

#ifdef ESP_PLATFORM
#include "esp_attr.h"
#include "sdkconfig.h"
#endif

#if CONFIG_EDGETL_ARENA_IN_PSRAM
#define EDGETL_ARENA_PLACE EXT_RAM_BSS_ATTR
#else
#define EDGETL_ARENA_PLACE
#endif

#ifdef CONFIG_EDGETL_EXTRA_ARENA_KIB
#define EDGETL_EXTRA_ARENA_BYTES (1024 * CONFIG_EDGETL_EXTRA_ARENA_KIB)
#elif !defined(EDGETL_EXTRA_ARENA_BYTES)
#define EDGETL_EXTRA_ARENA_BYTES 0
#endif

namespace edgetl {
namespace {

EDGETL_ARENA_PLACE alignas(16) uint8_t arena[kArenaBytes + EDGETL_EXTRA_ARENA_BYTES];
tflite::MicroInterpreter* interpreter = nullptr;

}  // namespace

Fault open_model() {
  if (interpreter) return nullptr;
  const tflite::Model* model = tflite::GetModel(kModel);
  if (model->version() != TFLITE_SCHEMA_VERSION) return "the model is of another version of TensorFlow Lite's files";
  static tflite::MicroMutableOpResolver<kOperators> resolver;
  if (add_operators(&resolver) != kTfLiteOk) return "an operator of the model is not in this TensorFlow Lite Micro";
  static tflite::MicroInterpreter made(model, resolver, arena, sizeof arena);
  if (made.AllocateTensors() != kTfLiteOk) return "the arena is too small: raise EDGETL_EXTRA_ARENA_BYTES";
  const TfLiteTensor *input = made.input(0), *output = made.output(0);
  const bool taken = input->type == kTfLiteUInt8 && input->bytes == size_t{kHeight} * kWidth * kChannels;
  const size_t each = output->type == kTfLiteFloat32 ? sizeof(float) : sizeof(uint8_t);
  const bool given = (output->type == kTfLiteUInt8 || output->type == kTfLiteFloat32) && output->bytes == each * kClasses;
  if (!taken || !given) return "the model's input or output is not the contract's";
  interpreter = &made;
  return nullptr;
}

uint8_t* model_input() { return interpreter->input(0)->data.uint8; }

Fault run_model(float* probabilities) {
  if (interpreter->Invoke() != kTfLiteOk) return "TensorFlow Lite Micro cannot run the model";
  const TfLiteTensor* output = interpreter->output(0);
  for (int index = 0; index < kClasses; ++index) {
    const bool ready = output->type == kTfLiteFloat32;
    probabilities[index] = ready ? output->data.f[index] : static_cast<float>(output->data.uint8[index]) / 256;
  }
  return nullptr;
}

}  // namespace edgetl
