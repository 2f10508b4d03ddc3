// The processor's first two words, where the stack begins and where the program does, and what comes before the C library: the FPU.
#include <cstdint>

extern "C" {
extern char __stack;
[[noreturn]] void _start();

[[noreturn]] void reset() {
  *reinterpret_cast<volatile uint32_t*>(0xE000ED88) = 0xF << 20;
  _start();
}
}

__attribute__((section(".vectors"), used)) void* const vectors[] = {&__stack, reinterpret_cast<void*>(&reset)};

// The C++ library's, which is not linked: a call that cannot happen.
extern "C" [[noreturn]] void __cxa_pure_virtual() {
  while (true) continue;
}
