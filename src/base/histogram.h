#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace forebay {

/// Counts values in fixed buckets; what a Prometheus histogram is made of.
template <std::size_t N>
class Histogram {
 public:
  /// `bounds`: the buckets' upper bounds, inclusive, ascending; one more bucket takes the rest.
  explicit constexpr Histogram(const std::array<double, N>& bounds) : bounds_(bounds) {}

  void observe(double value) {
    const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value);
    ++counts_[static_cast<std::size_t>(bucket - bounds_.begin())];
    sum_ += value;
    ++count_;
  }
  [[nodiscard]] const std::array<double, N>& bounds() const { return bounds_; }
  /// Values in bucket i alone; i == N is the rest.
  [[nodiscard]] std::uint64_t in_bucket(std::size_t i) const { return counts_[i]; }
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] double sum() const { return sum_; }

 private:
  std::array<double, N> bounds_;
  std::array<std::uint64_t, N + 1> counts_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

}  // namespace forebay
