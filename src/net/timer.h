#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/steady_timer.hpp>

#include "base/clock.h"
#include "net/loop.h"

namespace forebay::net {

/// Calls back once at a time to come. Arming again replaces what was armed; after cancel() or the
/// timer's destruction nothing is called any more.
class Timer {
 public:
  explicit Timer(Loop& loop) : state_(std::make_shared<State>(loop)) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }

  void at(TimePoint when, std::function<void()> expired) {
    cancel();
    state_->expired = std::move(expired);
    state_->timer.expires_at(when);
    state_->timer.async_wait([state = state_, turn = state_->turn](const auto& error) {
      // An expiry that was under way when it was replaced or cancelled is of an earlier turn.
      if (!error && turn == state->turn && state->expired) {
        std::exchange(state->expired, nullptr)();
      }
    });
  }
  void after(Duration delay, std::function<void()> expired) {
    at(Clock::now() + delay, std::move(expired));
  }
  void cancel() {
    if (armed()) {
      ++state_->turn;
      state_->expired = nullptr;
      state_->timer.cancel();
    }
  }
  [[nodiscard]] bool armed() const { return state_->expired != nullptr; }

 private:
  struct State {
    explicit State(Loop& loop) : timer(loop.executor()) {}
    asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> timer;
    std::function<void()> expired;
    std::uint64_t turn = 0;
  };
  std::shared_ptr<State> state_;
};

}  // namespace forebay::net
