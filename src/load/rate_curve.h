#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "load/schedule_hash.h"
#include "load/wide.h"

namespace forebay::load {

/// A rate that changes in straight lines and steps, again and again, and the exact inverse of its
/// integral: hit n lies at the last tick at which no more than n hits are due. In integers: the
/// area under the curve is counted in units of which one hit has hit_area_. Immutable; any thread.
///
///   rate     __
///     |   __/  \      a piece each: from, to, ticks
///     |__/      |__
///     +------------- ticks
class RateCurve {
 public:
  /// Numbers of one curve share `per` and the length of a tick: `from` and `to` are hits per
  /// `per_ticks` ticks.
  struct Piece {
    std::uint64_t from;
    std::uint64_t to;
    std::uint64_t ticks;
  };
  static constexpr std::uint64_t kRateMax = std::uint64_t{1} << 60;   // of from and to
  static constexpr std::uint64_t kTicksMax = std::uint64_t{1} << 56;  // of a piece
  static constexpr Wide kPerMax = Wide{1} << 90;

  /// Errors: a number beyond these limits, a curve without a hit, more than 64 bits of nanoseconds.
  static Result<RateCurve> make(const std::vector<Piece>& pieces, Wide per_ticks,
                                std::uint64_t ticks_per_ns);

  /// Nothing: 64 bits cannot hold it.
  [[nodiscard]] std::optional<Duration> offset(std::uint64_t n) const;
  /// Hits before `duration`: the integral up to there, rounded up. Errors: more than 64 bits.
  [[nodiscard]] Result<std::uint64_t> hits_within(Duration duration) const;
  /// Of all pieces, once.
  [[nodiscard]] Duration length() const;
  void add_to(ScheduleHash& hash) const;

 private:
  struct Placed : Piece {
    std::uint64_t start;  // ticks before it
    Wide before;          // area before it
  };

  static Wide area(const Piece& piece, std::uint64_t ticks);
  static std::uint64_t ticks_until(const Piece& piece, Wide area);
  [[nodiscard]] std::uint64_t ticks_until(Wide area) const;
  [[nodiscard]] Wide area_until(std::uint64_t ticks) const;

  std::vector<Placed> pieces_;
  std::uint64_t ticks_ = 0;  // of all pieces
  Wide area_ = 0;
  Wide hit_area_ = 0;
  std::uint64_t ticks_per_ns_ = 1;
};

}  // namespace forebay::load
