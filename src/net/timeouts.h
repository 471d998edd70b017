#pragma once

#include <chrono>

#include "base/clock.h"
#include "base/list.h"

namespace forebay::net {

struct TimeoutTag {};

/// Something that is told when it took too long. In at most one TimeoutList at a time.
class Timeout : public Link<TimeoutTag> {
 public:
  virtual void timed_out() = 0;

 protected:
  ~Timeout() = default;

 private:
  friend class TimeoutList;
  TimePoint due_;
};

/// Timeouts of one constant duration, so that order of arming is order of expiry: arming and
/// disarming are O(1) and no timer of the kernel is touched. Someone calls expire() now and then.
class TimeoutList {
 public:
  explicit TimeoutList(Duration duration) : duration_(duration) {}

  void arm(Timeout& timeout, TimePoint now) {
    disarm(timeout);
    timeout.due_ = now + duration_;
    armed_.push_back(timeout);
  }
  static void disarm(Timeout& timeout) { timeout.unlink(); }
  [[nodiscard]] bool empty() const { return armed_.empty(); }

  void expire(TimePoint now) {
    while (!armed_.empty() && armed_.front()->due_ <= now) {
      Timeout& timeout = *armed_.front();
      timeout.unlink();
      timeout.timed_out();
    }
  }
  /// Times out the one that was armed first, if that is at least `age` ago. False: there is none.
  bool expire_first(TimePoint now, Duration age) {
    if (armed_.empty() || armed_.front()->due_ - duration_ + age > now) {
      return false;
    }
    Timeout& timeout = *armed_.front();
    timeout.unlink();
    timeout.timed_out();
    return true;
  }

 private:
  Duration duration_;
  List<Timeout, TimeoutTag> armed_;
};

}  // namespace forebay::net
