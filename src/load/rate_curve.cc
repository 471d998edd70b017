#include "load/rate_curve.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace forebay::load {
namespace {

constexpr Wide kNsMax = std::numeric_limits<std::int64_t>::max();

std::unexpected<Error> too_large() {
  return fail(
      "these rates and times are beyond what 64 bits can hold: take rounder or smaller ones");
}

double as_double(Wide value) { return static_cast<double>(value); }

}  // namespace

Result<RateCurve> RateCurve::make(const std::vector<Piece>& pieces, Wide per_ticks,
                                  std::uint64_t ticks_per_ns) {
  RateCurve curve;
  Wide ticks = 0;
  for (const Piece& piece : pieces) {
    CHECK(piece.ticks > 0);
    if (piece.from > kRateMax || piece.to > kRateMax || piece.ticks > kTicksMax) {
      return too_large();
    }
    curve.pieces_.push_back({piece, static_cast<std::uint64_t>(ticks), curve.area_});
    ticks += piece.ticks;
    curve.area_ += area(piece, piece.ticks);
    if (ticks > kNsMax) {
      return too_large();
    }
  }
  if (per_ticks > kPerMax) {
    return too_large();
  }
  if (curve.area_ == 0) {
    return fail("there is no hit in this schedule: at least one rate must be above zero");
  }
  curve.ticks_ = static_cast<std::uint64_t>(ticks);
  curve.hit_area_ = 2 * per_ticks;
  curve.ticks_per_ns_ = ticks_per_ns;
  return curve;
}

/// Twice the integral of the rate over the first `ticks` of a piece, rounded up:
/// 2 from t + (to - from) t^2 / length. To compare it with a whole number is to compare the exact
/// value. With the limits above it stays below 2^118.
Wide RateCurve::area(const Piece& piece, std::uint64_t ticks) {
  const Wide level = Wide{piece.from} * ticks * 2;
  if (piece.from == piece.to) {
    return level;
  }
  const Wide square = Wide{ticks} * ticks;
  const auto slope = [&](std::uint64_t rise, bool round_up) {
    const Wide part = rise * (square % piece.ticks);
    return rise * (square / piece.ticks) + (part + (round_up ? piece.ticks - 1 : 0)) / piece.ticks;
  };
  return piece.to > piece.from ? level + slope(piece.to - piece.from, true)
                               : level - slope(piece.from - piece.to, false);
}

/// The last tick of a piece up to which its area is no more than `wanted`, which is less than all
/// of it: a guess in floating point, put right in integers.
std::uint64_t RateCurve::ticks_until(const Piece& piece, Wide wanted) {
  if (piece.from == piece.to) {
    return static_cast<std::uint64_t>(wanted / (Wide{piece.from} * 2));
  }
  if (wanted == 0) {
    return 0;
  }
  const double start = 2 * as_double(piece.from);
  const double bend = 4 * (as_double(piece.to) - as_double(piece.from)) / as_double(piece.ticks);
  const double root = std::sqrt(std::max(0.0, start * start + bend * as_double(wanted)));
  const double guess = 2 * as_double(wanted) / (start + root);
  std::uint64_t low =
      guess < as_double(piece.ticks) ? static_cast<std::uint64_t>(guess) : piece.ticks;
  for (std::uint64_t step = 1; area(piece, low) > wanted; step *= 2)
    low -= std::min(low, step);
  std::uint64_t high = low + 1;
  for (std::uint64_t step = 1; high < piece.ticks && area(piece, high) <= wanted; step *= 2) {
    low = high;
    high += step;
  }
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    (middle < piece.ticks && area(piece, middle) <= wanted ? low : high) = middle;
  }
  return low;
}

std::uint64_t RateCurve::ticks_until(Wide wanted) const {
  const auto after = std::ranges::upper_bound(pieces_, wanted, {}, &Placed::before);
  const Placed& piece = *std::prev(after);
  return piece.start + ticks_until(piece, wanted - piece.before);
}

Wide RateCurve::area_until(std::uint64_t ticks) const {
  const auto after = std::ranges::upper_bound(pieces_, ticks, {}, &Placed::start);
  const Placed& piece = *std::prev(after);
  return piece.before + area(piece, ticks - piece.start);
}

std::optional<Duration> RateCurve::offset(std::uint64_t n) const {
  Wide wanted = 0;
  if (__builtin_mul_overflow(hit_area_, Wide{n}, &wanted)) {
    return std::nullopt;
  }
  const Wide rounds = wanted / area_;
  const std::uint64_t rest = ticks_until(wanted % area_);
  if (rounds > kNsMax) {
    return std::nullopt;
  }
  const Wide ns = (rounds * ticks_ + rest) / ticks_per_ns_;
  if (ns > kNsMax) {
    return std::nullopt;
  }
  return Duration{static_cast<std::int64_t>(ns)};
}

Result<std::uint64_t> RateCurve::hits_within(Duration duration) const {
  const Wide ticks = Wide{static_cast<std::uint64_t>(duration.count())} * ticks_per_ns_;
  Wide area = 0;
  if (__builtin_mul_overflow(ticks / ticks_, area_, &area) ||
      __builtin_add_overflow(area, area_until(static_cast<std::uint64_t>(ticks % ticks_)), &area) ||
      __builtin_add_overflow(area, hit_area_ - 1, &area)) {
    return too_large();
  }
  const Wide hits = area / hit_area_;
  if (hits > std::numeric_limits<std::uint64_t>::max()) {
    return too_large();
  }
  return static_cast<std::uint64_t>(hits);
}

Duration RateCurve::length() const {
  return Duration{static_cast<std::int64_t>(ticks_ / ticks_per_ns_)};
}

void RateCurve::add_to(ScheduleHash& hash) const {
  for (const Placed& piece : pieces_)
    hash.add(piece.from).add(piece.to).add(piece.ticks);
  hash.add(static_cast<std::uint64_t>(hit_area_ >> 64)).add(static_cast<std::uint64_t>(hit_area_));
  hash.add(ticks_per_ns_);
}

}  // namespace forebay::load
