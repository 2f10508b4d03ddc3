#include "sha256.h"

namespace edgetl {
namespace {

constexpr uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

uint32_t turned(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

}  // namespace

void Sha256::add(const void* data, size_t size) {
  const uint8_t* bytes = static_cast<const uint8_t*>(data);
  for (size_t at = 0; at < size; ++at) {
    block_[size_++ % 64] = bytes[at];
    if (size_ % 64 == 0) take_block();
  }
}

bool Sha256::is(const char* digits) {
  const uint64_t bits = 8 * size_;
  const uint8_t mark = 0x80, zero = 0;
  add(&mark, 1);
  while (size_ % 64 != 56) add(&zero, 1);
  for (int shift = 56; shift >= 0; shift -= 8) {
    const uint8_t byte = static_cast<uint8_t>(bits >> shift);
    add(&byte, 1);
  }
  for (int digit = 0; digit < 64; ++digit) {
    if (digits[digit] != "0123456789abcdef"[state_[digit / 8] >> (28 - digit % 8 * 4) & 15]) return false;
  }
  return true;
}

void Sha256::take_block() {
  uint32_t word[64];
  for (int at = 0; at < 16; ++at) {
    const uint8_t* byte = block_ + 4 * at;
    word[at] = static_cast<uint32_t>(byte[0]) << 24 | static_cast<uint32_t>(byte[1]) << 16 | static_cast<uint32_t>(byte[2]) << 8 | byte[3];
  }
  for (int at = 16; at < 64; ++at) {
    const uint32_t early = word[at - 15], late = word[at - 2];
    word[at] = word[at - 16] + (turned(early, 7) ^ turned(early, 18) ^ early >> 3) + word[at - 7] +
               (turned(late, 17) ^ turned(late, 19) ^ late >> 10);
  }
  uint32_t s[8];
  for (int at = 0; at < 8; ++at) s[at] = state_[at];
  for (int at = 0; at < 64; ++at) {
    const uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]), majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    const uint32_t one = s[7] + (turned(s[4], 6) ^ turned(s[4], 11) ^ turned(s[4], 25)) + choice + kRound[at] + word[at];
    const uint32_t two = (turned(s[0], 2) ^ turned(s[0], 13) ^ turned(s[0], 22)) + majority;
    for (int down = 7; down > 0; --down) s[down] = s[down - 1];
    s[4] += one;
    s[0] = one + two;
  }
  for (int at = 0; at < 8; ++at) state_[at] += s[at];
}

}  // namespace edgetl
