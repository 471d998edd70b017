#include "load/validity.h"

#include <algorithm>
#include <map>

#include "base/text.h"
#include "load/go_format.h"
#include "load/saturate.h"

namespace forebay::load {
namespace {

bool sharded(const Run& run) { return run.shards > 1; }

void judge_lateness(const Figures& figures, const ValidityLimits& limits, Validity& validity) {
  const Duration late = figures.phase(Phase::kLate).quantile(0.99);
  const Duration typical = figures.latency.quantile(0.5);
  const Duration most = std::max(
      kLateAlways,
      Duration(static_cast<std::int64_t>(static_cast<double>(typical.count()) * limits.late_max)));
  if (late > most) {
    validity.reasons.push_back(format(
        "this side was late: 1 % of the hits by {} or more, and {} is the most for a p50 of {}",
        go_rounded(late), go_rounded(most), go_rounded(typical)));
  }
}

/// By how much the schedule was stretched. Of the late hits the tenth percentile from above, so
/// that one hiccup at the end of a short run is not taken for a rate.
void judge_rate(const Figures& figures, Validity& validity) {
  const Duration late = figures.phase(Phase::kLate).quantile(0.9);
  const double asked = to_seconds(figures.duration());
  const double taken = asked + to_seconds(late);
  const bool has_rate = asked > 0;  // a single hit has none
  if (has_rate && late > kLateAlways && asked < kAchievedMin * taken) {
    validity.reasons.push_back(
        format("the rate was not reached: {:.1f} % of what was asked for", 100 * asked / taken));
  }
}

void judge_end(const Run& run, bool cut, Validity& validity) {
  if (!run.ended) {
    if (!cut) {
      validity.reasons.emplace_back("the results break off: the attack did not come to its end");
    }
  } else if (run.interrupted && run.hits) {
    validity.reasons.push_back(format("interrupted after {} of {} hits", run.released, *run.hits));
  } else if (run.hits &&
             static_cast<double>(run.released) < kAchievedMin * static_cast<double>(*run.hits)) {
    validity.reasons.push_back(format("only {} of {} hits were made", run.released, *run.hits));
  }
  for (const std::string& reason : run.invalid) {
    if (std::ranges::find(validity.reasons, reason) == validity.reasons.end()) {
      validity.reasons.push_back(reason);
    }
  }
}

void judge_shards(const std::vector<Run>& runs, Validity& validity) {
  std::map<std::uint64_t, std::uint64_t> seen;
  std::uint64_t shards = 0;
  for (const Run& run : runs) {
    if (sharded(run)) {
      ++seen[run.shard];
      shards = std::max(shards, run.shards);
    }
  }
  for (const auto& [shard, times] : seen) {
    if (times > 1) {
      validity.reasons.push_back(format("shard {} of {} is there {} times", shard, shards, times));
    }
  }
  if (seen.size() < shards) {
    validity.notes.push_back(format("{} of {} shards are here", seen.size(), shards));
  }
}

}  // namespace

Validity judge(const Figures& figures, const std::vector<Run>& runs, const ValidityLimits& limits,
               bool cut) {
  Validity validity;
  validity.known = !runs.empty();
  if (cut) {
    validity.reasons.emplace_back("reading was interrupted");
  }
  std::uint64_t released = 0;
  bool ended = !runs.empty();
  for (const Run& run : runs) {
    judge_end(run, cut, validity);
    released = static_cast<std::uint64_t>(
        sum(static_cast<std::int64_t>(released), static_cast<std::int64_t>(run.released)));
    ended = ended && run.ended;
  }
  if (ended && !cut && figures.requests < released) {
    validity.reasons.push_back(
        format("{} of {} results are missing", released - figures.requests, released));
  }
  judge_lateness(figures, limits, validity);
  judge_rate(figures, validity);
  judge_shards(runs, validity);
  return validity;
}

Result<void> same_schedule(const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    if ((sharded(run) || sharded(runs.front())) &&
        (run.schedule_hash != runs.front().schedule_hash || run.shards != runs.front().shards)) {
      return fail(
          format("these are shards of different schedules, \"{}\" ({:016x}, of {}) and "
                 "\"{}\" ({:016x}, of {}): report them one by one",
                 runs.front().schedule, runs.front().schedule_hash, runs.front().shards,
                 run.schedule, run.schedule_hash, run.shards));
    }
  }
  return {};
}

}  // namespace forebay::load
