#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>

#include "base/clock.h"
#include "base/hdr_histogram.h"
#include "load/hit.h"
#include "load/live_view.h"

namespace forebay::load {

/// Counts hits for the live view. The figures "of the last seconds" come from slices of time of
/// which the oldest is dropped when a new one begins. Any thread.
class LiveMeter {
 public:
  static constexpr std::size_t kSlices = 5;
  static constexpr Duration kSlice = std::chrono::seconds(1);

  void hit(const Hit& hit);
  /// Fills in what the hits tell, and the rates from `released` and `done`, which the caller fills
  /// in before with `elapsed`.
  void read(LiveFigures& figures);

 private:
  struct Slice {
    Duration start{0};
    std::uint64_t released = 0;  // before it
    std::uint64_t done = 0;
    HdrHistogram latencies;
    HdrHistogram lags;
  };

  std::mutex mutex_;
  std::deque<Slice> slices_ = std::deque<Slice>(1);  // never empty, oldest first
  std::map<int, std::uint64_t> statuses_;
  std::array<std::uint64_t, kFailureWords.size()> failures_{};
  LatencyBuckets latencies_;
};

}  // namespace forebay::load
