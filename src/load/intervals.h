#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "load/figures.h"

namespace forebay::load {

/// The quantiles that a report gives intervals for.
inline constexpr std::array<double, 5> kQuantiles{0.5, 0.9, 0.95, 0.99, 0.999};
inline constexpr std::array<std::string_view, 5> kQuantileWords{"p50", "p90", "p95", "p99",
                                                                "p99.9"};

/// What the quantiles of the latency could have been in other runs like this one. From kBlocksMin
/// blocks on, blocks are drawn with replacement, because latencies that are near in time are alike
/// (Künsch 1989); below that hits are taken for independent, and the quantile's place varies as the
/// binomial distribution says. The same seed draws the same.
class Resamples {
 public:
  Resamples(const Figures& figures, std::uint64_t seed);

  /// Of kQuantiles[index], in the order in which they were drawn, in ns.
  [[nodiscard]] const std::vector<double>& of(std::size_t index) const { return drawn_[index]; }

  static constexpr std::size_t kCount = 400;
  static constexpr std::size_t kBlocksMin = 10;

 private:
  void draw_blocks(const Blocks& blocks, std::uint64_t seed);
  void draw_places(const Distribution& latency, std::uint64_t seed);

  std::array<std::vector<double>, kQuantiles.size()> drawn_;
};

/// Of 95 %. An end without a value: fewer than kBeyondMin hits lie beyond the quantile, so nobody
/// knows.
struct Interval {
  std::optional<Duration> low;
  std::optional<Duration> high;
};
inline constexpr double kBeyondMin = 10;
[[nodiscard]] std::array<Interval, kQuantiles.size()> intervals(const Figures& figures);

/// The middle 95 % of `values`, which must not be empty: first and last.
[[nodiscard]] std::pair<double, double> middle_of(std::vector<double> values);

}  // namespace forebay::load
