#pragma once

#include "front/settings.h"
#include "net/timeouts.h"
#include "net/timer.h"

namespace forebay::front {

/// The timeouts of connections, one list for each kind, and the one timer that looks at them. It
/// ticks only while something is armed; a timeout is late by at most a tick.
class Ticker {
 public:
  Ticker(net::Loop& loop, const Settings& settings)
      : head(settings.head_timeout),
        body(settings.body_timeout),
        keep_alive(settings.keep_alive),
        write(settings.write_timeout),
        timer_(loop) {}

  net::TimeoutList head;
  net::TimeoutList body;
  net::TimeoutList keep_alive;
  net::TimeoutList write;
  net::TimeoutList linger{std::chrono::seconds(2)};

  void arm(net::TimeoutList& list, net::Timeout& timeout) {
    list.arm(timeout, Clock::now());
    if (!timer_.armed()) {
      timer_.after(kTick, [this] { tick(); });
    }
  }

 private:
  static constexpr std::chrono::milliseconds kTick{250};

  void tick() {
    const TimePoint now = Clock::now();
    bool armed = false;
    for (net::TimeoutList* list : {&head, &body, &keep_alive, &write, &linger}) {
      list->expire(now);
      armed = armed || !list->empty();
    }
    if (armed && !timer_.armed()) {
      timer_.after(kTick, [this] { tick(); });
    }
  }

  net::Timer timer_;
};

}  // namespace forebay::front
