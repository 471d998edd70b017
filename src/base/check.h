#pragma once

#include <source_location>

namespace forebay {

[[noreturn]] void check_failed(const char* condition,
                               std::source_location where = std::source_location::current());

}  // namespace forebay

/// A broken invariant ends the process. Always on; never for bad input.
#define CHECK(condition)                   \
  do {                                     \
    if (!(condition)) [[unlikely]] {       \
      ::forebay::check_failed(#condition); \
    }                                      \
  } while (false)
