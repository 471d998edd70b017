#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/hdr_histogram.h"

namespace forebay::load {

/// How durations are spread: each one is kept while they are few, so that quantiles are exact; from
/// then on a histogram that knows each to 1/1024. One thread.
class Distribution {
 public:
  explicit Distribution(std::size_t exact_max = kExactMax) : exact_max_(exact_max) {}

  void add(Duration value);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// All of these are 0 without values.
  [[nodiscard]] Duration total() const { return total_; }  // at most what 64 bits hold
  [[nodiscard]] Duration mean() const;
  [[nodiscard]] Duration min() const { return min_; }
  [[nodiscard]] Duration max() const { return max_; }
  [[nodiscard]] Duration deviation() const;  // the standard one, of the sample
  /// Of type 5 (Hyndman and Fan 1996): the value at the place n * q + 1/2, linear between two. `q`
  /// from 0, the smallest value, to 1, the largest.
  [[nodiscard]] Duration quantile(double q) const;
  /// How many values are not above `bound`; a histogram's bucket counts if its middle is.
  [[nodiscard]] std::uint64_t count_up_to(Duration bound) const;
  [[nodiscard]] bool exact() const { return count_ == values_.size(); }

  /// 80 kB; for the many distributions of a report. That of all latencies is given more.
  static constexpr std::size_t kExactMax = 10'000;

 private:
  void sort() const;

  std::size_t exact_max_;
  mutable std::vector<Duration> values_;  // empty from exact_max_ on
  mutable bool sorted_ = false;
  HdrHistogram histogram_;  // empty until then
  std::uint64_t count_ = 0;
  Duration total_{0};
  Duration min_{0};
  Duration max_{0};
  double running_mean_ = 0;  // these two after Welford 1962, in ns
  double squares_ = 0;
};

}  // namespace forebay::load
