#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "load/hit.h"

namespace forebay::load {

/// Latencies in buckets of 1, 2, 5, 10, .. from 1 us to 100 s.
struct LatencyBuckets {
  static constexpr std::size_t kCount = 26;

  /// What the bucket ends before; the last one has no end.
  static Duration end(std::size_t bucket);
  void record(Duration latency);

  std::array<std::uint64_t, kCount> counts{};
};

/// An attack at one moment.
struct LiveFigures {
  std::string name;  // mostly empty
  Duration elapsed{0};
  std::optional<std::uint64_t> total;  // hits; none: until a signal
  std::uint64_t released = 0;
  std::uint64_t done = 0;
  std::optional<double> rate_asked;  // hits a second; none: closed loop
  double rate_sent = 0;              // these two of the last seconds
  double rate_done = 0;
  std::map<int, std::uint64_t> statuses;                       // of done; 0 = no answer
  std::array<std::uint64_t, kFailureWords.size()> failures{};  // of done
  LatencyBuckets latencies;                                    // of done
  Duration window{0};                                          // what follows is of so long
  std::optional<std::array<Duration, 3>> quantiles;            // 50, 90, 99 % of the latency
  Duration lag_p99{0};
  std::size_t unwritten = 0;  // results
};

struct TerminalSize {
  std::size_t rows = 24;
  std::size_t columns = 80;
};

/// Some lines, each with its end, that fit into the terminal and leave one row free.
std::string live_text(const LiveFigures& figures, TerminalSize size, bool colours);
/// The same in one line, for logs.
std::string live_line(const LiveFigures& figures);

}  // namespace forebay::load
