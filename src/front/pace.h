#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"

namespace forebay::front {

/// Whether a client keeps up a rate, looked at once in a while: a pause is forgiven when the rest
/// of its window makes up for it.
class Pace {
 public:
  /// At least one byte a window, however low the rate (bytes per second).
  Pace(std::uint64_t rate_min, Duration window)
      : bytes_min_(std::max(1.0, static_cast<double>(rate_min) * to_seconds(window))) {}

  /// A window begins; so many bytes have come before it.
  void begin(std::uint64_t bytes) { before_ = bytes; }
  /// It is over, and the next one begins. False: too few bytes have come.
  [[nodiscard]] bool keeps_up(std::uint64_t bytes) {
    const bool enough = bytes >= before_ && static_cast<double>(bytes - before_) >= bytes_min_;
    before_ = bytes;
    return enough;
  }

 private:
  double bytes_min_;
  std::uint64_t before_ = 0;
};

}  // namespace forebay::front
