// Prints the self-test, then what each frame in frames.bin shows: four int32, its width, height, pixels (as in Pixels) and bytes, then these.
#include <cstdio>

#include "edgetl/classifier.h"
#include "edgetl/self_test.h"

namespace {

char text[512];
uint8_t data[1 << 20];
edgetl::Prediction prediction;

int failed(edgetl::Fault fault) {
  std::printf("%s\n", fault);
  return 1;
}

}  // namespace

int main() {
  if (edgetl::Fault fault = edgetl::begin()) return failed(fault);
  const edgetl::Proof proof = edgetl::self_test();
  edgetl::describe(proof, text, sizeof text);
  std::printf("%s\n", text);
  FILE* frames = std::fopen("frames.bin", "rb");
  int32_t header[4];
  while (frames && std::fread(header, sizeof header, 1, frames) == 1) {
    const size_t bytes = static_cast<size_t>(header[3]);
    if (bytes > sizeof data || std::fread(data, 1, bytes, frames) != bytes) return failed("frames.bin is damaged");
    const edgetl::Frame frame = {data, static_cast<int>(header[0]), static_cast<int>(header[1]), static_cast<edgetl::Pixels>(header[2])};
    edgetl::Fault fault = edgetl::classify(frame, &prediction);
    if (!fault) edgetl::describe(prediction, text, sizeof text);
    std::printf("%s\n", fault ? fault : text);
  }
  return proof.fault ? 7 : 0;
}
