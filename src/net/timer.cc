#include "net/timer.h"

#include <utility>

#include "net/loop.h"

namespace forebay::net {

std::size_t TimerQueue::expire(TimePoint now) {
  std::size_t expired = 0;
  while (!armed_.empty() && armed_.begin()->first <= now) {
    Timer& timer = *armed_.begin()->second;
    // Out of the timer first: the call may arm it again, or destroy it.
    const std::function<void()> call = std::move(timer.expired_);
    timer.cancel();
    call();
    ++expired;
  }
  return expired;
}

std::optional<TimePoint> TimerQueue::next() const {
  return armed_.empty() ? std::nullopt : std::optional(armed_.begin()->first);
}

Timer::Timer(Loop& loop) : queue_(loop.timers()) {}

void Timer::at(TimePoint when, std::function<void()> expired) {
  cancel();
  expired_ = std::move(expired);
  place_ = queue_.armed_.emplace(when, this);
}

void Timer::after(Duration delay, std::function<void()> expired) {
  at(Clock::now() + delay, std::move(expired));
}

void Timer::cancel() {
  if (place_) {
    queue_.armed_.erase(*place_);
    place_.reset();
    expired_ = nullptr;
  }
}

}  // namespace forebay::net
