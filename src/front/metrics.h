#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/histogram.h"

namespace forebay::queue {
class RequestQueue;
}

namespace forebay::front {

struct Record;
struct WorkerCounts;

inline constexpr std::array kSecondsBuckets{.005, .01, .025, .05, .075, .1,  .25, .5, .75,
                                            1.,   2.5, 5.,   7.5, 10.,  15., 30., 60.};
using SecondsHistogram = Histogram<kSecondsBuckets.size()>;

/// What has happened since the start. Lives in the front, so it stays exact whatever happens to a
/// worker. One thread.
struct Metrics {
  TimePoint started = Clock::now();

  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;
  std::uint64_t connections_evicted = 0;  // idle ones, for others
  std::size_t connections = 0;
  std::size_t active_requests = 0;

  std::uint64_t access_log_dropped = 0;  // lines that nobody read in time

  std::uint64_t deadlines_ignored = 0;  // what was said is no time
  std::uint64_t abandoned = 0;          // left while queued
  Duration longest_wait{0};
  std::array<std::uint64_t, 16> by_reason{};
  std::array<std::uint64_t, 600> by_status{};
  std::array<std::uint64_t, 3> by_priority{};
  std::array<std::uint64_t, 3> refused_by_priority{};
  SecondsHistogram wait_dispatched{kSecondsBuckets};
  SecondsHistogram wait_shed{kSecondsBuckets};
  SecondsHistogram wait_gone{kSecondsBuckets};
  SecondsHistogram duration{kSecondsBuckets};

  double busy_seconds = 0;
  SecondsHistogram worker_start{kSecondsBuckets};
  std::uint64_t restarts_crash = 0;
  std::uint64_t restarts_timeout = 0;
  std::uint64_t restarts_reload = 0;
  std::uint64_t restarts_max_requests = 0;
  std::uint64_t restarts_memory = 0;

  /// Counts a finished request.
  void count(const Record& record);
  /// The Prometheus text format, version 0.0.4; `oldest` is the age of the longest waiting request.
  [[nodiscard]] std::string prometheus(const queue::RequestQueue& queue, Duration oldest,
                                       const WorkerCounts& workers) const;
};

}  // namespace forebay::front
