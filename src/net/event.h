#pragma once

#include <optional>
#include <utility>

#include <boost/asio/async_result.hpp>

#include "base/check.h"
#include "net/asio.h"

namespace forebay::net {

/// Something has changed: look again. One coroutine waits, anyone on the same thread sets. Setting
/// resumes the waiter at once, inside set(); a set without a waiter is remembered once.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void set() {
    if (!waiter_) {
      set_ = true;
      return;
    }
    Handler waiter = std::move(*waiter_);
    waiter_.reset();
    std::move(waiter)();
  }

  /// Returns when the event has been set since the last wait.
  Task<void> wait() {
    if (std::exchange(set_, false)) {
      co_return;
    }
    co_await asio::async_initiate<const UseTask, void()>(
        [this](Handler handler) {
          CHECK(!waiter_);
          waiter_.emplace(std::move(handler));
        },
        UseTask());
  }

 private:
  using Handler = asio::async_result<UseTask, void()>::handler_type;
  std::optional<Handler> waiter_;
  bool set_ = false;
};

}  // namespace forebay::net
