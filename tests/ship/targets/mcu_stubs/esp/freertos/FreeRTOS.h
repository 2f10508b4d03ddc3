#pragma once
#include <cstdint>
typedef uint32_t TickType_t;
