#pragma once

#include <functional>
#include <map>
#include <optional>

#include "base/clock.h"

namespace forebay::net {

class Loop;
class Timer;

/// A loop's armed timers, the earliest first.
class TimerQueue {
 public:
  /// Calls those whose time has come.
  std::size_t expire(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next() const;

 private:
  friend class Timer;
  std::multimap<TimePoint, Timer*> armed_;
};

/// Calls back once at a time to come. Arming again replaces what was armed; after cancel() or the
/// timer's destruction nothing is called any more.
class Timer {
 public:
  explicit Timer(Loop& loop);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }

  void at(TimePoint when, std::function<void()> expired);
  void after(Duration delay, std::function<void()> expired);
  void cancel();
  [[nodiscard]] bool armed() const { return place_.has_value(); }

 private:
  friend class TimerQueue;
  TimerQueue& queue_;
  std::optional<std::multimap<TimePoint, Timer*>::iterator> place_;
  std::function<void()> expired_;
};

}  // namespace forebay::net
