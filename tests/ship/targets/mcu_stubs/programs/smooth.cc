// Reads frames of probabilities in probabilities.bin, float [kClasses] each; writes their averages to smooth.bin and prints what each shows.
#include <cstdio>

#include "edgetl/classifier.h"

namespace {

edgetl::Prediction prediction;
edgetl::Smoothing smoothing;
char text[512];

}  // namespace

int main() {
  FILE* frames = std::fopen("probabilities.bin", "rb");
  FILE* found = std::fopen("smooth.bin", "wb");
  while (std::fread(prediction.probabilities, sizeof prediction.probabilities, 1, frames) == 1) {
    smoothing.mean(&prediction);
    std::fwrite(prediction.probabilities, sizeof prediction.probabilities, 1, found);
    edgetl::describe(prediction, text, sizeof text);
    std::printf("%s\n", text);
  }
  std::fclose(found);
  return 0;
}
