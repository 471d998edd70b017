#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "load/rate.h"

namespace forebay::load {

struct ScheduleOptions {
  Rate rate = {};
  std::optional<Duration> duration = std::nullopt;  // none: until a signal
  std::string arrivals = "constant";                // the law, see Schedule::make
  std::uint64_t seed = 1;
};

/// When each hit is to be sent, as data: hit n at start + offset(n), whatever happened to those
/// before it. The same options give the same schedule on every machine. Immutable; any thread.
class Schedule {
 public:
  class Law;

  /// Errors: no such law, a law that needs a duration, a replay file that cannot be read (with the
  /// line), rates beyond what 64 bits of nanoseconds can hold.
  static Result<Schedule> make(const ScheduleOptions& options);

  /// Number of hits, if the schedule ends: exactly rate x duration, rounded up, for constant rates.
  [[nodiscard]] std::optional<std::uint64_t> count() const;
  /// In words, fit for a report.
  [[nodiscard]] const std::string& text() const { return text_; }
  /// Of everything that decides over the offsets.
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

 private:
  friend class Arrivals;
  std::shared_ptr<const Law> law_;
  std::string text_;
  std::uint64_t hash_ = 0;
};

struct Arrival {
  std::uint64_t sequence = 0;
  Duration offset{0};  // from the start of the schedule
};

/// The hits n = part (mod parts) of a schedule, in order: those of one thread of one shard. The
/// parts together are the schedule. One thread.
class Arrivals {
 public:
  Arrivals(const Schedule& schedule, std::uint64_t part, std::uint64_t parts);
  Arrivals(Arrivals&&) noexcept;
  ~Arrivals();
  /// Nothing: the schedule is over. Offsets never decrease.
  std::optional<Arrival> next();

 private:
  class Cursor;
  std::unique_ptr<Cursor> cursor_;
};

}  // namespace forebay::load
