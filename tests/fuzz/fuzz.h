// What every fuzz target includes. FUZZ_REQUIRE is an oracle: an invariant that no input may break.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#define FUZZ_REQUIRE(condition)     \
  do {                              \
    if (!(condition)) std::abort(); \
  } while (false)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
