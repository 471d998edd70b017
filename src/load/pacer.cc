#include "load/pacer.h"

#include <algorithm>
#include <utility>

namespace forebay::load {
namespace {

/// Answers are read between hits, so that a burst of the one does not make the other late.
constexpr std::size_t kReleasesPerTurn = 64;

constexpr Duration kTailMin = std::chrono::microseconds(5);
constexpr Duration kTailMax = std::chrono::microseconds(200);
/// The tail follows the 99th percentile of oversleeping: 99 steps up for one that is too long, one
/// down for each other.
constexpr Duration kTailStep = std::chrono::nanoseconds(100);
constexpr int kStepsUp = 99;

}  // namespace

Pacer::Pacer(net::Loop& loop, TimePoint start, Arrivals arrivals, Pacing pacing, User user)
    : loop_(loop),
      start_(start),
      arrivals_(std::move(arrivals)),
      pacing_(pacing),
      user_(std::move(user)),
      timer_(loop),
      next_(arrivals_.next()),
      tail_(pacing == Pacing::kEco ? Duration{0} : std::chrono::microseconds(50)),
      room_since_(start) {
  loop_.add(*this);
}

std::size_t Pacer::poll() {
  std::size_t released = 0;
  while (next_ && released < kReleasesPerTurn) {
    const TimePoint now = Clock::now();
    if (due() > now) {
      break;
    }
    if (!user_.has_room()) {
      held_ = true;
      break;
    }
    release(now);
    ++released;
  }
  return released;
}

void Pacer::release(TimePoint now) {
  if (std::exchange(held_, false)) {
    room_since_ = now;
  }
  const TimePoint intended = due();
  const Due hit{next_->sequence, intended, now, now - std::max(intended, room_since_)};
  next_ = arrivals_.next();
  user_.release(hit);
  if (!next_) {
    user_.over();
  }
}

bool Pacer::announce_sleep() {
  asleep_until_ = TimePoint{};
  if (!next_ || (held_ && !user_.has_room())) {
    return true;
  }
  const TimePoint wake = due() - tail_;
  if (pacing_ == Pacing::kSpin || wake <= Clock::now()) {
    return false;
  }
  asleep_until_ = wake;
  timer_.at(wake, [] {});
  return true;
}

void Pacer::end_sleep() {
  timer_.cancel();
  const TimePoint now = Clock::now();
  if (pacing_ != Pacing::kPrecise || asleep_until_ == TimePoint{} || now < asleep_until_) {
    return;  // woken by an answer
  }
  const bool too_long = now - asleep_until_ > tail_;
  tail_ = std::clamp(tail_ + (too_long ? kStepsUp * kTailStep : -kTailStep), kTailMin, kTailMax);
}

}  // namespace forebay::load
