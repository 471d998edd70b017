#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "load/figures.h"
#include "load/run.h"

namespace forebay::load {

struct ValidityLimits {
  double late_max = 0.10;  // p99 of `late`, as a part of the p50 of the latency
};
/// Lateness below this never makes a run invalid, be it as short as one hit.
inline constexpr Duration kLateAlways = std::chrono::milliseconds(1);
/// Least share of the hits, and of their rate, that the generator must have brought about.
inline constexpr double kAchievedMin = 0.99;

/// Whether the figures can be trusted: what the generator did, never what the server did.
struct Validity {
  bool known = false;                // the attack said something of itself
  std::vector<std::string> reasons;  // why they cannot; empty: they can
  std::vector<std::string> notes;    // worth saying, but no reason

  [[nodiscard]] bool valid() const { return reasons.empty(); }
};

/// For the hits of all `runs` together, read to the end. `cut`: we ended the reading ourselves.
Validity judge(const Figures& figures, const std::vector<Run>& runs, const ValidityLimits& limits,
               bool cut = false);

/// May these be merged? Errors: shards of different schedules.
Result<void> same_schedule(const std::vector<Run>& runs);

}  // namespace forebay::load
