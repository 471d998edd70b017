#pragma once

#include <boost/asio/steady_timer.hpp>

#include "front/settings.h"
#include "net/loop.h"
#include "net/timeouts.h"

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
        timer_(loop.executor()) {}

  net::TimeoutList head;
  net::TimeoutList body;
  net::TimeoutList keep_alive;
  net::TimeoutList write;
  net::TimeoutList linger{std::chrono::seconds(2)};

  void arm(net::TimeoutList& list, net::Timeout& timeout) {
    list.arm(timeout, Clock::now());
    if (!ticking_) {
      tick();
    }
  }

 private:
  static constexpr std::chrono::milliseconds kTick{250};

  void tick() {
    ticking_ = true;
    timer_.expires_after(kTick);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (error) {
        return;
      }
      const TimePoint now = Clock::now();
      bool armed = false;
      for (net::TimeoutList* list : {&head, &body, &keep_alive, &write, &linger}) {
        list->expire(now);
        armed = armed || !list->empty();
      }
      ticking_ = false;
      if (armed) {
        tick();
      }
    });
  }

  net::asio::basic_waitable_timer<Clock, net::asio::wait_traits<Clock>, net::Executor> timer_;
  bool ticking_ = false;
};

}  // namespace forebay::front
