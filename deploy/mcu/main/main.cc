// Prove the model at the start, then print what the camera sees.
#include <cstdio>

#include "camera.h"
#include "edgetl/classifier.h"
#include "edgetl/self_test.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "sdkconfig.h"

namespace {

char text[256];
edgetl::Prediction prediction;
#if CONFIG_CLASSIFIER_SMOOTH
edgetl::Smoothing smoothing;
#endif

bool failed(edgetl::Fault fault) {
  if (fault) std::printf("%s\n", fault);
  return fault != nullptr;
}

bool ready() {
  if (failed(edgetl::begin())) return false;
#if CONFIG_CLASSIFIER_SELF_TEST
  const edgetl::Proof proof = edgetl::self_test();
  edgetl::describe(proof, text, sizeof text);
  std::printf("%s\n", text);
  if (proof.fault) return false;
#endif
  return !failed(start_camera());
}

}  // namespace

extern "C" void app_main() {
  if (!ready()) return;
  while (true) {
    if (!failed(classify_camera(&prediction))) {
#if CONFIG_CLASSIFIER_SMOOTH
      smoothing.mean(&prediction);
#endif
      edgetl::describe(prediction, text, sizeof text);
      std::printf("%s\n", text);
    }
    vTaskDelay(1);  // lets the idle task run, which feeds the watchdog
  }
}
