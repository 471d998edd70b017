#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "base/clock.h"
#include "base/hdr_histogram.h"

namespace forebay::load {

/// Latencies by the time at which they started, in blocks of a second; longer ones where that would
/// be too many. What is near in time is alike, so blocks are what can be resampled.
class Blocks {
 public:
  void add(std::int64_t start_ns, Duration latency);
  /// By number; blocks without hits are left out.
  [[nodiscard]] const std::map<std::int64_t, HdrHistogram>& all() const { return blocks_; }
  [[nodiscard]] Duration width() const { return width_; }

  static constexpr std::size_t kCountMax = 300;  // about 50 kB each

 private:
  void double_width();

  Duration width_ = std::chrono::seconds(1);
  std::map<std::int64_t, HdrHistogram> blocks_;
};

}  // namespace forebay::load
