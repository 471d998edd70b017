#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "base/histogram.h"
#include "load/hit.h"

namespace forebay::load {

/// Counts hits for Prometheus, by vegeta's names and labels: request_seconds, request_bytes_in,
/// request_bytes_out by method, url and status; request_fail_count by message too. Any thread.
class HitMetrics {
 public:
  /// Combinations of labels; what is more counts with a url and message of "other". Targets whose
  /// URLs differ each time would fill the memory of whoever scrapes us.
  static constexpr std::size_t kSeriesMax = 1000;

  void add(const Hit& hit);
  /// prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4.
  [[nodiscard]] std::string text() const;

 private:
  static constexpr std::array kBounds{.005, .01, .025, .05, .1, .25, .5, 1., 2.5, 5., 10.};
  struct Series {
    Histogram<kBounds.size()> seconds{kBounds};
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
  };
  using Key = std::tuple<std::string, std::string, int>;  // method, url, status
  using FailKey = std::tuple<std::string, std::string, int, std::string>;

  mutable std::mutex mutex_;
  std::map<Key, Series> series_;
  std::map<FailKey, std::uint64_t> failed_;
};

}  // namespace forebay::load
