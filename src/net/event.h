#pragma once

#include <coroutine>
#include <utility>

#include "base/check.h"

namespace forebay::net {

/// Something has changed: look again. One coroutine waits, anyone on the same thread sets. Setting
/// resumes the waiter at once, inside set(); a set without a waiter is remembered once.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  void set() {
    if (waiter_) {
      std::exchange(waiter_, nullptr).resume();
    } else {
      set_ = true;
    }
  }

  /// `co_await wait()` returns when the event has been set since the last wait.
  [[nodiscard]] auto wait() {
    struct Awaiter {
      Event& event;
      [[nodiscard]] bool await_ready() const { return std::exchange(event.set_, false); }
      void await_suspend(std::coroutine_handle<> waiter) const {
        CHECK(!event.waiter_);
        event.waiter_ = waiter;
      }
      static void await_resume() {}
    };
    return Awaiter{*this};
  }

 private:
  std::coroutine_handle<> waiter_;
  bool set_ = false;
};

}  // namespace forebay::net
