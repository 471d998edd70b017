#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"

namespace forebay {

/// Counts durations in buckets that grow with the value, so that each is known to 1/1024 of itself:
///
///   row 0:        1024 buckets of 1 ns      0 .. 1023 ns
///   row r >= 1:   1024 buckets of 2^(r-1)   1024 * 2^(r-1) .. 2048 * 2^(r-1) - 1
///
/// 33 rows reach to 73 minutes; what is longer counts in the last bucket. A row takes its 8 KiB
/// when the first value falls into it: 264 KiB at most. Merging is exact: merge(a, b) is what one
/// histogram of all values would be. (The idea: HdrHistogram, hdrhistogram.org.)
class HdrHistogram {
 public:
  static constexpr std::size_t kRows = 33;
  static constexpr std::size_t kBucketsPerRow = 1024;
  static constexpr Duration kMax{(std::int64_t{kBucketsPerRow} << (kRows - 1)) - 1};

  /// Negative durations count as 0.
  void record(Duration value);
  void merge(const HdrHistogram& other);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// The value at the place `rank`, 1 = smallest, as the middle of its bucket; between two places
  /// linear. 0 if there are no values.
  [[nodiscard]] Duration at_rank(double rank) const;
  /// Calls each(lowest value of the bucket, its width, count) for buckets that count, ascending.
  void for_each(const std::function<void(Duration, Duration, std::uint64_t)>& each) const;

 private:
  using Row = std::array<std::uint64_t, kBucketsPerRow>;

  [[nodiscard]] double middle_at(std::uint64_t rank) const;

  std::array<std::unique_ptr<Row>, kRows> rows_;
  std::array<std::uint64_t, kRows> row_counts_{};
  std::uint64_t count_ = 0;
};

}  // namespace forebay
