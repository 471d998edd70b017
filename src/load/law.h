#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "load/schedule.h"

namespace forebay::load {

/// Where hit n of a schedule lies. Offsets are computed in integers only: floating point differs
/// from one machine to the next. Immutable; any thread.
class Schedule::Law {
 public:
  /// One way through the hits. One thread; not longer than its law.
  class Pass {
   public:
    virtual ~Pass() = default;
    /// n grows from call to call. Nothing: 64 bits of nanoseconds cannot hold it.
    virtual std::optional<Duration> offset(std::uint64_t n) = 0;
  };

  virtual ~Law() = default;
  [[nodiscard]] virtual std::unique_ptr<Pass> pass() const = 0;

  std::optional<std::uint64_t> count;  // of hits; none: without end
  std::string text;                    // in words
  std::uint64_t hash = 0;              // of all that decides over the offsets
};

using LawResult = Result<std::shared_ptr<const Schedule::Law>>;

/// A law of the option -arrivals: WORD or WORD:ARGUMENT.
struct LawWord {
  std::string_view word;
  LawResult (*make)(std::string_view argument, const ScheduleOptions& options);
};

/// steady_laws.cc: as many hits in each `per` as in the next.
LawResult make_constant(std::string_view argument, const ScheduleOptions& options);
LawResult make_poisson(std::string_view argument, const ScheduleOptions& options);
LawResult make_jitter(std::string_view argument, const ScheduleOptions& options);
LawResult make_bursts(std::string_view argument, const ScheduleOptions& options);
/// changing_laws.cc.
LawResult make_ramp(std::string_view argument, const ScheduleOptions& options);
LawResult make_steps(std::string_view argument, const ScheduleOptions& options);
LawResult make_sine(std::string_view argument, const ScheduleOptions& options);
/// replay_law.cc.
LawResult make_replay(std::string_view argument, const ScheduleOptions& options);

/// ceil(hits * duration / per): how many hits of a constant rate begin before `duration`. Errors:
/// a rate of 0, more hits than 64 bits can count.
Result<std::optional<std::uint64_t>> hits_within(const Rate& rate,
                                                 std::optional<Duration> duration);

/// " for 5s", or nothing.
std::string for_duration(std::optional<Duration> duration);

}  // namespace forebay::load
