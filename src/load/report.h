#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "load/figures.h"
#include "load/intervals.h"
#include "load/validity.h"

namespace forebay::load {

/// Lower bounds of buckets: each reaches to the next one, the last to the end.
using Buckets = std::vector<Duration>;
/// "[0,1ms,10ms]"; a list that starts above 0 gets a 0 in front. Errors: `bad buckets: TEXT`, or
/// the duration that is none.
Result<Buckets> parse_buckets(std::string_view text);

/// Hits per bucket of latency.
class BucketCounts {
 public:
  explicit BucketCounts(Buckets bounds) : bounds_(std::move(bounds)), counts_(bounds_.size()) {}
  void add(Duration latency);
  [[nodiscard]] const Buckets& bounds() const { return bounds_; }
  [[nodiscard]] const std::vector<std::uint64_t>& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  Buckets bounds_;  // never empty
  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0;
};

/// What is reported.
struct Report {
  const Figures& figures;
  const std::vector<Run>& runs;  // what the attacks said of themselves; empty: nothing
  const Validity& validity;
  const BucketCounts* buckets = nullptr;  // JSON only
};

/// Vegeta's layout to the column and digit. Lines of ours follow the errors only where there is
/// something to say; `full`: all that is known.
std::string text_report(const Report& report, bool full);
/// One line: vegeta's keys in its order, then ours, from `schema_version` on. Durations are ns.
std::string json_report(const Report& report);
std::string histogram_report(const BucketCounts& counts);
/// The figures of ab(1) and of wrk, in their layouts, but for what nobody counted: ab's bytes of
/// heads and failures of length, wrk's threads.
std::string ab_report(const Report& report);
std::string wrk_report(const Report& report);
/// Quantiles as the plotter of hdrhistogram.org reads them.
std::string hdrplot_report(const Figures& figures);

}  // namespace forebay::load
