#pragma once

#include <cstdint>

#include "load/wide.h"

namespace forebay::load {

/// Random bits, the same on every machine: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). No state
/// of its own beside a counter, so that the n-th draw can be had without those before it.
class Random {
 public:
  explicit Random(std::uint64_t seed) : start_(mix(seed)) {}

  std::uint64_t next() { return at(drawn_++); }
  /// Draw n.
  [[nodiscard]] std::uint64_t at(std::uint64_t n) const { return mix(start_ + n * kStep); }

 private:
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;
  static std::uint64_t mix(std::uint64_t bits) {
    bits += kStep;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return bits ^ (bits >> 31);
  }

  std::uint64_t start_;
  std::uint64_t drawn_ = 0;
};

/// An exponential number of mean 1, with 64 bits behind the point, from comparisons alone (von
/// Neumann 1951; Devroye, Non-Uniform Random Variate Generation, IV.2.2). A run of falling draws is
/// of even length, its end included, with probability exp(-first); if not, one more whole is added.
inline Wide exponential(Random& random) {
  for (Wide whole = 0;; ++whole) {
    const std::uint64_t first = random.next();
    std::uint64_t last = first;
    bool even = true;
    for (std::uint64_t draw = random.next(); draw < last; draw = random.next()) {
      last = draw;
      even = !even;
    }
    if (even) {
      return whole << 64 | first;
    }
  }
}

}  // namespace forebay::load
