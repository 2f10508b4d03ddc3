// Reads lines of hashes.txt: that of no bytes, of one byte, of two and so on, which are 0, 1, 2 ...; prints how many bytes have another hash.
#include <cstdio>

#include "sha256.h"

int main() {
  FILE* hashes = std::fopen("hashes.txt", "r");
  char digits[65];
  for (int size = 0; std::fscanf(hashes, "%64s", digits) == 1; ++size) {
    edgetl::Sha256 hash;
    for (int at = 0; at < size; ++at) {
      const uint8_t byte = static_cast<uint8_t>(at);
      hash.add(&byte, 1);
    }
    if (!hash.is(digits)) std::printf("%d\n", size);
  }
  return 0;
}
