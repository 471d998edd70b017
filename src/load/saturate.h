#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

/// Sums and differences of times that come from a file: what 64 bits cannot hold is the largest or
/// the smallest that they can.
namespace forebay::load {

[[nodiscard]] inline std::int64_t sum(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) {
    return b < 0 ? INT64_MIN : INT64_MAX;
  }
  return result;
}

[[nodiscard]] inline Duration sum(Duration a, Duration b) {
  return Duration(sum(a.count(), b.count()));
}

[[nodiscard]] inline Duration difference(std::int64_t later, std::int64_t earlier) {
  std::int64_t result = 0;
  if (__builtin_sub_overflow(later, earlier, &result)) {
    return later < earlier ? Duration::min() : Duration::max();
  }
  return Duration(result);
}

}  // namespace forebay::load
